"""How far a training is, in lines that can be read in a file as well as in a terminal."""

from __future__ import annotations

import time
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from hdoc.console import say

_SPEED = "_per_second"


class MinuteLine(Callback):
    """Writes a line every minute where there is no progress bar: how far, how good, how fast, how long yet.

    It knows no task: loss and speeds are those that the learner logs.

    Args:
        seconds: between two lines.
    """

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds
        self._started_at = self._said_at = time.monotonic()
        self._first_step = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock; a run that goes on has made its first steps before."""
        self._started_at = self._said_at = time.monotonic()
        self._first_step = trainer.global_step

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write how far training is, if it is time to."""
        if self._is_time(trainer):
            say(self._training(trainer))

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write how much of dev was read, if it is time to."""
        if self._is_time(trainer):
            say(f"dev: batch {batch_idx + 1:,} of {_total(trainer.num_val_batches)}")

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write how much of test was read, if it is time to."""
        if self._is_time(trainer):
            say(f"test: batch {batch_idx + 1:,} of {_total(trainer.num_test_batches)}")

    def _is_time(self, trainer: Trainer) -> bool:
        now = time.monotonic()
        if not trainer.is_global_zero or trainer.progress_bar_callback or now - self._said_at < self.seconds:
            return False
        self._said_at = now
        return True

    def _training(self, trainer: Trainer) -> str:
        step, n_steps = trainer.global_step, trainer.estimated_stepping_batches
        has_end = 0 <= n_steps < float("inf")
        parts = [
            f"epoch {trainer.current_epoch + 1}",
            f"step {step:,} of {n_steps:,}" if has_end else f"step {step:,}",
        ]
        values = trainer.callback_metrics
        if "train/loss" in values:
            parts.append(f"train/loss {float(values['train/loss']):.4f}")
        speeds = sorted(name for name in values if name.startswith("train/") and name.endswith(_SPEED))
        parts += [f"{float(values[name]):,.0f} {name[6:].removesuffix(_SPEED)}/s" for name in speeds]
        n_done = step - self._first_step
        if has_end and n_done:
            seconds = (time.monotonic() - self._started_at) / n_done * (n_steps - step)
            parts.append(f"{_duration(seconds)} left")
        return "  ".join(parts)


class EpochLine(Callback):
    """Writes a line for each validation: how training and dev stand."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._since = time.monotonic()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write how training and dev stand."""
        values = trainer.callback_metrics
        shown_on_dev = getattr(pl_module, "shown", ())
        names = [name for name in ("train/loss", *(f"dev/{one}" for one in shown_on_dev)) if name in values]
        if trainer.training or trainer.state.fn == "fit":
            shown = "  ".join(f"{name} {float(values[name]):.4f}" for name in names)
            minutes = (time.monotonic() - self._since) / 60
            say(f"epoch {trainer.current_epoch + 1}  step {trainer.global_step}  {shown}  {minutes:.1f} min")


def _total(n_batches: list[int | float]) -> str:
    return f"{sum(n_batches):,}"


def _duration(seconds: float) -> str:
    """Return a time in words: 40 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
