"""CSV and TSV, read strictly: a lenient reader takes a broken row apart somehow, and alters its text."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from hdoc.errors import InputError
from hdoc.tables.lines import UNDECODABLE, LinesTable, first_lines
from hdoc.tables.table import Row

if TYPE_CHECKING:
    from _csv import Reader

# Far above any document, yet a quote that is left open must not draw the whole file into memory.
_LONGEST_FIELD = 1 << 24


@dataclass(frozen=True)
class DelimitedTable(LinesTable):
    """A table with a header line and a delimiter; empty lines are no rows.

    Attributes:
        delimiter: comma or tab.
        is_quoted: whether quotes hold fields together; if not, they are text.
    """

    delimiter: str
    is_quoted: bool
    newline: ClassVar[str] = ""

    @classmethod
    def open(cls, path: Path, encoding: str | None, delimiter: str) -> DelimitedTable:
        """Open the file and read its header.

        Raises:
            InputError: the file cannot be read, or has no header.
        """
        codec, lines = first_lines(path, encoding, cls.newline)
        is_quoted = delimiter == "," or _is_quoted_tsv(lines)
        try:
            header = next(_reader(lines, delimiter, is_quoted), [])
        except csv.Error as error:
            raise InputError(
                f"{path}: expected a line of column names, got a broken one ({error})"
            ) from error
        if not any(map(str.strip, header)):
            raise InputError(f"{path}: expected a line of column names, got an empty line")
        return cls(path, tuple(header), codec, delimiter, is_quoted)

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        indices = {column: self.columns.index(column) for column in columns if column in self.columns}
        with self.stream() as stream:
            reader = _reader(stream, self.delimiter, self.is_quoted)
            next(reader)
            number = 0
            while True:
                first_line = reader.line_num + 1
                try:
                    fields = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    number += 1
                    place = f"line {first_line}" + f" to {reader.line_num}" * (reader.line_num > first_line)
                    yield Row(number, {}, f"broken row ({place}): {error}; check its quotes")
                    continue
                if fields or len(self.columns) == 1:
                    number += 1
                    yield self._row(number, fields or [""], indices)

    def _row(self, number: int, fields: list[str], indices: dict[str, int]) -> Row:
        if len(fields) != len(self.columns):
            found = f"expected {len(self.columns)} fields as in the header, got {len(fields)}"
            return Row(number, {}, f"{found}; check its delimiters and quotes")
        values = {column: fields[index] for column, index in indices.items()}
        if any(UNDECODABLE in value for value in values.values()):
            return Row(number, {}, self.undecodable())
        return Row(number, values)

    def _row_ends(self, stream: TextIOWrapper) -> Iterator[None]:
        n_quotes = 0
        is_header = True
        for line in stream:
            if self.is_quoted:
                n_quotes += line.count('"')
            if n_quotes % 2 == 0 and (len(self.columns) == 1 or line.strip("\r\n")):
                if not is_header:
                    yield None
                is_header = False


def _reader(lines: Iterable[str], delimiter: str, is_quoted: bool) -> Reader:
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE
    return csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)


def _is_quoted_tsv(lines: list[str]) -> bool:
    """Whether a TSV quotes as spreadsheets and pandas do, or takes quotes as text as corpora do.

    Quotes count as such only if the first rows have any and come out whole with them.
    """
    if not any('"' in line for line in lines):
        return False
    reader = _reader(lines, "\t", is_quoted=True)
    widths: set[int] = set()
    try:
        widths.update(len(fields) for fields in reader if fields)
    except csv.Error:
        if reader.line_num < len(lines):  # at the very end a quoted text may only be cut off
            return False
    return len(widths) == 1
