"""What the README quotes, measured on the machine at hand: ``headrace bench``."""
