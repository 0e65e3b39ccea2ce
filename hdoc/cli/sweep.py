"""`hdoc train sweep`: its arguments."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from hdoc.training.configs import DEFAULT_TASK, find_configs, setting
from hdoc.training.known_tasks import find_training
from hdoc.training.search_space import read_space
from hdoc.training.sweep import Search


def main(arguments: Sequence[str]) -> int:
    """Run `hdoc train sweep`; what it does not know are options of `hdoc train fit`.

    Raises:
        HdocError: the space cannot be used, or the first trainings fail.
    """
    parser = argparse.ArgumentParser(
        prog="hdoc train sweep",
        description="Searches for the settings with the best figure on dev, such as macro-F1. All other "
        "options are those of hdoc train fit. The same command again goes on.",
        allow_abbrev=False,
    )
    parser.add_argument("--study", default="sweep", metavar="NAME", help="of the search; default: sweep")
    parser.add_argument("--trials", type=int, default=20, metavar="N", help="trainings in all; default: 20")
    parser.add_argument(
        "--space",
        type=Path,
        metavar="FILE",
        help="YAML; for each option {low: , high: , log: true} or {choices: [ ]}; default: those "
        "of the task; for documents learning rates, kernel widths, context of sentences, sentence dropout",
    )
    options, rest = parser.parse_known_args(arguments)
    if options.trials < 1:
        parser.error(f"expected at least one trial, got {options.trials}")
    given = find_configs(rest)
    space = read_space(options.space, find_training(setting(given, "task", DEFAULT_TASK)).space)
    Search(options.study, space, given).run(options.trials)
    return 0
