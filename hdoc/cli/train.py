"""`hdoc train`: fit, validate, test and predict, on LightningCLI.

    hdoc train fit --config petitions                  a config that comes with hdoc, by name
    hdoc train fit --config my.yaml --model.dropout 0.2
    hdoc train fit --resume runs/petitions/NAME        go on after a kill
    hdoc train test --config runs/petitions/NAME/config.yaml --ckpt_path runs/…/checkpoints/best.ckpt

Nothing heavy is imported before the arguments have been looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from hdoc.errors import HdocError

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
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(_USAGE.format(configs=", ".join(shipped_configs())))
        return 0
    try:
        arguments = find_configs(expand_resume(arguments))
        _check_installed()
        if arguments[0] == "sweep":
            from hdoc.training.sweep import main as sweep

            return sweep(arguments[1:])
        from hdoc.training.lightning_cli import run

        run(arguments)
    except HdocError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _check_installed() -> None:
    try:
        import datasets  # noqa: F401
        import jsonargparse  # noqa: F401
        import mlflow  # noqa: F401
        import pytorch_lightning  # noqa: F401
    except ImportError as error:
        raise HdocError(
            f"training needs {error.name or error}, which is not installed; run: pip install 'hdoc[train]'"
        ) from error


def shipped_configs() -> dict[str, Path]:
    """Return the training configs that come with hdoc, by name."""
    folder = Path(str(files("hdoc"))) / "configs"
    return {path.stem: path for path in sorted(folder.glob("*.yaml")) if not path.stem.startswith("pretrain")}


def find_configs(arguments: Sequence[str]) -> list[str]:
    """Replace names of shipped configs by their files.

    Raises:
        HdocError: there is neither a file nor a shipped config of that name.
    """
    found = []
    is_config = False
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if is_config:
            found.append(_config(argument))
        elif option in ("--config", "-c") and equals:
            found.append(f"{option}={_config(value)}")
        else:
            found.append(argument)
        is_config = argument in ("--config", "-c")
    return found


def _config(name: str) -> str:
    if Path(name).is_file():
        return name
    shipped = shipped_configs()
    if name in shipped:
        return str(shipped[name])
    raise HdocError(f"expected --config to be a file or one of {', '.join(shipped)}; {name} is neither")


def expand_resume(arguments: Sequence[str]) -> list[str]:
    """Replace `--resume FOLDER` by that run's config and its last checkpoint; later options still count.

    Raises:
        HdocError: there is no such run, or nothing to go on from.
    """
    arguments = [part for a in arguments for part in (a.split("=", 1) if a.startswith("--resume=") else [a])]
    if "--resume" not in arguments:
        return arguments
    place = arguments.index("--resume")
    if arguments[0] != "fit" or place + 1 == len(arguments):
        raise HdocError("expected: hdoc train fit --resume FOLDER, the folder of a run, or last")
    folder = _newest_run() if arguments[place + 1] == "last" else Path(arguments[place + 1])
    config, checkpoint = folder / "config.yaml", folder / "checkpoints" / "last.ckpt"
    if not config.is_file():
        raise HdocError(f"expected the folder of a run, {folder} has no config.yaml")
    if not checkpoint.is_file():
        raise HdocError(
            f"{folder} has no checkpoints/last.ckpt: it ended before its first checkpoint; start it anew"
        )
    others = arguments[1:place] + arguments[place + 2 :]
    return ["fit", "--config", str(config), *others, "--ckpt_path", str(checkpoint)]


def _newest_run() -> Path:
    checkpoints = Path("runs").glob("*/*/checkpoints/last.ckpt")
    newest = max(checkpoints, key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise HdocError("expected a run to go on with, found no runs/*/*/checkpoints/last.ckpt here")
    return newest.parent.parent
