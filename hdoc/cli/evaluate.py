"""`hdoc evaluate MODEL DATA`: quality, faithfulness of explanations, plausibility, evidence by class.

    hdoc evaluate my-model test.jsonl                          quality
    hdoc evaluate my-model test.jsonl --faithfulness           and how far explanations can be believed
    hdoc evaluate my-model reviews.jsonl --rationales          and how they agree with people's
    hdoc evaluate my-model laws.jsonl --known-evidence         and whether they find the class's own name
    hdoc evaluate my-model test.jsonl --evidence               and what argues for and against each class

Everything is written to one folder. An evaluation that was killed goes on where it was when it is started
again with the same options and folder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hdoc.cli.exit_status import exit_status
from hdoc.cli.installed import first_missing
from hdoc.errors import HdocError
from hdoc.faithfulness.methods import METHODS

_FEWEST_DOCUMENTS = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Run an evaluation.

    Args:
        arguments: of the command line, without the program's name.

    Returns:
        Exit status: 1 for errors that hdoc raises on purpose, which are printed as one line.
    """
    options = _parser().parse_args(list(sys.argv[1:] if arguments is None else arguments))
    return exit_status(lambda: _evaluate(options))


def _evaluate(options: argparse.Namespace) -> int:
    _check_installed(options)
    from hdoc.evaluation.run import evaluate

    evaluate(options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hdoc evaluate",
        description=(__doc__ or "").split("\n\n", 1)[0],
        epilog="\n\n".join((__doc__ or "").split("\n\n")[1:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="a model folder; - for the model that comes with hdoc")
    parser.add_argument("data", type=Path, metavar="DATA", help="labelled table: JSONL, CSV, TSV or Parquet")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("evaluation"), metavar="FOLDER", help="default: evaluation"
    )
    parser.add_argument(
        "--faithfulness", action="store_true", help="delete words and sentences, and compare methods"
    )
    parser.add_argument(
        "--rationales", action="store_true", help="compare word scores with the reasons that people marked"
    )
    parser.add_argument(
        "--known-evidence",
        action="store_true",
        help="see whether explanations find the class's own name in the texts that hold it",
    )
    parser.add_argument(
        "--evidence",
        action="store_true",
        help="list the words and sentences that argue most for and against each class",
    )
    parser.add_argument("--mlflow", action="store_true", help="log figures and files to MLflow")
    _add_data(parser)
    _add_explanations(parser)
    parser.add_argument("--seed", type=int, default=0, help="of samples and random orders; default: 0")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that split sentences; default: 1"
    )
    parser.add_argument("--device", help="cpu or cuda; default: a GPU if there is one")
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument(
        "--split",
        help="rows whose column 'split' says so; default: test if there is such a "
        "column, else all; all for all rows",
    )
    data.add_argument("--text-column", default="text", metavar="NAME", help="default: text")
    data.add_argument("--label-column", default="label", metavar="NAME", help="default: label")
    data.add_argument("--id-column", default="id", metavar="NAME", help="default: id, if there is one")
    data.add_argument(
        "--rationale-column",
        default="evidences",
        metavar="NAME",
        help="spans [start, end] of characters, or ERASER's evidences; default: evidences",
    )
    data.add_argument(
        "--sentences",
        choices=("kss", "lines"),
        help="how to find sentences; lines if each line is one; default: as in the model's training",
    )
    data.add_argument(
        "--out-of-scope",
        type=Path,
        metavar="FILE",
        help="table of documents of none of the classes: is the model less sure of them?",
    )
    data.add_argument("--encoding", help="of text files; recognised by default")


def _add_explanations(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("explanations")
    group.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        default=list(METHODS),
        metavar="METHOD",
        help=f"default: {' '.join(METHODS)}",
    )
    group.add_argument(
        "--documents",
        type=int,
        default=_FEWEST_DOCUMENTS,
        metavar="N",
        help=f"how many documents, drawn at random, the same for all methods; default: {_FEWEST_DOCUMENTS}",
    )
    group.add_argument(
        "--seeds",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="the same model trained with other seeds, to see whether explanations agree",
    )
    group.add_argument(
        "--top",
        type=int,
        default=20,
        metavar="N",
        help="words and sentences that --evidence lists on each side; default: 20",
    )


def _check_installed(options: argparse.Namespace) -> None:
    missing = first_missing("captum", "matplotlib", "scipy", "sklearn", "torchmetrics")
    if missing:
        raise HdocError(f"'hdoc evaluate' needs {missing}; run: pip install 'hdoc[evaluate]'")
    if options.mlflow:
        from hdoc.tracking.client import require_mlflow
        from hdoc.tracking.evaluations import NEEDED_BY

        require_mlflow(NEEDED_BY)
