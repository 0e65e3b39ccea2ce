"""Callbacks that end or hold up their process, for tests of what becomes of a training then."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class KillAt(Callback):
    """Sends a signal to its own process when a batch of an epoch begins.

    Args:
        epoch: from 0.
        batch: from 0.
        name: of the signal.
        rank: of the one process that does it.
    """

    def __init__(self, epoch: int, batch: int, name: str = "SIGKILL", rank: int = 0) -> None:
        self.place = (epoch, batch)
        self.signal = signal.Signals[name]
        self.rank = rank

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if (trainer.current_epoch, batch_idx) == self.place and trainer.global_rank == self.rank:
            if self.signal == signal.SIGINT:  # tests that run in the background have inherited deafness to it
                signal.signal(signal.SIGINT, signal.default_int_handler)
            os.kill(os.getpid(), self.signal)


class WaitAt(Callback):
    """Waits when a batch of an epoch begins: writes `FILE.reached` in the run's folder, until there is FILE.

    Args:
        places: epoch and batch, each from 0, by the name of the file.
        seconds: the longest that it waits.
    """

    def __init__(self, places: dict[str, list[int]], seconds: float = 240) -> None:
        self.files = {tuple(place): name for name, place in places.items()}
        self.seconds = seconds

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        name = self.files.get((trainer.current_epoch, batch_idx))
        if name is None:
            return
        folder = Path(trainer.default_root_dir)
        (folder / f"{name}.reached").touch()
        end = time.monotonic() + self.seconds
        while not (folder / name).exists():
            if time.monotonic() > end:
                raise TimeoutError(f"{folder / name} was not made within {self.seconds:.0f} s")
            time.sleep(0.05)
