"""What `hdoc explain` and `hdoc classify` share: options and loading."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hdoc.errors import HdocError

if TYPE_CHECKING:
    from hdoc.encoders.precision import Precision
    from hdoc.tasks.document.classifier import DocumentClassifier
    from hdoc.tasks.document.folder import Runtime


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what `explain` and `classify` have in common."""
    parser.add_argument(
        "-m", "--model", type=Path, metavar="FOLDER", help="default: the model that comes with hdoc"
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


def load(options: argparse.Namespace) -> DocumentClassifier:
    """Load the model that was asked for, in what runs it best for this command."""
    from hdoc.tasks.document.classifier import DocumentClassifier

    precision: Precision = getattr(options, "precision", "float32")
    if options.runtime != "auto" or precision == "int8":
        runtime: Runtime = "onnx" if options.runtime == "auto" else options.runtime
        return DocumentClassifier.load(options.model, options.device, runtime, precision)
    # One document is read before torch is even imported; for many, torch is what is faster in the end.
    method = getattr(options, "method", None)
    if method in ("contribution", "attention") and options.device in (None, "cpu"):
        with suppress(HdocError):  # not installed, or a model that only torch can run: torch will tell
            return DocumentClassifier.load(options.model, runtime="onnx")
    return DocumentClassifier.load(options.model, options.device, precision=precision)


def positive(value: str) -> int:
    """Read a number from 1."""
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, got {value}")
    return number
