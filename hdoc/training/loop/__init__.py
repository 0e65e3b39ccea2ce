"""The training of any task under Lightning: learner, optimiser, checkpoints that survive a kill."""
