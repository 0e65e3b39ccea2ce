"""What the training of each task adds to the loop."""
