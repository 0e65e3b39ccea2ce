"""Documents of any length to classes, and the exact share of every word.

Read in this order: `attention` and `network` (the model), `lexical` (scores of words), `scores` and
`analysis` (from numbers to an explanation), `engine` (what runs it), `classifier` (all together), `folder/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hdoc.tables.columns import Column
from hdoc.tasks.numbers import positive, probability
from hdoc.tasks.task import Field, Option, Served, Task

if TYPE_CHECKING:
    from hdoc.encoders.precision import Precision, Runtime
    from hdoc.tasks.document.classifier import DocumentClassifier


def _load(folder: Path, device: str | None, runtime: Runtime, precision: Precision) -> DocumentClassifier:
    from hdoc.tasks.document.classifier import DocumentClassifier

    return DocumentClassifier.load(folder, device, runtime, precision)


_SPAN = (
    Column("start", "integer"),
    Column("end", "integer"),
    Column("text"),
    Column("contribution", "number"),
)


def _wrap(model: DocumentClassifier) -> object:
    from hdoc.tasks.document.served import TextModel

    return TextModel(model)


_LABEL = (
    Column("label"),
    Column("probability", "number"),
    Column("probabilities", "numbers", (Column("label"), Column("probability", "number"))),
)

TASK = Task(
    name="document",
    about="the category of documents of any length, and the sentences and words that made it so",
    fields=(
        Field(
            "text",
            "the document",
            "시청 앞 정류장에서 버스를 한 시간이나 기다렸습니다. 배차 간격을 줄여 주십시오.",
        ),
    ),
    columns=(*_LABEL, Column("sentences", "list", _SPAN)),
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
    served=Served(
        columns=(*_LABEL, Column("sentences", "list", _SPAN), Column("words", "list", _SPAN)),
        params={"explain": True, "top": 3, "abstain_below": 0.0},
        wrap=_wrap,
    ),
)
