"""`hdoc export CHECKPOINT FOLDER`: a training's checkpoint to a model folder that anyone may use."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hdoc.cli.exit_status import exit_status
from hdoc.errors import HdocError
from hdoc.training.finish.checkpoint import read_checkpoint, task_of_checkpoint
from hdoc.training.known_tasks import find_training


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hdoc export`; errors become one line and exit status 1."""
    parser = argparse.ArgumentParser(
        prog="hdoc export", description="Write a model folder from a checkpoint of a training."
    )
    parser.add_argument("checkpoint", type=Path, help="for example runs/NAME/…/checkpoints/best.ckpt")
    parser.add_argument("folder", type=Path, help="the model folder to write")
    parser.add_argument("--name", help="the model's name (default: the experiment's)")
    parser.add_argument("--version", help="the model's version (default: the run's name)")
    bits = parser.add_mutually_exclusive_group()
    bits.add_argument(
        "--half", dest="weights", action="store_const", const="16bit", help="store weights in 16 bit"
    )
    bits.add_argument(
        "--eight-bit",
        dest="weights",
        action="store_const",
        const="8bit",
        help="store weights in 8 bit, by rows: a quarter of the size in 32 bit, and nearly the same scores",
    )
    parser.set_defaults(weights="32bit")
    parser.add_argument(
        "--onnx",
        action="store_true",
        help="write FOLDER/reading.onnx too, which reads sentences, with its weights, for other programs; "
        "hdoc itself runs any model folder in ONNX Runtime without",
    )
    options = parser.parse_args(arguments)
    return exit_status(lambda: _export(options))


def _export(options: argparse.Namespace) -> int:
    task = find_training(task_of_checkpoint(read_checkpoint(options.checkpoint)))
    task.export(
        options.checkpoint,
        options.folder,
        name=options.name,
        version=options.version,
        weights=options.weights,
    )
    if options.onnx:
        if task.write_graph is None:
            raise HdocError(f"expected a task with an ONNX graph, {task.name} has none; leave --onnx out")
        task.write_graph(options.folder)
    sys.stdout.write(f"{options.folder}\nnext: {task.use.format(model=options.folder)}\n")
    return 0
