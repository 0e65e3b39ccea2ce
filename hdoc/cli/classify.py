"""`hdoc classify`: any number of documents, to a table."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hdoc.cli.options import add_common, load, positive
from hdoc.console import complain, say
from hdoc.errors import HdocError


def add_classify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("classify", help="the category of any number of documents, as a table")
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="text files, folders of them, JSONL, CSV, TSV or Parquet"
    )
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        help="JSONL, CSV or Parquet, by its ending; default: JSONL to standard output",
    )
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
        "--id-column", metavar="NAME", help="column that names a row; default: id, if there is one"
    )
    parser.add_argument(
        "--top", type=positive, default=3, metavar="N", help="strongest sentences in each row; default: 3"
    )
    parser.add_argument(
        "--abstain-below",
        type=_probability,
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
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "int8", "auto"),
        default="float32",
        help="auto: bfloat16 where the processor multiplies it faster; a document's scores then depend, by "
        "some hundredths, on the documents it is read with; int8: in ONNX Runtime, needs the library onnx",
    )
    add_common(parser)
    parser.set_defaults(run=_classify, parser=parser)


def _classify(options: argparse.Namespace) -> int:
    if options.engine == "ray":
        from hdoc.cluster.classify import classify

        return classify(options)
    from contextlib import closing

    from hdoc.tables.records import read_records
    from hdoc.tables.results import open_writer
    from hdoc.tasks.document.rows import classify_records

    records = read_records(options.inputs, options.text_column, options.id_column, options.encoding)
    workers = os.cpu_count() or 1 if options.workers is None else options.workers
    # Or torch's threads would wait for each other by spinning, on cores that splitting needs.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    classifier = load(options)
    failed = unsure = 0
    with (
        open_writer(options.output, inputs=options.inputs) as writer,
        _progress(options) as advance,
        closing(classify_records(classifier, records, options.top, workers, options.abstain_below)) as rows,
    ):
        for row in rows:
            writer.write(row)
            failed += row["error"] is not None
            unsure += row["error"] is None and row["label"] is None
            advance()
    if options.output != "-":
        say(f"wrote {writer.n_rows:,} rows to {options.output}")
    if unsure:
        say(
            f"{unsure:,} of {writer.n_rows:,} documents were left without a label: their most probable "
            f"category has a probability below {options.abstain_below:g}"
        )
    if failed:
        complain(f"{failed:,} of {writer.n_rows:,} documents have no label; their rows say why under 'error'")
    return 1 if failed and failed == writer.n_rows else 0


@contextmanager
def _progress(options: argparse.Namespace) -> Iterator[Callable[[], None]]:
    """Show a progress bar on standard error; its total comes as soon as the inputs have been counted."""
    from threading import Thread

    from hdoc.console import documents_bar
    from hdoc.tables.records import count_records

    with documents_bar() as progress:
        task = progress.add_task("classifying", total=None)

        def count() -> None:
            with suppress(HdocError):  # an input that cannot be counted is reported when it is read
                progress.update(task, total=count_records(options.inputs, options.encoding))

        Thread(target=count, daemon=True).start()
        yield lambda: progress.advance(task)


def _probability(value: str) -> float:
    number = float(value)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"expected a probability from 0 to 1, got {value}")
    return number
