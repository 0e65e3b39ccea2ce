"""The command `hdoc`.

Only the standard library is imported before a command has been chosen, so help is instant. Every error
that hdoc raises on purpose becomes one line on standard error and exit code 1; wrong usage exits with 2.
"""

from __future__ import annotations

import argparse
import io
import locale
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

from hdoc import __version__
from hdoc.errors import HdocError

if TYPE_CHECKING:
    from hdoc.classifier import DocumentClassifier
    from hdoc.explanation import Explanation
    from hdoc.rendering.wording import Language
    from hdoc.storage import Runtime
    from hdoc.torch_engine import Precision

_DESCRIPTION = "Says what long Korean documents are about, and which sentences and words made it say so."
_EPILOG = """examples:
  hdoc explain article.txt
  hdoc explain article.txt --format html -o article.html
  hdoc explain article.txt --versus 행정
  hdoc classify letters/ -o letters.jsonl
  hdoc serve
  hdoc evaluate my-model test.jsonl --faithfulness
  hdoc train fit --config petitions
  hdoc export last.ckpt my-model
"""
# Commands that parse their own arguments, and the extra that each needs.
_DOORS = {
    "evaluate": ("hdoc.evaluation.command", "evaluate", "how good a model and its explanations are"),
    "serve": ("hdoc.web.command", "serve", "the page and the JSON API: hdoc serve --help"),
    "library": ("hdoc.library.command", "serve", "keep and search articles: hdoc library --help"),
    "train": ("hdoc.training.command", "train", "train, validate and test models: hdoc train fit --help"),
    "runs": ("hdoc.training.runs", "train", "the runs of an experiment, best first"),
    "register": ("hdoc.training.registry", "train", "put a model folder into an MLflow registry"),
    "export": ("hdoc.training.export", "train", "turn a checkpoint into a model folder"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given and given[0] in _DOORS:
            return _run_door(given[0], given[1:])
        options = _parser().parse_args(given)
        code: int = options.run(options)
        return code
    except HdocError as error:
        _complain(str(error))
        return 1
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130
    except BrokenPipeError:
        # The reader has gone (`hdoc … | head`); keep Python from failing once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hdoc",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hdoc {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_explain(commands)
    _add_classify(commands)
    for name, (_, _, about) in _DOORS.items():
        commands.add_parser(name, help=about, add_help=False)
    return parser


def _add_explain(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
        "--top", type=_positive, metavar="N", help="list the N strongest sentences and words (text format)"
    )
    parser.add_argument(
        "--method",
        choices=("contribution", "attention", "gradient", "integrated-gradients", "occlusion"),
        default="contribution",
        help="how to explain; the last three need the extra evaluate and are slow on long documents",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="delete the strongest evidence, and as much at random, and say what becomes of the probability; "
        "with json and html on standard error, and beside the output file as NAME.check.json",
    )
    _add_common(parser)
    parser.add_argument("--language", choices=("ko", "en"), help="of the view; default: that of the locale")
    parser.set_defaults(run=_explain, parser=parser)


def _add_classify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
        "--top", type=_positive, default=3, metavar="N", help="strongest sentences in each row; default: 3"
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
    _add_common(parser)
    parser.set_defaults(run=_classify, parser=parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
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


def _explain(options: argparse.Namespace) -> int:
    if len(options.files) > 1 and options.format != "text" and options.output is None:
        options.parser.error(f"several documents in {options.format} need a folder to go to: -o FOLDER")
    classifier = _load(options)
    failed = 0
    for file in options.files:
        try:
            _explain_one(classifier, file, options)
        except HdocError as error:
            if len(options.files) == 1:
                raise
            failed += 1
            _complain(str(error) if str(error).startswith(file) else f"{file}: {error}")
    return 1 if failed else 0


def _explain_one(classifier: DocumentClassifier, file: str, options: argparse.Namespace) -> None:
    from hdoc.documents import read_document
    from hdoc.render import to_html, to_json

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
            _say(note)


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

    from hdoc.attribution import explain_by, explain_labels

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
    """Return what checks by deletion found, in words; as JSON it goes beside the explanations' file."""
    import json

    from hdoc.trust import check, in_words

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
    _say(f"wrote {target}")


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

    from hdoc.render import to_terminal

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="replace"
        )  # a bar that a terminal's encoding lacks is no reason to stop
    target = _target(options, name)
    with nullcontext() if target is None else _opened(target) as file:
        console = Console(file=file)
        for explanation, said in zip(explanations, notes, strict=True):
            to_terminal(explanation, text, console, top=options.top, language=language, name=name or None)
            for note in said:
                console.print(Padding(Text(note), (0, 1, 1, 1)), highlight=False, markup=False, emoji=False)


def _classify(options: argparse.Namespace) -> int:
    if options.engine == "ray":
        from hdoc.cluster.command import classify

        return classify(options)
    from contextlib import closing

    from hdoc.bulk import classify_records
    from hdoc.records import read_records
    from hdoc.results import open_writer

    records = read_records(options.inputs, options.text_column, options.id_column, options.encoding)
    workers = os.cpu_count() or 1 if options.workers is None else options.workers
    # Or torch's threads would wait for each other by spinning, on cores that splitting needs.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    classifier = _load(options)
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
        _say(f"wrote {writer.n_rows:,} rows to {options.output}")
    if unsure:
        _say(
            f"{unsure:,} of {writer.n_rows:,} documents were left without a label: their most probable "
            f"category has a probability below {options.abstain_below:g}"
        )
    if failed:
        _complain(
            f"{failed:,} of {writer.n_rows:,} documents have no label; their rows say why under 'error'"
        )
    return 1 if failed and failed == writer.n_rows else 0


@contextmanager
def _progress(options: argparse.Namespace) -> Iterator[Callable[[], None]]:
    """Show a progress bar on standard error; its total comes as soon as the inputs have been counted."""
    from threading import Thread

    from hdoc.progress import documents_bar
    from hdoc.records import count_records

    with documents_bar() as progress:
        task = progress.add_task("classifying", total=None)

        def count() -> None:
            with suppress(HdocError):  # an input that cannot be counted is reported when it is read
                progress.update(task, total=count_records(options.inputs, options.encoding))

        Thread(target=count, daemon=True).start()
        yield lambda: progress.advance(task)


def _load(options: argparse.Namespace) -> DocumentClassifier:
    from hdoc.classifier import DocumentClassifier

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


def _run_door(name: str, arguments: list[str]) -> int:
    from importlib import import_module

    module_name, extra, _ = _DOORS[name]
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise HdocError(f"'hdoc {name}' needs {error.name}; run: pip install 'hdoc[{extra}]'") from error
    code: int = module.main(arguments)
    return code


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, got {value}")
    return number


def _probability(value: str) -> float:
    number = float(value)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"expected a probability from 0 to 1, got {value}")
    return number


def _language() -> Language:
    name = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    name = name or locale.getlocale()[0] or ""
    return "ko" if name.lower().startswith("ko") else "en"


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def _complain(message: str) -> None:
    _say(f"hdoc: error: {' '.join(message.split())}")
