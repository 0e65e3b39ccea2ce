"""The results of a batch, streamed to JSON Lines, CSV or Parquet.

Results are written to a file beside the one that was asked for, `OUT.partial.jsonl` for `OUT.jsonl`, which
takes its name when all is done: `OUT.jsonl` is always whole, and an older one stays until then. After an
interruption the partial file is left with all finished rows. JSON Lines and CSV can be read at any time
(whole rows, every second); Parquet is closed on an error
or Ctrl-C, so that it can be read then, but not while it is written nor after a kill.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hdoc.errors import HdocError, InputError
from hdoc.tables.columns import Column, whole_row
from hdoc.tables.records import DOCUMENT_SUFFIXES
from hdoc.tables.writers import WRITERS, ResultWriter, writing


@contextmanager
def open_writer(
    path: str,
    format: str | None = None,  # noqa: A002
    inputs: Sequence[str] = (),
    *,
    columns: Sequence[Column],
) -> Iterator[ResultWriter]:
    """Open a file for results.

    JSON Lines hold the rows as they are. CSV holds mappings and lists as compact JSON in a cell and begins
    with a byte order mark, so that Excel shows Korean. A cell that begins with = or + is
    written as it is: only `id` comes from the input, and it must stay what it was to be joined on; import
    untrusted files into a spreadsheet as text. Parquet holds a mapping as a list of pairs, not
    as a map, which `datasets` cannot read.

    Args:
        path: the file, or "-" for standard output.
        format: "jsonl", "csv" or "parquet"; None to go by the file's suffix, and JSON Lines for "-".
        inputs: what is read meanwhile and must not be written over.
        columns: of the results; those of every table (`id`, `error`) are added.

    Raises:
        InputError: the format is unknown, the folder is missing, or the file is one of the inputs.
        HdocError: the file cannot be written.
    """
    writer_class, whole = WRITERS[_kind(path, format)], whole_row(columns)
    if path == "-":
        writer = writer_class(sys.stdout.buffer, path, whole)
        try:
            yield writer
        finally:
            writer.close()
        return
    target = Path(path).resolve()  # a link is followed, not replaced
    is_special = target.exists() and not target.is_file()  # a device or a pipe has no file beside it
    partial = target if is_special else target.with_name(f"{target.stem}.partial{target.suffix}")
    _refuse(path, target, partial, inputs)
    with writing(path):
        stream = partial.open("wb")
    writer = writer_class(stream, str(partial), whole)
    try:
        yield writer
    except BaseException:
        writer.close()
        if not (writer.n_rows or is_special):
            partial.unlink()
        raise
    writer.close()
    if not is_special:
        with writing(path):
            partial.replace(target)


def _kind(path: str, format: str | None) -> str:  # noqa: A002
    kind = format or ("jsonl" if path == "-" else Path(path).suffix.lower().removeprefix("."))
    kind = "jsonl" if kind == "ndjson" else kind
    if kind not in WRITERS:
        raise InputError(
            f"{path}: expected a name that ends in .jsonl, .csv or .parquet, got {kind or 'none'!r}"
        )
    if path == "-" and kind == "parquet":
        raise InputError("standard output: expected the format jsonl or csv, got parquet; give a file's name")
    if kind == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise HdocError("writing Parquet needs pyarrow: pip install pyarrow, or write JSONL") from error
    return kind


def _refuse(path: str, target: Path, partial: Path, inputs: Sequence[str]) -> None:
    """Refuse a file that cannot be written or that is read meanwhile."""
    if target.is_dir():
        raise InputError(f"{path}: expected a file to write to, got a folder; name a file in it")
    if not target.parent.is_dir():
        raise InputError(f"{path}: expected a file in a folder that exists; make {target.parent} first")
    for given in map(Path, inputs):
        for file in (target, partial):
            is_read = file.exists() and given.exists() and file.samefile(given)
            is_within = given.resolve() in file.parents and file.suffix.lower() in DOCUMENT_SUFFIXES
            if is_read or is_within:
                raise InputError(f"{path}: writing there would change the input {given}; give another name")
