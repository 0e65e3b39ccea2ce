"""What the task `pair` is: two texts to a class of the pair, or to a score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hdoc.tables.columns import Column
from hdoc.tasks.task import Field, Task

if TYPE_CHECKING:
    from hdoc.encoders.precision import Precision, Runtime
    from hdoc.tasks.pair.classifier import PairClassifier


def _load(folder: Path, device: str | None, runtime: Runtime, precision: Precision) -> PairClassifier:
    from hdoc.tasks.pair.classifier import PairClassifier

    return PairClassifier.load(folder, device, runtime, precision)


TASK = Task(
    name="pair",
    about="the class of two texts together, or a score of how alike they are",
    fields=(
        Field("a", "the first text", "시청으로 가는 버스가 늦는다."),
        Field("b", "the second text", "시청행 버스가 제시간에 오지 않는다."),
    ),
    columns=(
        Column("label"),
        Column("probability", "number"),
        Column("probabilities", "numbers", (Column("label"), Column("probability", "number"))),
        Column("score", "number"),
    ),
    load=_load,
    items="pairs",
)
