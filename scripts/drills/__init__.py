"""What goes wrong in practice, done on purpose: `scripts/drills.py` is the door to it."""
