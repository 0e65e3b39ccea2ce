"""Documents that are damaged or made to do harm, through the real `hdoc explain` and `hdoc classify`.

Each must come out with a result or one clear line; the process must end soon, in bounded memory, and never
with a traceback.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from drills.outcome import Outcome
from hdoc.tables.columns import whole_row
from hdoc.tasks.document import TASK

_ENCODINGS = ("utf-8", "cp949", "utf-16", "utf-16-le", "utf-32", "utf-8-sig")
_FILES_PER_PROCESS = 250
_SECONDS_PER_PROCESS = 3_600
_MEGABYTE = 1 << 20

Mutation = Callable[[str, random.Random], bytes]


def mutate(texts: Sequence[str], n_documents: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield what was done to a document, and the document.

    Args:
        texts: ordinary documents.
        n_documents: how many to make, evenly over the mutations.
        seed: decides all of it.
    """
    choose = random.Random(seed)  # noqa: S311 (no secret)
    kinds = list(_MUTATIONS.items())
    for i in range(n_documents):
        name, change = kinds[i % len(kinds)]
        yield name, change(choose.choice(texts), choose)


def extremes() -> Iterator[tuple[str, bytes]]:
    """Yield documents that are large, or tell to be."""
    yield "10 MB of one Korean letter", "가".encode() * (10 * _MEGABYTE // 3)
    yield "10 MB of one Latin letter", b"a" * (10 * _MEGABYTE)
    yield (
        "10 MB of one mark that joins the letter before",
        "가".encode() + "\u0301".encode() * (5 * _MEGABYTE),
    )
    yield "1 MB of full stops", b"." * _MEGABYTE
    yield "1 MB of opened quotes", "“".encode() * (_MEGABYTE // 3)
    yield "1 MB of line feeds and a word", b"\n" * _MEGABYTE + "버스".encode()
    yield "10 MB of NULs", b"\0" * (10 * _MEGABYTE)
    yield "10 MB of spaces", b" " * (10 * _MEGABYTE)
    yield "100,000 short lines", "버스.\n".encode() * 100_000
    yield "a zip that unpacks to 4 GB, as .docx", zip_bomb()
    yield "a zip within a zip, as .docx", _zipped("word/document.xml", zip_bomb())


def zip_bomb(size: int = 4 << 30) -> bytes:
    """Return a .docx of a few megabytes whose document unpacks to so many bytes."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w", force_zip64=True) as part:
            for _ in range(size // (16 * _MEGABYTE)):
                part.write(b" " * (16 * _MEGABYTE))
    return out.getvalue()


def drill_documents(
    texts: Sequence[str],
    folder: Path,
    n_documents: int,
    model: Path | None = None,
) -> list[Outcome]:
    """Explain and classify damaged documents by the commands.

    Args:
        texts: ordinary documents to damage.
        folder: an empty one to work in.
        n_documents: how many.
        model: to use; None for the one that comes with hdoc.
    """
    damaged = folder / "damaged"
    damaged.mkdir()
    for i, (_, content) in enumerate(mutate(texts, n_documents)):
        (damaged / f"{i:05d}.txt").write_bytes(content)
    return [_explain(damaged, folder, model), _classify(damaged, folder, model)]


def drill_large(folder: Path, model: Path | None = None) -> list[Outcome]:
    """Explain and classify documents that are large, or tell to be, by the commands.

    Args:
        folder: an empty one to work in.
        model: to use; None for the one that comes with hdoc.
    """
    large = folder / "large"
    large.mkdir()
    for i, (name, content) in enumerate(extremes()):
        (large / f"{i:02d}{'.docx' if 'docx' in name else '.txt'}").write_bytes(content)
    return [_explain(large, folder, model), _classify(large, folder, model)]


def _explain(documents: Path, folder: Path, model: Path | None) -> Outcome:
    files = sorted(documents.iterdir())
    outcome = Outcome(f"hdoc explain, {documents.name} documents: a view or one clear line", len(files))
    results = errors = 0
    usage = _Usage()
    formats = ("json", "html", "text")
    for first in range(0, len(files), _FILES_PER_PROCESS):
        group = files[first : first + _FILES_PER_PROCESS]
        view = formats[first // _FILES_PER_PROCESS % len(formats)]
        output = folder / f"explained-{documents.name}-{first}"
        output.mkdir()
        # Two documents at least, so that each has its own file and its own error.
        again = group if len(group) > 1 else group * 2
        said = usage.run(
            ["explain", *map(str, again), "--format", view, "-o", str(output), *_model(model)], outcome
        )
        for file in group:
            made = output / f"{file.name}.{'txt' if view == 'text' else view}"
            lines = [line for line in said if line.startswith("hdoc: error: ") and str(file) in line]
            results += made.is_file()
            errors += len(lines) == 1 and not made.is_file()
            if made.is_file() == bool(lines) or len(lines) > 1:
                outcome.failures.append(f"{file.name}: view {made.is_file()}, {len(lines)} errors")
            if view == "json" and made.is_file():
                json.loads(made.read_bytes())
    outcome.figures |= {"results": f"{results:,}", "errors": f"{errors:,}"} | usage.figures()
    return outcome


def _classify(documents: Path, folder: Path, model: Path | None) -> Outcome:
    files = sorted(documents.iterdir())
    outcome = Outcome(f"hdoc classify, {documents.name} documents: a row each", len(files))
    output = folder / f"{documents.name}.jsonl"
    usage = _Usage()
    given = [str(file) for file in files if file.suffix != ".txt"]
    usage.run(["classify", str(documents), *given, "-o", str(output), *_model(model)], outcome)
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()] if output.is_file() else []
    if len(rows) != len(files):
        outcome.failures.append(f"{len(rows):,} rows of {len(files):,} documents")
    for row in rows:
        if list(row) != [column.name for column in whole_row(TASK.columns)] or (row["label"] is None) == (
            row["error"] is None
        ):
            outcome.failures.append(f"{Path(row['id']).name}: label {row['label']!r}, error {row['error']!r}")
    n_errors = sum(row["error"] is not None for row in rows)
    outcome.figures |= {"labels": f"{len(rows) - n_errors:,}", "errors": f"{n_errors:,}"} | usage.figures()
    return outcome


@dataclass(slots=True)
class _Usage:
    """What processes took."""

    seconds: float = 0.0
    longest: float = 0.0
    most_memory: int = 0

    def run(self, arguments: list[str], outcome: Outcome) -> list[str]:
        """Run `hdoc` and return its lines on standard error; a traceback in them is a failure."""
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 (the arguments are the drill's own)
            [sys.executable, "-m", "hdoc", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
        try:
            _, stderr = process.communicate(timeout=_SECONDS_PER_PROCESS)
        except subprocess.TimeoutExpired:
            process.kill()
            _, stderr = process.communicate()
            outcome.failures.append(f"hdoc {arguments[0]}: took longer than {_SECONDS_PER_PROCESS} s")
        took = time.monotonic() - began
        self.seconds += took
        self.longest = max(self.longest, took)
        self.most_memory = max(self.most_memory, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        lines = stderr.decode("utf-8", "replace").splitlines()
        if process.returncode not in (0, 1):
            outcome.failures.append(f"hdoc {arguments[0]}: exit status {process.returncode}")
        outcome.failures += [
            f"hdoc {arguments[0]}: {line}" for line in lines if "Traceback" in line or "Warning" in line
        ]
        return lines

    def figures(self) -> dict[str, str]:
        """Return the figures in words."""
        return {
            "time": f"{self.seconds:.0f} s",
            "longest process": f"{self.longest:.0f} s",
            "peak memory": f"{self.most_memory >> 10:,} MiB",
        }


def _model(model: Path | None) -> list[str]:
    return [] if model is None else ["-m", str(model)]


def _flip(text: str, choose: random.Random) -> bytes:
    content = bytearray(text.encode())
    for _ in range(choose.choice((1, 3, 30))):
        content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
    return bytes(content)


def _cut(text: str, choose: random.Random) -> bytes:
    content = text.encode()
    start = choose.randrange(len(content))
    return content[start : start + choose.randrange(1, 400)]


def _mixed(text: str, choose: random.Random) -> bytes:
    place = choose.randrange(len(text))
    one, other = choose.sample(_ENCODINGS, 2)
    return text[:place].encode(one, "replace") + text[place:].encode(other, "replace")


def _noise(text: str, choose: random.Random) -> bytes:
    return choose.randbytes(choose.randrange(1, len(text) + 2))


def _nuls(text: str, choose: random.Random) -> bytes:
    characters = list(text)
    for _ in range(choose.choice((1, 5, 200))):
        characters.insert(
            choose.randrange(len(characters)), choose.choice("\0\x01\x1b\x7f\ufeff\u200b\u202e\x85")
        )
    return "".join(characters).encode()


def _letter(text: str, choose: random.Random) -> bytes:
    return (choose.choice(text) * choose.choice((1, 50, 5_000))).encode()


def _shuffled(text: str, choose: random.Random) -> bytes:
    characters = list(text)
    choose.shuffle(characters)
    return "".join(characters).encode(choose.choice(_ENCODINGS), "replace")


def _strange(text: str, choose: random.Random) -> bytes:
    """Put any characters that there are among those of the text, half surrogates as WTF-8 too."""
    characters = list(text[:500])
    for _ in range(50):
        characters.insert(choose.randrange(len(characters)), chr(choose.randrange(0x110000)))
    return "".join(characters).encode("utf-8", choose.choice(("surrogatepass", "replace")))


def _decomposed(text: str, choose: random.Random) -> bytes:
    import unicodedata

    return unicodedata.normalize("NFD", text[: choose.randrange(1, len(text))]).encode()


def _zipped(name: str, content: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def _document(text: str, choose: random.Random) -> bytes:
    """Return a .docx that says it is a text, whole or cut."""
    content = _zipped("word/document.xml", text.encode())
    return content[: choose.randrange(1, len(content))] if choose.random() < 0.5 else content


_MUTATIONS: dict[str, Mutation] = {
    "bits flipped": _flip,
    "UTF-8 cut": _cut,
    "encodings mixed": _mixed,
    "random bytes": _noise,
    "NULs and controls": _nuls,
    "one letter again and again": _letter,
    "characters shuffled": _shuffled,
    "any characters": _strange,
    "decomposed and cut": _decomposed,
    "an archive": _document,
}
