"""Measurements behind the results in the documentation; `scripts/benchmark.py` is the door to them."""
