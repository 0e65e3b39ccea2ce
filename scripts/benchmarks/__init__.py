"""Measurements behind the figures in the README; `scripts/benchmark.py` is the door to them."""
