"""Where a training's values come from: shipped configs by name, and runs to go on with.

Nothing heavy is imported here: it is done before the arguments are parsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

from hdoc.errors import HdocError

DEFAULT_TASK = "document"
"""What is trained where neither arguments nor configs name a task."""


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


def setting(arguments: Sequence[str], name: str, default: str) -> str:
    """Return a text option as `hdoc train fit` will understand its arguments, without parsing them all.

    Args:
        arguments: names of configs are files already.
        name: of the option, with dots between sections.
        default: where neither arguments nor configs say it.
    """
    import yaml

    found = default
    parts = [part for argument in arguments for part in argument.split("=", 1)]
    for option, value in pairwise(parts):
        if option in ("--config", "-c"):
            inner = yaml.safe_load(Path(value).read_text(encoding="utf-8")) or {}
            for section in name.split("."):
                inner = inner.get(section) if isinstance(inner, dict) else None
            found = found if inner is None else str(inner)
        elif option == f"--{name}":
            found = value
    return found
