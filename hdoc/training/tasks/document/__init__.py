"""Training on documents: what is left out at random, and scores of words."""
