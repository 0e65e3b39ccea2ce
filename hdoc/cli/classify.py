"""`hdoc classify`: any number of documents, to a table."""

from __future__ import annotations

import argparse
from functools import partial

from hdoc.cli.options import add_common, add_inputs, argument_type, load
from hdoc.tasks.numbers import positive, probability


def add_classify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options; the task's own are spelt out, so that help stays instant."""
    parser = commands.add_parser("classify", help="the category of any number of documents, as a table")
    add_inputs(parser)
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="ray: on all cores, GPUs and machines of a Ray cluster; reads tables or folders of them, and "
        "writes a folder of Parquet or JSONL files, by the ending of its name; goes on where it was stopped",
    )
    parser.add_argument(
        "--text-column", metavar="NAME", help="column of tables that holds the text; default: text"
    )
    parser.add_argument(
        "--top",
        type=argument_type(positive),
        default=3,
        metavar="N",
        help="strongest sentences in each row; default: 3",
    )
    parser.add_argument(
        "--abstain-below",
        type=argument_type(probability),
        default=0.0,
        metavar="P",
        help="give no label to documents whose most probable category is less probable than this, 0 to 1; "
        "a person should look at them",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that split sentences; default: one for each core; with --engine ray, processes "
        "with a model each; default: one for each GPU, or else for each core",
    )
    add_common(parser)
    parser.set_defaults(run=_classify, parser=parser)


def _classify(options: argparse.Namespace) -> int:
    if options.engine == "ray":
        from hdoc.cluster.classify import classify

        return classify(options)
    from hdoc.cli.batch import run_batch
    from hdoc.tasks.document.task import TASK

    return run_batch(TASK, partial(load, options), options)
