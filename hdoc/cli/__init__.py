"""The command `hdoc`.

Only the standard library is imported before a command has been chosen, so help is instant. Every error
that hdoc raises on purpose becomes one line on standard error and exit code 1; wrong usage exits with 2.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from hdoc import __version__
from hdoc.cli.classify import add_classify
from hdoc.cli.exit_status import exit_status
from hdoc.cli.explain import add_explain
from hdoc.errors import HdocError

_DESCRIPTION = "Says what long Korean documents are about, and which sentences and words made it say so."
_EPILOG = """examples:
  hdoc explain article.txt
  hdoc explain article.txt --format html -o article.html
  hdoc explain article.txt --versus 행정
  hdoc classify letters/ -o letters.jsonl
  hdoc predict -m my-model rows.csv -o results.csv
  hdoc serve
  hdoc evaluate my-model test.jsonl --faithfulness
  hdoc train fit --config petitions
  hdoc export last.ckpt my-model
"""
# Commands that parse their own arguments: the extra that each needs, and what it is for.
_OWN_ARGUMENTS = {
    "predict": ("serve", "a model of any task over a table: hdoc predict --help"),
    "evaluate": ("evaluate", "how good a model and its explanations are"),
    "serve": ("serve", "the page and the JSON API: hdoc serve --help"),
    "library": ("serve", "keep and search articles: hdoc library --help"),
    "train": ("train", "train, validate and test models: hdoc train fit --help"),
    "runs": ("train", "the runs of an experiment, best first"),
    "register": ("train", "put a model folder into an MLflow registry"),
    "export": ("train", "turn a checkpoint into a model folder"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return exit_status(lambda: _run(given))
    except BrokenPipeError:
        # The reader has gone (`hdoc … | head`); keep Python from failing once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: list[str]) -> int:
    if arguments and arguments[0] in _OWN_ARGUMENTS:
        return _run_command(arguments[0], arguments[1:])
    options = _parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hdoc",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hdoc {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_explain(commands)
    add_classify(commands)
    for name, (_, about) in _OWN_ARGUMENTS.items():
        commands.add_parser(name, help=about, add_help=False)
    return parser


def _run_command(name: str, arguments: list[str]) -> int:
    extra, _ = _OWN_ARGUMENTS[name]
    try:
        module = import_module(f"hdoc.cli.{name}")
    except ModuleNotFoundError as error:
        raise HdocError(f"'hdoc {name}' needs {error.name}; run: pip install 'hdoc[{extra}]'") from error
    code: int = module.main(arguments)
    return code
