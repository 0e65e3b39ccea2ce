"""What the training of a task consists of: a learner, its data, and what is done at the end.

A module or folder in `hdoc.training.tasks` of the task's name has a `TRAINING`. Loop, tracking, resume,
checkpoints, the run's folder, pictures in MLflow and the registry are shared by all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.training.search_space import RATES

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule, Trainer
    from torch import Tensor

    from hdoc.training.loop.learner import Learner
    from hdoc.training.outcome import Outcome, Scores


class Ending(ABC):
    """What a task does when its best checkpoint is known; `learner.gathered` has the split read last.

    Args:
        learner: with the weights of the best checkpoint.
        data: the data module.
        folder: of the run.
    """

    def __init__(self, learner: Any, data: Any, folder: Path) -> None:
        self.learner, self.data, self.folder = learner, data, folder

    @abstractmethod
    def fit_on_dev(self) -> tuple[Tensor, Tensor]:
        """Fit on dev what stands beside the network, such as a temperature; returns outputs and targets."""

    @abstractmethod
    def amendments(self) -> dict[str, Any]:
        """Return what was fitted, as plain values that go into the checkpoint."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return what `outcome.json` says of the model, beside its figures."""

    @abstractmethod
    def n_parameters(self) -> int:
        """Return how many numbers were fitted."""

    def can_export(self) -> bool:
        """Whether a model folder can hold what was trained."""
        return True

    def calibration(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Return figures of what was fitted on dev."""
        del outputs, targets
        return {}

    def draw(self, outputs: Tensor, targets: Tensor) -> Path | None:
        """Draw pictures of dev into the run's folder; returns where."""
        del outputs, targets
        return None

    def explain(self, outputs: Tensor, targets: Tensor) -> Path | None:
        """Explain some of dev in the run's folder; returns where."""
        del outputs, targets
        return None

    def write_parts(self, whole: Outcome, scores: Scores) -> None:
        """Write what the parts of the model come to alone, if it has several."""
        del whole, scores

    @abstractmethod
    def write_predictions(self, path: Path) -> None:
        """Write the predictions of the split read last, one JSON line a row."""


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """The training of a task; what is heavy is imported when it is asked for.

    Attributes:
        name: of the task.
        learner: gives the class of the learner; its `__init__` is the section `model`.
        data: gives the class of the data module; its `__init__` is the section `data`.
        ending: gives the class of what is done at the end.
        export: writes the model folder of a checkpoint: checkpoint, folder, name, version, weights.
        write_graph: adds an ONNX graph for other programs to a model folder; returns the file.
        use: the command that a model folder is for, with `{model}` in it.
        shared: options of the section `model` that the section `data` has too.
        watched: the figure that says which epoch is best; the higher, the better.
        watched_with: the same, where it depends on the values of the section `model`.
        space: options that a search tries where nobody names others, see `hdoc.training.search_space`.
        fit_alone: fits what needs no loop (trainer, learner, data, folder); returns whether it did.
    """

    name: str
    learner: Callable[[], type[Learner]]
    data: Callable[[], type[LightningDataModule]]
    ending: Callable[[], type[Ending]]
    export: Callable[..., None]
    write_graph: Callable[[Path], Path] | None = None
    use: str = "hdoc predict -m {model} FILE"
    shared: tuple[str, ...] = ("encoder", "window")
    watched: str = "dev/macro_f1"
    watched_with: Callable[[Any], str] | None = None
    space: Mapping[str, Any] = field(default_factory=lambda: RATES)
    fit_alone: Callable[[Trainer, Any, Any, Path], bool] | None = None
