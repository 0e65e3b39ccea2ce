"""`hdoc train`: fit, validate, test and predict, on LightningCLI.

    hdoc train fit --config petitions                  a config that comes with hdoc, by name
    hdoc train fit --config my.yaml --model.head.dropout 0.2
    hdoc train fit --resume runs/petitions/NAME        go on after a kill
    hdoc train test --config runs/petitions/NAME/config.yaml --ckpt_path runs/…/checkpoints/best.ckpt

Nothing heavy is imported before the arguments have been looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hdoc.cli.exit_status import exit_status
from hdoc.cli.installed import first_missing
from hdoc.errors import HdocError
from hdoc.training.configs import expand_resume, find_configs, shipped_configs

_USAGE = """usage: hdoc train fit|validate|test|predict|sweep [--config NAME_OR_FILE] [--SECTION.OPTION VALUE]

  fit       train; writes runs/EXPERIMENT/NAME and logs to MLflow
  validate  figures of a checkpoint on dev
  test      figures of a checkpoint on test
  predict   classes of the documents of --data.predict_file, as JSON lines
  sweep     search for good settings: hdoc train sweep --help

  --config NAME_OR_FILE   YAML file, or a config that comes with hdoc: {configs}
  --resume FOLDER         with fit: go on with a run that was interrupted; "last" is the newest one
  --ckpt_path FILE        with the others: the checkpoint to use

Train on a table of your own:
  hdoc train fit --data.train_file complaints.csv --data.text_column 내용 --data.label_column 분류

All options of a command: hdoc train fit --help
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a training command.

    Args:
        arguments: of the command line, without the program's name.

    Returns:
        Exit status: 1 for errors that hdoc raises on purpose, which are printed as one line.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    return exit_status(lambda: _run(given))


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(_USAGE.format(configs=", ".join(shipped_configs())))
        return 0
    arguments = find_configs(expand_resume(arguments))
    _check_installed()
    if arguments[0] == "sweep":
        from hdoc.cli.sweep import main as sweep

        return sweep(arguments[1:])
    from hdoc.training.lightning_cli import run

    run(arguments)
    return 0


def _check_installed() -> None:
    missing = first_missing("datasets", "jsonargparse", "mlflow", "pytorch_lightning")
    if missing:
        raise HdocError(f"training needs {missing}, which is not installed; run: pip install 'hdoc[train]'")
