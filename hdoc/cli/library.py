"""The command `hdoc library`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hdoc.console import say
from hdoc.library.store import Library, default_path

if TYPE_CHECKING:
    from hdoc.library.adding import ImportCounts


def main(arguments: Sequence[str]) -> int:
    """Run `hdoc library`; returns the exit code.

    Raises:
        HdocError: an input, the library or the model cannot be used.
    """
    options = _parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hdoc library", description="Keeps articles with their categories, to be searched by hdoc serve."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="classify articles and add those that are new")
    add.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="text, HTML, Word, PDF, folders, JSONL, CSV, Parquet",
    )
    add.add_argument("--text-column", default="text", metavar="NAME", help="of tables; default: text")
    add.add_argument("--title-column", default="title", metavar="NAME", help="of tables; default: title")
    add.add_argument("--encoding", help="of text files, for example cp949; recognised by default")
    add.add_argument(
        "-m", "--model", type=Path, metavar="FOLDER", help="default: the model that comes with hdoc"
    )
    add.add_argument("--device", help="cpu or cuda; default: a GPU if there is one")
    add.set_defaults(run=_add)
    find = commands.add_parser("search", help="print the articles that have all these words, as JSONL")
    find.add_argument("query", nargs="?", default="", help="words; all articles without any")
    find.add_argument("--label", help="only articles of this category")
    find.add_argument("--limit", type=int, default=20, metavar="N", help="default: 20")
    find.set_defaults(run=_search)
    info = commands.add_parser("info", help="say where the library is and what is in it")
    info.set_defaults(run=_info)
    for command in (add, find, info):
        command.add_argument(
            "--library", type=Path, metavar="FOLDER|FILE", help=f"default: {_shown(default_path())}"
        )
    return parser


def _add(options: argparse.Namespace) -> int:
    from hdoc.library.adding import add_inputs
    from hdoc.tasks.document.classifier import DocumentClassifier

    library = Library(options.library or default_path(), create=True)
    classifier = DocumentClassifier.load(options.model, options.device)
    others = set(library.models()) - {classifier.identity.checksum}
    if others:
        say("hdoc: another model classified some articles of this library; their categories stay as they are")
    with _warnings_as_lines(), _progress() as on_progress:
        counts = add_inputs(
            library,
            classifier,
            options.inputs,
            text_column=options.text_column,
            title_column=options.title_column,
            encoding=options.encoding,
            workers=max(1, (os.cpu_count() or 1) - 1),
            on_progress=on_progress,
        )
    say(f"added {counts.added:,}, already there {counts.known:,}, failed {counts.failed:,} in {library.path}")
    return 1 if counts.failed and counts.failed == counts.seen else 0


def _search(options: argparse.Namespace) -> int:
    from hdoc.library.search import search

    library = Library(options.library or default_path())
    for hit in search(library, options.query, options.label, limit=max(1, options.limit)).hits:
        article = hit.article
        row = {
            "id": article.id,
            "title": article.title,
            "label": article.label,
            "probability": article.probability,
            "source": article.source,
            "snippet": hit.snippet,
        }
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    return 0


def _info(options: argparse.Namespace) -> int:
    library = Library(options.library or default_path())
    row = {"path": str(library.path), "articles": len(library), "labels": library.labels()}
    sys.stdout.write(json.dumps(row, ensure_ascii=False, indent=2) + "\n")
    return 0


@contextmanager
def _progress() -> Iterator[Callable[[ImportCounts], None]]:
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("reading", spinner="line") as status:
        yield lambda counts: status.update(
            f"added {counts.added:,}, already there {counts.known:,}, failed {counts.failed:,}"
        )


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Show each document that fails as a line of its own."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("hdoc: %(message)s"))
    logger = logging.getLogger("hdoc.library")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _shown(path: Path) -> str:
    home = str(Path.home())
    return str(path).replace(home, "~", 1).replace("%", "%%")
