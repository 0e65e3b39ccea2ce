"""How a model of pairs is trained: options, data, learner, ending and export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.training.task import TrainingTask

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule

    from hdoc.training.loop.learner import Learner
    from hdoc.training.task import Ending


def _learner() -> type[Learner]:
    from hdoc.training.tasks.pair.learner import PairLearner

    return PairLearner


def _data() -> type[LightningDataModule]:
    from hdoc.training.tasks.pair.data import PairData

    return PairData


def _ending() -> type[Ending]:
    from hdoc.training.tasks.pair.ending import PairEnding

    return PairEnding


def _export(checkpoint: str | Path, folder: str | Path, **named: Any) -> None:
    from hdoc.training.tasks.pair.export import export_checkpoint

    export_checkpoint(checkpoint, folder, **named)


def _watched(model: Any) -> str:
    """Return the figure that says which epoch is best."""
    return "dev/spearman" if model.regression else "dev/macro_f1"


TRAINING = TrainingTask(
    name="pair",
    learner=_learner,
    data=_data,
    ending=_ending,
    export=_export,
    shared=("encoder", "window", "regression"),
    watched_with=_watched,
)
