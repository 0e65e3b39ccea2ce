"""hdoc as an MLflow model: a table of a task's fields becomes a table of its results.

MLflow keeps the model folder as it is, and `_load_pyfunc` reads it: nothing is pickled, and a model holds no
code. `mlflow.pyfunc.load_model`, `mlflow models serve` and Spark give the same rows, so no cell is ever null:
what is missing is an empty text, list or mapping, or 0. This module needs neither MLflow nor Lightning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.errors import InputError
from hdoc.models import find_task
from hdoc.storage.identity import task_of
from hdoc.tables.records import Record
from hdoc.tasks.task import Model, Task

if TYPE_CHECKING:
    from pandas import DataFrame

_EMPTY: dict[str, Any] = {
    "text": "", "number": 0.0, "integer": 0, "flag": False, "numbers": {}, "list": []
}  # fmt: skip


class TableModel:
    """A model of any task in the form that MLflow asks for.

    Args:
        task: of the model.
        model: in use.
    """

    def __init__(self, task: Task, model: Model) -> None:
        self.task, self.model = task, model

    def predict(self, table: DataFrame, params: Mapping[str, Any] | None = None) -> DataFrame:
        """Give a row for each row of a table.

        Args:
            table: has a column for each field of the task; others do not matter.
            params: options of the task.

        Returns:
            The task's columns and `error`, a row for each row of the table, in order.

        Raises:
            InputError: a parameter is out of range.
        """
        from pandas import DataFrame

        asked = dict(params or {})
        for option in self.task.options:
            if option.name in asked:
                try:
                    asked[option.name] = option.read(str(asked[option.name]))
                except ValueError as error:
                    raise InputError(f"{option.name}: {error}") from error
        names = [*(column.name for column in self.task.columns), "error"]
        rows = list(self.model.predict(self._records(table), **asked))
        return DataFrame([self._filled(row) for row in rows], columns=names, index=table.index)

    def _records(self, table: DataFrame) -> Iterator[Record]:
        fields = [field.name for field in self.task.fields]
        for number, row in enumerate(table[fields].to_dict("records")):
            missing = [name for name in fields if not isinstance(row[name], str)]
            if missing:
                yield Record(str(number), None, f"expected a text in {', '.join(missing)}, got none")
            else:
                yield Record(str(number), row)

    def _filled(self, row: Mapping[str, Any]) -> dict[str, Any]:
        filled = {
            column.name: _EMPTY[column.kind] if row[column.name] is None else row[column.name]
            for column in self.task.columns
        }
        return {**filled, "error": row["error"] or ""}


def _load_pyfunc(path: str) -> Any:
    """Load a model folder; the name is MLflow's."""
    folder = Path(path)
    task = find_task(task_of(folder))
    if task.in_tables is not None:
        return task.in_tables.load(folder)
    return TableModel(task, task.load(folder, None, "torch", "float32"))
