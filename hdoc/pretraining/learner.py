"""Masked-language-model training as a LightningModule: the loss, and what is logged."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from hdoc.errors import DataError
from hdoc.pretraining.data_module import Batch, PretrainingData
from hdoc.pretraining.network import PretrainingNetwork, bert_config
from hdoc.pretraining.next_sentence import NO_PAIR
from hdoc.pretraining.optimisation import build_optimizer, build_schedule
from hdoc.pretraining.running_means import RunningMeans
from hdoc.pretraining.shards import EMBEDDINGS

log = logging.getLogger(__name__)


class PretrainingLearner(LightningModule):
    """Trains a BERT to guess masked pieces.

    Args:
        vocab_size: pieces of the vocabulary.
        n_layers: layers of the encoder.
        width: hidden size.
        n_heads: attention heads.
        feed_forward_width: size of the feed-forward layers.
        dropout: share of hidden values and attention weights dropped in training.
        learning_rate: the highest one.
        weight_decay: of matrices; biases and normalisations have none.
        warmup_steps: steps up to the highest learning rate.
        decay_steps: steps at the end of the run over which it falls to zero.
        start_embeddings: start from the skip-gram vectors beside the shards.
        start_encoder: folder of an encoder of these sizes to go on from, for example on a task's own texts.
        next_sentence: predict also whether the second part of a row follows the first; set by the data.
        compiled: compile the network (needs a C++ compiler on a CPU; a third faster there).
        log_every: steps between two logged means.
        seed: of the weights, and of dropout at each step.
    """

    def __init__(
        self,
        vocab_size: int = 12_000,
        n_layers: int = 4,
        width: int = 256,
        n_heads: int = 4,
        feed_forward_width: int = 1024,
        dropout: float = 0.0,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        warmup_steps: int = 500,
        decay_steps: int = 3_000,
        start_embeddings: bool = False,
        start_encoder: str | None = None,
        next_sentence: bool = False,
        compiled: bool = False,
        log_every: int = 50,
        seed: int = 0,
    ) -> None:
        super().__init__()
        torch.manual_seed(seed)
        config = bert_config(vocab_size, n_layers, width, n_heads, feed_forward_width, dropout)
        self.network = PretrainingNetwork(config, next_sentence)
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup_steps = warmup_steps
        self.decay_steps = decay_steps
        self.start_embeddings = start_embeddings
        self.start_encoder = start_encoder
        self.log_every = log_every
        self.seed = seed
        # The parameters keep their names, so compiled and plain runs read each other's checkpoints.
        self._scores = torch.compile(self.network.forward) if compiled else self.network.forward
        self._means = RunningMeans()
        self._since = time.perf_counter()
        self._n_tokens = 0

    def setup(self, stage: str) -> None:
        """Check the data against the network, and take the first weights from the data.

        This is before a checkpoint is read, so a resumed run has its own weights again.

        Raises:
            DataError: vocabularies differ, or there are no vectors to start from.
        """
        if stage != "fit":
            return
        data = self._data
        expected, found = self.network.config.vocab_size, data.manifest["vocab_size"]
        if expected != found:
            raise DataError(
                f"expected shards of a vocabulary of {expected} pieces (model.vocab_size), "
                f"{data.folder} has {found}; set model.vocab_size to {found}"
            )
        self.network.set_output_bias(data.piece_counts())
        if self.start_embeddings:
            path = data.folder / EMBEDDINGS
            if not path.is_file():
                raise DataError(
                    f"no {path} to start from; run scripts/pretrain.py embeddings {data.folder}, "
                    "or set model.start_embeddings to false"
                )
            self.network.load_embeddings(path)
        if self.start_encoder:
            self.network.load_encoder(Path(self.start_encoder))

    @property
    def _data(self) -> PretrainingData:
        data: PretrainingData = self.trainer.datamodule  # type: ignore[attr-defined]
        return data

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Return the loss of one batch, in nats."""
        if self.network.config.hidden_dropout_prob:
            # What is dropped depends on the step alone, so that a resumed run drops the same.
            sequence = np.random.SeedSequence([self.seed, batch_index, self.global_rank])
            torch.manual_seed(int(sequence.generate_state(1)[0]))
        self._n_tokens += batch["input_ids"].numel()
        return self._loss(batch)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Log, every `log_every` steps, the means since the last time (those of this process)."""
        accumulating = (batch_idx + 1) % self.trainer.accumulate_grad_batches
        if accumulating or self.trainer.global_step % self.log_every:
            return
        seconds = time.perf_counter() - self._since
        metrics = self._means.take(self._data.source_names)
        metrics["tokens_per_second"] = self._n_tokens * self.trainer.world_size / seconds
        metrics["learning_rate"] = self.trainer.optimizers[0].param_groups[0]["lr"]
        self._write(metrics)
        self._n_tokens = 0
        self._since = time.perf_counter()

    def on_validation_start(self) -> None:
        """Put the training means aside while held-out text is read."""
        self._paused = (self._means, time.perf_counter())
        self._means = RunningMeans()

    def validation_step(self, batch: Batch, batch_index: int) -> None:  # noqa: ARG002
        """Gather the loss of held-out rows."""
        self._loss(batch)

    def on_validation_epoch_end(self) -> None:
        """Log the means over held-out text; its time does not count as training time."""
        self._write(self._means.take(self._data.source_names, "held_out/"))
        self._means, paused_at = self._paused
        self._since += time.perf_counter() - paused_at

    def _loss(self, batch: Batch) -> Tensor:
        """Return the mean loss of a batch, and gather what is to be logged."""
        scores, pair_scores = self._scores(batch["input_ids"], batch["token_type_ids"], batch["positions"])
        losses = F.cross_entropy(scores.float(), batch["labels"], reduction="none")
        hits = (scores.detach().argmax(dim=-1) == batch["labels"]).float()
        self._means.add(losses.detach(), hits, batch["sources"], len(self._data.source_names))
        if pair_scores is None:
            return losses.mean()
        return losses.mean() + self._pair_loss(pair_scores.float(), batch["pairs"])

    def dense_loss(self, input_ids: Tensor, positions: Tensor) -> Tensor:
        """Return the loss of guessing what is there: the cost of a pass, with nothing gathered.

        Args:
            input_ids: shape (rows, pieces).
            positions: chosen positions in the flattened rows, shape (chosen).
        """
        scores, _ = self._scores(input_ids, torch.zeros_like(input_ids), positions)
        return F.cross_entropy(scores.float(), input_ids.flatten()[positions])

    def _pair_loss(self, pair_scores: Tensor, pairs: Tensor) -> Tensor:
        """Return the mean loss over the rows that are pairs, 0 if none is."""
        n_pairs = (pairs != NO_PAIR).sum()
        n_hits = (pair_scores.detach().argmax(dim=-1) == pairs).sum()
        self._means.add_pairs(n_hits, n_pairs)
        total = F.cross_entropy(pair_scores, pairs, ignore_index=NO_PAIR, reduction="sum")
        return total / n_pairs.clamp(min=1)

    def _write(self, metrics: dict[str, float]) -> None:
        """Give metrics to the loggers, and as one line to the log, for `tail -f`."""
        step = self.trainer.global_step
        for logger in self.trainer.loggers:
            logger.log_metrics(metrics, step)
        if self.trainer.is_global_zero:
            log.info("step %d  %s", step, "  ".join(f"{name} {value:.4g}" for name, value in metrics.items()))

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,  # noqa: ARG002
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,  # noqa: ARG002
    ) -> None:
        """Clip by the norm of all gradients; Lightning itself refuses to beside a fused optimiser."""
        if gradient_clip_val:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), gradient_clip_val)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW and the schedule by steps."""
        optimizer = build_optimizer(self.network, self.learning_rate, self.weight_decay)
        schedule = build_schedule(optimizer, self.warmup_steps, self.decay_steps, self.trainer.max_steps)
        config: LRSchedulerConfigType = {"scheduler": schedule, "interval": "step"}
        return {"optimizer": optimizer, "lr_scheduler": config}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the architecture in the checkpoint, so that it can be exported without a configuration."""
        checkpoint["encoder_config"] = self.network.config.to_dict()
