"""Faults over a running system, and the oracle that judges what is left: ``headrace bench chaos``."""
