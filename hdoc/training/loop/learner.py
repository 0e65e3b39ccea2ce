"""`Learner`: a `Scorer` with an optimiser and a schedule; the training of every task.

It keeps the loss a mean over all items of a step, and logs what a step costs. What a task adds: its losses.

What training leaves out at random depends on seed, epoch, batch and rank alone, so that a run that was
killed and resumed ends with the weights of one that was not.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from pytorch_lightning.profilers import PassThroughProfiler
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import Optimizer

from hdoc.training.loop.optimisation import build_optimizer, build_schedule, count_steps
from hdoc.training.loop.options import OptimiserOptions
from hdoc.training.loop.scorer import Batch, Scorer
from hdoc.training.loop.throughput import StepMeter, learning_rates


class Learner(Scorer):
    """Trains the network of a task.

    Args:
        encoder: "small" (the one that comes with hdoc), a transformers folder, or a hub name.
        window: longest sequence the encoder is given, special tokens included.
        optimiser: how weights are learned.
    """

    def __init__(self, encoder: str, window: int, optimiser: OptimiserOptions) -> None:
        super().__init__(encoder, window)
        self.optimiser = optimiser
        self.meter = StepMeter(self.items)
        self._n_items = 0  # since the last optimiser step

    # What a task adds

    def prepare_fit(self) -> None:
        """Do what a training needs once before its first step, if anything."""

    @abstractmethod
    def count(self, batch: Any) -> None:
        """Tell the meter how much a batch holds."""

    @abstractmethod
    def losses(self, batch: Any) -> Tensor:
        """Return the loss of each item of a batch in training, (items,)."""

    # Training

    def hold(self, network: nn.Module) -> None:
        """Take a network for training."""
        super().hold(network)
        if self.optimiser.freeze_encoder:
            encoder: nn.Module = self.network.encoder  # type: ignore[assignment]
            encoder.requires_grad_(False).eval()

    def on_fit_start(self) -> None:
        """Prepare, and count the waiting for batches."""
        self.prepare_fit()
        # Unless a profiler was asked for, Lightning's own place for one counts the waiting.
        if type(self.trainer.profiler) is PassThroughProfiler:  # type: ignore[attr-defined]
            self.trainer.profiler = self.meter.waits  # type: ignore[attr-defined]

    def on_train_start(self) -> None:
        """Start the clock."""
        self.meter.restart()

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Return the sum of the items' losses; `on_before_optimizer_step` makes means of sums."""
        torch.manual_seed(self._step_seed(batch_index))
        self.count(batch)
        losses = self.losses(batch)
        self._n_items += len(losses)
        self.meter.add_losses(losses.detach())
        return losses.sum()

    def _step_seed(self, batch_index: int) -> int:
        """Return the seed of what a step leaves out: another for each run, epoch, batch and rank."""
        place = [self.seed, self.current_epoch, batch_index, self.global_rank]
        return int(np.random.SeedSequence(place).generate_state(1)[0])

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Make the gradient that of the mean loss over all items of the step.

        Batches differ in their number of items. Lightning averages over accumulated batches and DDP over
        ranks, so a mean over each batch would give items in small batches more weight.
        """
        n_items = torch.tensor(float(self._n_items), device=self.device)
        total = float(self.trainer.strategy.reduce(n_items, reduce_op="sum"))
        n_parts = self.trainer.accumulate_grad_batches * self.trainer.world_size
        gradients = [
            p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None
        ]
        torch._foreach_mul_(gradients, n_parts / total)
        self.meter.gradient_norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        self._n_items = 0

    def on_train_batch_end(self, *_: Any) -> None:
        """Log, every `log_every_n_steps`, what happened since the last time."""
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        if self._n_items == 0 and self.trainer.global_step % every == 0:
            values = self.meter.read(self.trainer.world_size)
            self.log("train/loss", values.pop("loss"), prog_bar=True)
            rates = learning_rates(self.trainer.optimizers[0])
            self.log_dict({f"train/{name}": value for name, value in {**values, **rates}.items()})

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW and its schedule over the whole run."""
        optimizer = build_optimizer(self.network, self.optimiser)
        n_steps = count_steps(self.trainer, len(self.data.train_dataloader()))
        asked = self.optimiser
        schedule = build_schedule(optimizer, asked.schedule, n_steps, asked.warmup_share)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_validation_start(self) -> None:
        """Stop the clock of the training."""
        self.meter.pause()

    def on_validation_end(self) -> None:
        """Let the clock of the training run on."""
        self.meter.proceed()
