"""Two checkpoints of a run: the best one on dev, and the last one to go on from after a kill.

A checkpoint is written beside its place and moved there, so a kill while writing leaves the former one
whole. The last one is taken between two optimiser steps, where no gradient is half gathered.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.trainer.states import TrainerFn

from hdoc.errors import HdocError

BEST, LAST = "best.ckpt", "last.ckpt"


def write_checkpoint(checkpoint: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all.

    Raises:
        HdocError: it cannot be written, for instance because the disk is full; the former one is whole.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except (OSError, RuntimeError) as error:  # torch turns some of what the system says into the latter
        with suppress(OSError):
            draft.unlink()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise HdocError(
            f"{path}: cannot be written ({reason}); the checkpoint before it is whole: make room, then "
            f"hdoc train fit --resume {path.parent.parent}"
        ) from error


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's way to disk; its own goes through the temporary folder, which may be another disk."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint whole or not at all."""
        if storage_options is not None:
            raise TypeError("expected no storage options: checkpoints are written to local folders")
        write_checkpoint(checkpoint, Path(path))


class RunCheckpoint(Checkpoint):
    """Keeps `checkpoints/best.ckpt` and `checkpoints/last.ckpt` in the run's folder.

    Args:
        monitor: the figure that says which is best; the higher, the better.
        minutes: of training between two last ones, so a kill costs no more; there is one after each
            epoch anyway.

    Attributes:
        best_step: after how many steps the best one was taken; None if that was before a resume.
    """

    def __init__(self, monitor: str = "dev/macro_f1", minutes: float = 5.0) -> None:
        self.monitor = monitor
        self.minutes = minutes
        self.best_model_score: float | None = None
        self.best_step: int | None = None
        self._folder = Path()
        self._saved_at = 0.0

    @property
    def best_model_path(self) -> str:
        """Where the best checkpoint is; "" if there is none yet."""
        return "" if self.best_model_score is None else str(self._folder / BEST)

    @property
    def last_model_path(self) -> str:
        """Where the last checkpoint is."""
        return str(self._folder / LAST)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the run's folder; it is that of the first process."""
        self._folder = Path(trainer.strategy.broadcast(trainer.default_root_dir)) / "checkpoints"
        trainer.strategy.checkpoint_io = AtomicCheckpointIO()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock, and throw away what a kill left half written."""
        self._saved_at = time.monotonic()
        if trainer.is_global_zero:
            for name in (BEST, LAST):
                for draft in self._folder.glob(f".{name}.*"):
                    draft.unlink(missing_ok=True)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save the last one if it is time."""
        n_batches = trainer.fit_loop.total_batch_idx + 1 if _counts_over_epochs(trainer) else batch_idx + 1
        # Where a validation follows at once, the next batch is a cleaner place to go on from.
        validates = trainer.val_check_batch and n_batches % trainer.val_check_batch == 0
        if validates or trainer.is_last_batch or (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        due = time.monotonic() - self._saved_at >= self.minutes * 60
        if trainer.strategy.broadcast(due):
            self._save_last(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the last one; callbacks that stop a training have had their say by now."""
        self._save_last(trainer)

    def _save_last(self, trainer: Trainer) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self.last_model_path)
            self._saved_at = time.monotonic()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the best one if it is better than all before."""
        if trainer.state.fn != TrainerFn.FITTING or trainer.sanity_checking:
            return
        score = trainer.callback_metrics.get(self.monitor)
        if score is None:
            raise HdocError(
                f"expected checkpoint.monitor to name a logged figure, got {self.monitor!r}; "
                f"there are: {', '.join(sorted(trainer.callback_metrics))}"
            )
        if self.best_model_score is None or float(score) > self.best_model_score:
            self.best_model_score = float(score)
            self.best_step = trainer.global_step
            trainer.save_checkpoint(str(self._folder / BEST))

    def state_dict(self) -> dict[str, Any]:
        """Return the best score so far."""
        return {"best_model_score": self.best_model_score}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the best score so far."""
        self.best_model_score = state_dict["best_model_score"]


def _counts_over_epochs(trainer: Trainer) -> bool:
    return trainer.check_val_every_n_epoch is None
