"""Training: what only those who train a model need; nothing outside this package imports it."""
