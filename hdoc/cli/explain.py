"""`hdoc explain`: explains documents in the terminal, as JSON or as an HTML page."""

from __future__ import annotations

import argparse
import io
import locale
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

from hdoc.cli.options import add_common, argument_type, load
from hdoc.console import complain, say
from hdoc.errors import HdocError
from hdoc.faithfulness.methods import METHODS
from hdoc.tasks.numbers import positive

if TYPE_CHECKING:
    from hdoc.explanation import Explanation
    from hdoc.rendering.wording import Language
    from hdoc.tasks.document.classifier import DocumentClassifier


def add_explain(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("explain", help="the category of documents and the evidence for it")
    parser.add_argument("files", nargs="+", metavar="FILE", help="text files; - reads standard input")
    parser.add_argument(
        "--format", choices=("text", "json", "html"), default="text", help="default: text, for the terminal"
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="write to a file, or to a folder for several documents"
    )
    parser.add_argument("--label", help="explain this class instead of the most probable one")
    parser.add_argument("--versus", metavar="LABEL", help="explain why not this class")
    parser.add_argument(
        "--top",
        type=argument_type(positive),
        metavar="N",
        help="list the N strongest sentences and words (text format)",
    )
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="contribution",
        help="how to explain; the last three need the extra evaluate and are slow on long documents",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="delete the strongest evidence, and as much at random, and say what becomes of the probability; "
        "with json and html on standard error, and beside the output file as NAME.check.json",
    )
    add_common(parser)
    parser.add_argument("--language", choices=("ko", "en"), help="of the view; default: that of the locale")
    parser.set_defaults(run=_explain, parser=parser)


def _explain(options: argparse.Namespace) -> int:
    if len(options.files) > 1 and options.format != "text" and options.output is None:
        options.parser.error(f"several documents in {options.format} need a folder to go to: -o FOLDER")
    classifier = load(options)
    failed = 0
    for file in options.files:
        try:
            _explain_one(classifier, file, options)
        except HdocError as error:
            if len(options.files) == 1:
                raise
            failed += 1
            complain(str(error) if str(error).startswith(file) else f"{file}: {error}")
    return 1 if failed else 0


def _explain_one(classifier: DocumentClassifier, file: str, options: argparse.Namespace) -> None:
    from hdoc.rendering import to_html, to_json
    from hdoc.text.documents import read_document

    text = read_document(file, options.encoding)
    explanations = _explanations(classifier, text, options)
    name = "" if file == "-" else Path(file).name
    language = options.language or _language()
    if options.format == "text":
        checked = _check(classifier, text, explanations, language, None) if options.check else None
        _print_view(explanations, text, name, language, options, checked or [[] for _ in explanations])
        return
    target = _target(options, name)
    if options.format == "json":
        _write(to_json(explanations if _of_labels(classifier, options) else explanations[0]), target)
    else:
        _write(to_html(explanations, text, language=language, name=name or None), target)
    if options.check:
        for note in chain.from_iterable(_check(classifier, text, explanations, language, target)):
            say(note)


def _of_labels(classifier: DocumentClassifier, options: argparse.Namespace) -> bool:
    """Return whether each label that a document is given is explained: there may be several."""
    return classifier.multi_label and options.label is None and options.versus is None


def _explanations(
    classifier: DocumentClassifier, text: str, options: argparse.Namespace
) -> list[Explanation]:
    """Explain by the method that was asked for; slow ones show a progress bar on standard error."""
    several = _of_labels(classifier, options)
    if options.method == "contribution" and not several:
        return [classifier.explain(text, options.label, options.versus)]
    from rich.console import Console
    from rich.progress import Progress

    from hdoc.faithfulness.attribution import explain_by, explain_labels

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(options.method)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        if several:
            return explain_labels(options.method, classifier, text, advance=advance)
        asked = (options.label, options.versus)
        return [explain_by(options.method, classifier, text, *asked, advance=advance)]


def _check(
    classifier: DocumentClassifier,
    text: str,
    explanations: Sequence[Explanation],
    language: Language,
    beside: Path | None,
) -> list[list[str]]:
    """Check explanations by deletion; return the results in words, and write them as JSON beside a file."""
    import json

    from hdoc.faithfulness.check import check
    from hdoc.faithfulness.wording import in_words

    found = [check(classifier, text, explanation) for explanation in explanations]
    if beside is not None:
        plain = [one.to_dict() for one in found]
        content = json.dumps(plain if len(plain) > 1 else plain[0], ensure_ascii=False, indent=2) + "\n"
        _write(content, beside.with_suffix(".check.json"))
    return [in_words(one, language) for one in found]


def _target(options: argparse.Namespace, name: str) -> Path | None:
    """Where a document's explanation goes; None is standard output."""
    output: Path | None = options.output
    if output is not None and (len(options.files) > 1 or output.is_dir()):
        suffix = "txt" if options.format == "text" else options.format
        return output / f"{name or 'stdin'}.{suffix}"
    return output


def _write(content: str, target: Path | None) -> None:
    if target is None:
        sys.stdout.buffer.write(content.encode())
        sys.stdout.flush()
        return
    with _opened(target) as file:
        file.write(content)


@contextmanager
def _opened(target: Path) -> Iterator[IO[str]]:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise HdocError(f"cannot write {target}: {error.strerror}") from error
    say(f"wrote {target}")


def _print_view(
    explanations: Sequence[Explanation],
    text: str,
    name: str,
    language: Language,
    options: argparse.Namespace,
    notes: Sequence[Sequence[str]],
) -> None:
    from contextlib import nullcontext

    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from hdoc.rendering import to_terminal

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal's encoding may lack a character, such as a bar.
        sys.stdout.reconfigure(errors="replace")
    target = _target(options, name)
    with nullcontext() if target is None else _opened(target) as file:
        console = Console(file=file)
        for explanation, said in zip(explanations, notes, strict=True):
            to_terminal(explanation, text, console, top=options.top, language=language, name=name or None)
            for note in said:
                console.print(Padding(Text(note), (0, 1, 1, 1)), highlight=False, markup=False, emoji=False)


def _language() -> Language:
    name = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    name = name or locale.getlocale()[0] or ""
    return "ko" if name.lower().startswith("ko") else "en"
