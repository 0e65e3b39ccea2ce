"""Training on pairs of texts: to classes, or to scores."""
