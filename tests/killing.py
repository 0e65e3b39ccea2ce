"""A callback that ends its process, for tests of what becomes of a training then."""

from __future__ import annotations

import os
import signal
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class KillAt(Callback):
    """Sends a signal to its own process when a batch of an epoch begins.

    Args:
        epoch: from 0.
        batch: from 0.
        name: of the signal.
    """

    def __init__(self, epoch: int, batch: int, name: str = "SIGKILL") -> None:
        self.place = (epoch, batch)
        self.signal = signal.Signals[name]

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if (trainer.current_epoch, batch_idx) == self.place:
            if self.signal == signal.SIGINT:  # tests that run in the background have inherited deafness to it
                signal.signal(signal.SIGINT, signal.default_int_handler)
            os.kill(os.getpid(), self.signal)
