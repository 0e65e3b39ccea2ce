"""What `hdoc explain` and `hdoc classify` share: options and loading."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hdoc.errors import HdocError
from hdoc.faithfulness.methods import FROM_ONE_PASS

if TYPE_CHECKING:
    from hdoc.encoders.precision import Precision, Runtime
    from hdoc.tasks.document.classifier import DocumentClassifier


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what `explain` and `classify` have in common."""
    parser.add_argument(
        "-m",
        "--model",
        metavar="MODEL",
        help="a model folder, models:/NAME@ALIAS of a registry, or the name of a model that comes with hdoc; "
        "default: petitions",
    )
    parser.add_argument("--encoding", help="of text files, for example cp949; recognised by default")
    parser.add_argument("--device", help="cpu or cuda; default: a GPU if there is one")
    parser.add_argument(
        "--runtime",
        choices=("auto", "onnx", "torch"),
        default="auto",
        help="what runs the network; auto: ONNX Runtime on the CPU to explain, as it starts faster, unless "
        "--device or --method need torch; torch to classify, as it has the faster arithmetic",
    )


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add what is read, and where the results go."""
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
        "--id-column", metavar="NAME", help="column that names a row; default: id, if there is one"
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "int8", "auto"),
        default="float32",
        help="auto: bfloat16 where the processor multiplies it faster; a document's scores then depend, by "
        "some hundredths, on the documents it is read with; int8: in ONNX Runtime, needs the library onnx",
    )


def load(options: argparse.Namespace) -> DocumentClassifier:
    """Load the model that was asked for, in what runs it best for this command."""
    from hdoc.tasks.document.classifier import DocumentClassifier

    precision: Precision = getattr(options, "precision", "float32")
    if options.runtime != "auto" or precision == "int8":
        runtime: Runtime = "onnx" if options.runtime == "auto" else options.runtime
        return DocumentClassifier.load(options.model, options.device, runtime, precision)
    # One document is read before torch is even imported; for many, torch is what is faster in the end.
    method = getattr(options, "method", None)
    if method in FROM_ONE_PASS and options.device in (None, "cpu"):
        with suppress(HdocError):  # not installed, or a model that only torch can run: torch will tell
            return DocumentClassifier.load(options.model, runtime="onnx")
    return DocumentClassifier.load(options.model, options.device, precision=precision)


def argument_type(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what reads a value for argparse, which then shows what was expected instead."""

    def argument(value: str) -> Any:
        try:
            return read(value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return argument
