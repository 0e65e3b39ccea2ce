"""Training on documents: what is left out at random, scores of words, and what is done at the end."""
