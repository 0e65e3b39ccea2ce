"""Tables in files, one row at a time: JSON Lines, CSV, TSV and Parquet, of any size in little memory.

Opening a table reads only its beginning: its encoding and the names of its columns, so that a wrong file
or column is known before any work is done. From then on nothing stops the reading: a row that is broken
or does not decode comes out as a row with an error, and the next one follows.
"""

from __future__ import annotations

from pathlib import Path

from hdoc.tables.table import Part, Row, Table

__all__ = ["Part", "Row", "Table", "is_table", "open_table"]

_TEXT_KINDS = {".jsonl": ".jsonl", ".ndjson": ".jsonl", ".json": ".jsonl", ".csv": ".csv", ".tsv": ".tsv"}


def is_table(path: Path) -> bool:
    """Whether a file is a table by its name: .jsonl, .ndjson, .json, .csv, .tsv (also .gz, .xz), .parquet."""
    return _kind(path) is not None


def open_table(path: Path, encoding: str | None = None) -> Table:
    """Open a table: find its encoding and columns.

    Args:
        path: a file that `is_table`.
        encoding: of JSON Lines, CSV and TSV; None to have it recognised from the file's beginning.

    Raises:
        InputError: the file cannot be read, is empty, no table, or of an unknown encoding.
    """
    kind = _kind(path)
    if kind == ".parquet":
        from hdoc.tables.parquet import ParquetTable

        return ParquetTable.open(path)
    if kind == ".jsonl":
        from hdoc.tables.jsonlines import JsonLinesTable

        return JsonLinesTable.open(path, encoding)
    from hdoc.tables.delimited import DelimitedTable

    return DelimitedTable.open(path, encoding, delimiter="\t" if kind == ".tsv" else ",")


def _kind(path: Path) -> str | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".parquet"]:
        return ".parquet"
    if suffixes[-1:] in ([".gz"], [".xz"]):
        suffixes.pop()
    return _TEXT_KINDS.get(suffixes[-1]) if suffixes else None
