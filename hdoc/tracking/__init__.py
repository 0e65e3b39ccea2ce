"""MLflow: where runs are recorded, models registered, and what happens while a server is away.

Nothing outside this room imports MLflow.
"""
