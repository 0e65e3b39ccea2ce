"""Checkpoints by the clock, which a pre-training run resumes from exactly."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint


class TimedCheckpoint(Checkpoint):
    """Keeps `last.ckpt`, saved every few minutes and at the end, always between two optimiser steps.

    Args:
        folder: where it is kept.
        minutes: how much work a kill may cost.
    """

    def __init__(self, folder: str, minutes: float = 5.0) -> None:
        self.path = Path(folder) / "last.ckpt"
        self.seconds = 60 * minutes
        self._saved_at = time.monotonic()
        self._saved_step = -1

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Save if it is time, but not while gradients are being accumulated: they are in no checkpoint."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        due = time.monotonic() - self._saved_at >= self.seconds
        # All processes save together, so one clock decides.
        if trainer.strategy.broadcast(due):
            self._save(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Save where the limit of steps or of time ended the run."""
        if trainer.global_step != self._saved_step:
            self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        # A kill while saving must leave the older file whole.
        unfinished = self.path.with_suffix(".part")
        trainer.save_checkpoint(unfinished)
        if trainer.is_global_zero:
            unfinished.replace(self.path)
        self._saved_at = time.monotonic()
        self._saved_step = trainer.global_step
