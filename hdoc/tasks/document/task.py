"""What the task `document` is: a text of any length to a class, and the evidence for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hdoc.tables.columns import Column
from hdoc.tasks.numbers import positive, probability
from hdoc.tasks.task import Field, InTables, Option, Task

if TYPE_CHECKING:
    from hdoc.encoders.precision import Precision, Runtime
    from hdoc.tasks.document.classifier import DocumentClassifier
    from hdoc.tasks.document.table_model import TextModel


def _load_in_tables(folder: Path) -> TextModel:
    from hdoc.tasks.document.classifier import DocumentClassifier
    from hdoc.tasks.document.table_model import TextModel

    return TextModel(DocumentClassifier.load(folder))


def _load(folder: Path, device: str | None, runtime: Runtime, precision: Precision) -> DocumentClassifier:
    from hdoc.tasks.document.classifier import DocumentClassifier

    return DocumentClassifier.load(folder, device, runtime, precision)


_SHARE = (
    Column("start", "integer"),
    Column("end", "integer"),
    Column("text"),
    Column("contribution", "number"),
)
_COLUMNS = (
    Column("label"),
    Column("probability", "number"),
    Column("probabilities", "numbers", (Column("label"), Column("probability", "number"))),
    Column("sentences", "list", _SHARE),
)
_EXAMPLE = "시청 앞 정류장에서 버스를 한 시간이나 기다렸습니다. 배차 간격을 줄여 주십시오."

TASK = Task(
    name="document",
    about="the category of documents of any length, and the sentences and words that made it so",
    fields=(Field("text", "the document", _EXAMPLE),),
    columns=_COLUMNS,
    load=_load,
    options=(
        Option("top", positive, "N", 3, "strongest sentences in each row"),
        Option(
            "abstain_below",
            probability,
            "P",
            0.0,
            "give no label to documents whose most probable category is less probable than this, 0 to 1; "
            "a person should look at them",
        ),
    ),
    items="documents",
    result="label",
    unsure="{n:,} of {total:,} documents were left without a label: their most probable category has a "
    "probability below {abstain_below:g}",
    in_tables=InTables(
        columns=(*_COLUMNS, Column("words", "list", _SHARE)),
        parameters={"explain": True, "top": 3, "abstain_below": 0.0},
        load=_load_in_tables,
        example={"top": 1},
    ),
)
