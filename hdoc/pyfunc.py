"""A model folder of any task as an MLflow model; registered models name this address.

MLflow keeps the model folder as it is, and `_load_pyfunc` reads it: nothing is pickled, and a model holds no
code. No cell is ever null, as Spark wants it: what is missing is an empty text, list or mapping, or 0. This
module needs neither MLflow nor Lightning.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.errors import InputError
from hdoc.models import task_of_model
from hdoc.tables.columns import Column, whole_row
from hdoc.tables.records import Record
from hdoc.tasks.task import Model, Task

if TYPE_CHECKING:
    from pandas import DataFrame

_EMPTY: dict[str, Any] = {"text": "", "number": 0.0, "integer": 0, "flag": False, "numbers": {}, "list": []}


class TableModel:
    """A model in the form that MLflow asks for.

    Args:
        task: of the model.
        model: in use.
    """

    def __init__(self, task: Task, model: Model) -> None:
        self.task, self.model = task, model

    def predict(self, table: DataFrame, params: Mapping[str, Any] | None = None) -> DataFrame:
        """Predict each row of a table.

        Args:
            table: has a column for each field of the task; others do not matter.
            params: options of the task.

        Returns:
            A row for each row, in order: the task's columns and `error`.

        Raises:
            InputError: a column is missing.
        """
        from pandas import DataFrame

        names = [field.name for field in self.task.fields]
        missing = [name for name in names if name not in table.columns]
        if missing:
            raise InputError(f"expected the columns {', '.join(names)}, got none named {', '.join(missing)}")
        values = zip(*(table[name] for name in names), strict=True)
        records = (_record(number, names, row) for number, row in enumerate(values))
        columns = whole_row(self.task.columns)[1:]
        rows = [
            {column.name: _filled(column, row[column.name]) for column in columns}
            for row in self.model.predict(records, **(params or {}))
        ]
        return DataFrame(rows, columns=[column.name for column in columns], index=table.index)


def _record(number: int, names: list[str], values: tuple[Any, ...]) -> Record:
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str) or not value.strip():
            return Record(str(number), None, f"expected a text in {name!r}, got {value!r}")
    return Record(str(number), dict(zip(names, values, strict=True)))


def _filled(column: Column, value: Any) -> Any:
    return _EMPTY[column.kind] if value is None else value


def _load_pyfunc(path: str) -> Any:
    """Load a model folder; the name is MLflow's."""
    task = task_of_model(path)
    model = task.load(Path(path), None, "torch", "float32")
    return TableModel(task, model) if task.served is None else task.served.wrap(model)
