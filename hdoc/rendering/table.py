"""A table of texts, for a terminal and for a Markdown file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from hdoc.rendering.symbols import visible_line


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts.

    Attributes:
        title: what it shows.
        columns: headings.
        rows: cells.
        note: how it was measured.
        n_text_columns: the first columns, which are text; the others are numbers.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    n_text_columns: int = 1

    def markdown(self) -> str:
        """Return the table in Markdown."""
        lines = [f"## {self.title}", "", _markdown_row(self.columns)]
        lines.append("|" + "|".join("---:" if number else "---" for number in self._numbers()) + "|")
        lines += [_markdown_row(row) for row in self.rows]
        return "\n".join([*lines, *(["", self.note] if self.note else []), ""])

    def show(self, console: Console) -> None:
        """Print the table."""
        table = RichTable(
            title=Text(self.title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
        )
        for column, number in zip(self.columns, self._numbers(), strict=True):
            table.add_column(column, justify="right" if number else "left", no_wrap=number)
        for row in self.rows:
            table.add_row(*(Text(visible_line(cell)) for cell in row))
        console.print()
        console.print(table)
        if self.note:
            console.print(Text(self.note, "dim"))

    def _numbers(self) -> list[bool]:
        return [i >= self.n_text_columns for i in range(len(self.columns))]


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(visible_line(cell).replace("|", "\\|") for cell in cells) + " |"
