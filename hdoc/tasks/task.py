"""What a task is: which fields a row has, what its results are, and what uses a model of it.

A task is one module in `hdoc.tasks` with a `TASK`, or a folder whose module `task` has it. A model folder's
`config.json` names it, and nothing else in the house does: `hdoc.models` finds it by that name. To add one,
add a module here, and modules of the same name in `hdoc.training.tasks` and `hdoc.web.tasks`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hdoc.encoders.precision import Precision, Runtime
from hdoc.explanation import ModelIdentity
from hdoc.tables.columns import Column

if TYPE_CHECKING:
    from hdoc.tables.records import Record


@dataclass(frozen=True, slots=True)
class Field:
    """What a row of input must have; on the command line `--NAME-column` says where.

    Attributes:
        name: of the field, and of its column where none is named.
        about: what it holds.
        example: of it, for those who look at a registered model.
    """

    name: str
    about: str
    example: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """What may be asked of `predict`; on the command line `--NAME` with dashes.

    Attributes:
        name: the keyword of `predict`.
        read: turns a text into a value, or raises ValueError, whose message says what was expected.
        metavar: what help calls the value.
        default: where nothing is asked.
        about: what it does.
    """

    name: str
    read: Callable[[str], Any]
    metavar: str
    default: Any
    about: str


class Model(Protocol):
    """A model in use."""

    @property
    def identity(self) -> ModelIdentity:
        """Its name, version and checksum."""

    def predict(
        self, records: Iterable[Record], workers: int = 0, **options: Any
    ) -> Generator[dict[str, Any], None, None]:
        """Give a row for each record, in order, in flat memory.

        Args:
            records: rows of input, or the errors that stand in their place; read as they are needed.
            workers: processes that divide texts into sentences; 0 for none.
            options: those of the task.

        Yields:
            `id`, the task's columns, and `error`: why there is no result, or None.
        """


@dataclass(frozen=True, slots=True)
class InTables:
    """How MLflow runs a model whose rows are others than those of `predict`.

    Attributes:
        columns: of a row of results, beside `error`.
        parameters: what may be asked, with its default.
        load: makes a model folder an object with `predict(table, parameters)`, as `hdoc.pyfunc` has it.
        example: parameters for the example of an input.
    """

    columns: tuple[Column, ...]
    parameters: Mapping[str, bool | int | float | str]
    load: Callable[[Path], Any]
    example: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """A task.

    Attributes:
        name: as `config.json` has it; that of the module.
        about: what it does, for `--help`.
        fields: what a row of input has.
        columns: what a row of results has, beside `id` and `error`.
        options: of `predict`.
        load: makes a model folder a model in use.
        items: what the rows are, in the plural.
        result: what each row gets.
        unsure: says that `n` of `total` rows were left without a result on purpose (their first column is
            empty though there is no error); it may name the options. None if that does not happen.
        in_tables: how MLflow runs a model of it; None for the rows of `predict`.
    """

    name: str
    about: str
    fields: tuple[Field, ...]
    columns: tuple[Column, ...]
    load: Callable[[Path, str | None, Runtime, Precision], Model]
    options: tuple[Option, ...] = ()
    items: str = "rows"
    result: str = "result"
    unsure: str | None = None
    in_tables: InTables | None = None
