"""What a run over many machines has to do: blocks of rows, written down before the first is done.

The plan stays with the results. A run that finds one goes on with its blocks, whatever the number of workers
is now, and refuses if the inputs, the model or what is asked for have changed: a folder never holds the
answers of two models.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.errors import HdocError, InputError
from hdoc.tables import Part, Table, is_table, open_table
from hdoc.text.documents import unreadable

if TYPE_CHECKING:
    from hdoc.encoders.precision import Precision, Runtime

PLAN = "_plan.json"
"""Readers of folders of Parquet or JSON Lines pass over names that begin with an underscore."""

SUCCESS = "_SUCCESS"
"""An empty file that stands beside the plan when all blocks are done."""

KINDS = ("parquet", "jsonl")
_MOST_ROWS = 10_000
_FEWEST_ROWS = 64
_BLOCKS_PER_WORKER = 8


@dataclass(frozen=True, slots=True)
class Settings:
    """What every block of a run has in common.

    Attributes:
        model: the folder of the model, as all machines see it.
        checksum: of the model.
        output: the folder of results, as all machines see it.
        kind: of the files in it, one of `KINDS`.
        text_column: of the inputs; None for "text".
        id_column: of the inputs; None for "id" where there is one.
        encoding: of JSON Lines, CSV and TSV; None to have it recognised.
        top: strongest sentences in each row.
        abstain_below: a document whose most probable class is less probable than this gets no label.
        runtime: what runs the network.
        precision: of its matrix products.
        device: where to compute; None for a GPU if the worker has one.
    """

    model: str
    checksum: str
    output: str
    kind: str
    text_column: str | None
    id_column: str | None
    encoding: str | None
    top: int
    abstain_below: float
    runtime: Runtime
    precision: Precision
    device: str | None

    def meaning(self) -> dict[str, Any]:
        """Return what decides the results, as plain values."""
        places = {"model", "output", "device"}
        return {name: value for name, value in asdict(self).items() if name not in places}


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that become one file.

    Attributes:
        number: its place in the run, from 0.
        given: what ids and errors call the table.
        path: the table, as all machines see it.
        part: the rows.
    """

    number: int
    given: str
    path: str
    part: Part

    def to_json(self) -> str:
        """Return it as text, for the plan and for the way to a worker."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Block:
        """Return the block of such a text.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        values = json.loads(text)
        return cls(**{**values, "part": Part(**values["part"])})

    def file(self, settings: Settings) -> Path:
        """Return where its results go."""
        return Path(settings.output) / f"part-{self.number:06d}.{settings.kind}"


def kind_of(output: str) -> str:
    """Say what files go into a folder, by the ending of its name.

    Raises:
        InputError: the ending is that of another kind of file.
    """
    suffix = Path(output).suffix.lower().removeprefix(".")
    if suffix not in {"", *KINDS}:
        raise InputError(
            f"{output}: expected a folder to write to, with a name that ends in .parquet, .jsonl or without "
            f"ending (for Parquet), got .{suffix}"
        )
    return suffix or KINDS[0]


def find_tables(inputs: Sequence[str]) -> list[str]:
    """Return the tables that inputs stand for: themselves, or of folders all tables in them, sorted.

    Hidden files and those whose names begin with an underscore are passed over, as Spark and Arrow do.

    Raises:
        InputError: an input is missing or no table, or a folder holds none.
    """
    tables: list[str] = []
    for given in inputs:
        path = Path(given)
        try:
            path.stat()
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error
        found = _tables_in(given) if path.is_dir() else [given] if is_table(path) else []
        if not found:
            raise InputError(
                f"{given}: expected a table (.parquet, .jsonl, .csv, .tsv) or a folder of them, got "
                f"{'a folder without any' if path.is_dir() else 'another file'}; "
                "leave --engine out for text files"
            )
        tables += found
    return tables


def make_plan(tables: Sequence[str], settings: Settings, n_workers: int) -> list[Block]:
    """Return the blocks of a run: those of the plan in its folder, or new ones, which are written there.

    Args:
        tables: the inputs.
        settings: of the run.
        n_workers: how many blocks will be worked on at a time.

    Raises:
        InputError: a table cannot be opened or has no such column.
        HdocError: the folder holds something else or another run, or cannot be written.
    """
    folder = Path(settings.output)
    basis = {"settings": settings.meaning(), "inputs": [_state(table) for table in tables]}
    try:
        if (folder / PLAN).is_file():
            return _read_plan(folder / PLAN, basis)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise HdocError(
                f"{folder}: expected a new folder, or one that this command began, got "
                f"{'one with other files' if folder.is_dir() else 'a file'}; give another name"
            )
        blocks = _cut(tables, settings, n_workers)
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{PLAN}.draft"
        content = basis | {"blocks": [block.to_json() for block in blocks]}
        draft.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        draft.replace(folder / PLAN)
    except OSError as error:
        raise HdocError(
            f"{folder}: cannot be written ({error.strerror or error}); make room or give another name"
        ) from error
    return blocks


def _tables_in(folder: str) -> list[str]:
    return [
        os.path.join(folder, path.relative_to(folder))  # noqa: PTH118 (a Path would drop the "./" that was given)
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
        and is_table(path)
        and not any(name.startswith((".", "_")) for name in path.relative_to(folder).parts)
    ]


def _state(table: str) -> list[str | int]:
    status = Path(table).stat()
    return [table, status.st_size, status.st_mtime_ns]


def _cut(tables: Sequence[str], settings: Settings, n_workers: int) -> list[Block]:
    opened = [open_table(Path(table), settings.encoding) for table in tables]
    for table in opened:
        table.require(settings.text_column or "text", "--text-column")
        if settings.id_column is not None:
            table.require(settings.id_column, "--id-column")
    parts = _parts(tables, opened, _MOST_ROWS)
    n_blocks = _BLOCKS_PER_WORKER * n_workers
    if len(parts) < n_blocks:  # with few blocks, the last one would let the other workers wait
        n_rows = sum(part.n_rows for _, part in parts) // n_blocks
        parts = _parts(tables, opened, min(_MOST_ROWS, max(_FEWEST_ROWS, n_rows)))
    return [
        Block(number, given, str(Path(given).resolve()), part) for number, (given, part) in enumerate(parts)
    ]


def _parts(tables: Sequence[str], opened: Sequence[Table], n_rows: int) -> list[tuple[str, Part]]:
    return [
        (given, part)
        for given, table in zip(tables, opened, strict=True)
        for part in table.parts(n_rows)
        if part.n_rows
    ]


def _read_plan(path: Path, basis: dict[str, Any]) -> list[Block]:
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        found = {name: plan[name] for name in basis}
        blocks = [Block.from_json(block) for block in plan["blocks"]]
    except (ValueError, KeyError, TypeError) as error:
        raise HdocError(
            f"{path}: expected the plan of a run, got something else ({error!r}); give another folder"
        ) from error
    if found != basis:
        changed = [
            *(name for name, value in basis["settings"].items() if found["settings"].get(name) != value),
            *(["inputs"] if found["inputs"] != basis["inputs"] else []),
        ]
        raise HdocError(
            f"{path.parent}: holds the results of another run ({', '.join(changed)} changed); "
            "give another folder, or remove this one"
        )
    return blocks
