"""MLflow: where runs are recorded, models registered, and what happens while a server is away.

Nothing outside this room imports MLflow, and only `client` opens it. Trainings log through `run_logger`,
all that trains nothing through `report_run`; `registry` keeps models by name.
"""
