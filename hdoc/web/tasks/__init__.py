"""The routes of each task, and what they take and answer: a module or folder a task."""
