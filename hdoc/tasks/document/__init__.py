"""Documents of any length to classes, and the exact share of every word.

Read in this order: `attention` and `network` (the model), `lexical` (scores of words), `scores` and
`analysis` (from numbers to an explanation), `engine` (what runs it), `classifier` (all together), `folder/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hdoc.tables.columns import Column
from hdoc.tasks.numbers import positive, probability
from hdoc.tasks.task import Field, Option, Task

if TYPE_CHECKING:
    from hdoc.encoders.precision import Precision, Runtime
    from hdoc.tasks.document.classifier import DocumentClassifier


def _load(folder: Path, device: str | None, runtime: Runtime, precision: Precision) -> DocumentClassifier:
    from hdoc.tasks.document.classifier import DocumentClassifier

    return DocumentClassifier.load(folder, device, runtime, precision)


_SENTENCE = (
    Column("start", "integer"),
    Column("end", "integer"),
    Column("text"),
    Column("contribution", "number"),
)

TASK = Task(
    name="document",
    about="the category of documents of any length, and the sentences and words that made it so",
    fields=(Field("text", "the document"),),
    columns=(
        Column("label"),
        Column("probability", "number"),
        Column("probabilities", "numbers", (Column("label"), Column("probability", "number"))),
        Column("sentences", "list", _SENTENCE),
    ),
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
)
