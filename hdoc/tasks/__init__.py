"""What hdoc does with an encoder: a module or folder a task; see `task` for what a task is."""
