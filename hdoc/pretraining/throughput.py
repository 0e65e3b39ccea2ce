"""Training's throughput beside that of the network alone: forward and backward on full rows, no more."""

from __future__ import annotations

import logging
import time
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from hdoc.pretraining.data_module import PretrainingData
from hdoc.pretraining.learner import PretrainingLearner

log = logging.getLogger(__name__)


class DenseThroughput(Callback):
    """Measures the network alone every so many steps, so that both speeds are of one run on one machine.

    Its seconds a pass are the least that a training step can take. The log says which share of that speed
    training reached between two measurements with all that it does besides: reading, masking, clipping, the
    optimiser and logging.

    Args:
        every: training steps between two measurements.
        n_passes: forward and backward passes in one measurement.
    """

    def __init__(self, every: int = 50, n_passes: int = 20) -> None:
        self.every = every
        self.n_passes = n_passes
        self._started = 0.0
        self._shares: list[float] = []

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Compare the steps since the last measurement with a new one, between two optimiser steps."""
        step = trainer.global_step
        accumulating = (batch_idx + 1) % trainer.accumulate_grad_batches
        if accumulating or step % self.every or not isinstance(pl_module, PretrainingLearner):
            return
        _wait(pl_module.device)
        spent = (time.perf_counter() - self._started) / (self.every * trainer.accumulate_grad_batches)
        dense = self._seconds_a_pass(trainer, pl_module)
        # The first steps compile and warm up.
        if step > self.every:
            self._shares.append(dense / spent)
            median = sorted(self._shares)[len(self._shares) // 2]
            log.info("step %d  share of dense floor %.3f (median %.3f)", step, self._shares[-1], median)
        self._started = time.perf_counter()

    def _seconds_a_pass(self, trainer: Trainer, learner: PretrainingLearner) -> float:
        data: PretrainingData = trainer.datamodule  # type: ignore[attr-defined]
        shape = (data.rows, data.row_length)
        ids = torch.randint(data.vocabulary.n_special, data.vocabulary.size, shape, device=learner.device)
        n_chosen = data.rows * round(data.mask_share * data.row_length)
        positions = torch.randperm(ids.numel(), device=learner.device)[:n_chosen].sort().values
        started = time.perf_counter()
        for _ in range(self.n_passes):
            learner.network.zero_grad()
            with trainer.precision_plugin.forward_context():
                learner.dense_loss(ids, positions).backward()  # type: ignore[no-untyped-call]
        _wait(learner.device)
        spent = (time.perf_counter() - started) / self.n_passes
        learner.network.zero_grad()
        return spent


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
