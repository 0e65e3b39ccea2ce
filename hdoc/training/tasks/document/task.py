"""How a model of documents is trained: options, data, learner, ending and export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.training.search_space import RATES
from hdoc.training.task import TrainingTask

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule, Trainer

    from hdoc.training.loop.learner import Learner
    from hdoc.training.task import Ending


def _learner() -> type[Learner]:
    from hdoc.training.tasks.document.learner import DocumentLearner

    return DocumentLearner


def _data() -> type[LightningDataModule]:
    from hdoc.training.data.module import DocumentData

    return DocumentData


def _ending() -> type[Ending]:
    from hdoc.training.tasks.document.ending import DocumentEnding

    return DocumentEnding


def _export(checkpoint: str | Path, folder: str | Path, **named: Any) -> None:
    from hdoc.training.tasks.document.export import export_checkpoint

    export_checkpoint(checkpoint, folder, **named)


def _write_graph(folder: Path) -> Path:
    from hdoc.training.tasks.document.export import write_graph

    return write_graph(folder)


def _fit_alone(trainer: Trainer, learner: Any, data: Any, folder: Path) -> bool:
    """Fit TF-IDF, which needs no loop."""
    from hdoc.baselines.registry import TFIDF

    if learner.architecture not in TFIDF:
        return False
    from hdoc.training.tasks.document.tfidf import fit_tfidf

    fit_tfidf(trainer, learner, data, folder)
    return True


TRAINING = TrainingTask(
    name="document",
    learner=_learner,
    data=_data,
    ending=_ending,
    export=_export,
    write_graph=_write_graph,
    use="hdoc explain -m {model} FILE",
    shared=("encoder", "window", "multi_label"),
    space={
        **RATES,
        # What the network leaves open.
        "model.head.kernel_widths": {"choices": [[1], [3], [1, 3], [1, 3, 5], [1, 3, 5, 7]]},
        "model.head.context": {"choices": ["none", "convolution", "gru", "transformer"]},
        "model.deletion.sentences": {"low": 0.0, "high": 0.4},
    },
    fit_alone=_fit_alone,
)
