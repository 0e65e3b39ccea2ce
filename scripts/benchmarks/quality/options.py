"""`python scripts/benchmark.py quality`: run or resume all that is compared, and show the table.

    … quality --tasks petitions,statutes,nsmc --seeds 0,1,2
    … quality --tasks petitions --entries tfidf-svm,hdoc,first-512 --seeds 0 --epochs 2 --trials 1
    … quality --data complaints.csv --text-column 내용 --label-column 분류 --max-documents 500
    … quality --tasks petitions --entries hdoc,han --epochs 5,han=12
    … quality --tasks petitions -- --model.encoder klue/bert-base --trainer.accelerator gpu

What stands behind `--` goes to every training. A run that has an outcome is not run again, one that was
killed goes on; the table is written anew after each run, so there is always one of what is done.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.quality.entries import MOST_TRIALS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to a parser."""
    parser.description = __doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--tasks", help="shipped configs with comma between (default: petitions)")
    parser.add_argument("--data", type=Path, help="a table of your own instead")
    parser.add_argument("--dev", type=Path, help="its documents for dev (default: a tenth of --data)")
    parser.add_argument("--test", type=Path, help="its documents for test (default: a fifth of --data)")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--config", default="petitions", help="config that --data is trained with")
    parser.add_argument("--entries", default="all", help="names or kinds, with comma between (default: all)")
    parser.add_argument("--seeds", default="0", help="with comma between; the first is that of the search")
    parser.add_argument(
        "--trials", type=int, default=MOST_TRIALS, help=f"settings each entry may try, 1 to {MOST_TRIALS}"
    )
    parser.add_argument(
        "--epochs", help="most epochs of a fit, also of single entries: 5,han=12 (default: the config's)"
    )
    parser.add_argument("--max-documents", type=int, help="most documents of each split")
    parser.add_argument(
        "--jobs", type=int, default=1, help="trainings at once, each with its part of the cores"
    )
    parser.add_argument("--folder", type=Path, default=Path("runs"), help="runs are in FOLDER/quality")
    parser.add_argument("--list", action="store_true", help="show the commands, and run nothing")
    parser.add_argument(
        "--report", action="store_true", help="show the table of what is done, and run nothing"
    )
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="also write FOLDER/quality-TASK.json")
    parser.add_argument("more", nargs="*", help="behind --: further options of every hdoc train fit")
