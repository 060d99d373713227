"""The made-up shop: traffic whose tastes, delays, cycles and drifts are known."""
