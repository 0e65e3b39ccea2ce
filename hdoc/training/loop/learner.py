"""`DocumentLearner`: a `DocumentScorer` with its loss, optimiser and schedule.

What training leaves out at random depends on seed, epoch, batch and rank alone, so that a run that was
killed and resumed ends with the weights of one that was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from pytorch_lightning.profilers import PassThroughProfiler
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.optim import Optimizer

from hdoc.baselines.registry import HDOC
from hdoc.encoders.config import encoder_window
from hdoc.errors import ModelError
from hdoc.tasks.document.attention import Context
from hdoc.tasks.document.network import NetworkShape
from hdoc.training.loop.blueprint import Blueprint
from hdoc.training.loop.optimisation import Schedule, build_optimizer, build_schedule, count_steps
from hdoc.training.loop.scorer import DocumentScorer
from hdoc.training.loop.throughput import StepMeter, learning_rates
from hdoc.training.tasks.document.dropout import drop_pieces, drop_windows
from hdoc.training.tasks.losses import ClassWeights, class_weights, document_losses

if TYPE_CHECKING:
    from hdoc.training.data.module import TrainingBatch


class DocumentLearner(DocumentScorer):
    """Trains a `DocumentNetwork`; labels, class counts and tokenizer come from the data module.

    Args:
        encoder: "small" (the one that comes with hdoc), a transformers folder, or a hub name.
        window: longest sequence the encoder is given, special tokens included.
        multi_label: whether a document may have several classes.
        value_width: width of values and sentence vectors.
        kernel_widths: pieces that each convolution of the word attention sees.
        channels: features of each convolution.
        context: how sentence attention sees neighbouring sentences.
        dropout: share of hidden states, features and pooled values dropped in training.
        sentence_dropout: share of a document's sentences left out in training; a document looks new in
            each epoch, and the network learns to do with less, which deletions in an explanation ask for.
        sentence_limit: most sentences of a document that a step of training draws, so that a long document
            costs no more than others; None for all. Dev, test and users' documents are always read whole.
        piece_dropout: share of a sentence's word pieces left out in training, for the same reasons.
        freeze_encoder: train only what stands on the encoder.
        encoder_rate: highest learning rate of the encoder's top layer.
        head_rate: highest learning rate of all that stands on the encoder.
        layer_decay: each layer of the encoder learns at this share of the rate of the one above it.
        weight_decay: of matrices; biases and normalisations have none.
        warmup_share: share of all steps over which learning rates rise.
        schedule: how learning rates fall to zero over the rest.
        label_smoothing: share of the target spread over all classes.
        class_weights: "balanced" weighs classes by 1 / frequency, "sqrt" by its root.
        lexical: whether scores of words are added to the network's after training, if they
            help on dev (`hdoc.training.tasks.document.lexical`).
        architecture: "hdoc", or one of those it is compared with (`hdoc.baselines.registry`).
        options: what only this architecture has, as a mapping; hdoc has none.
    """

    def __init__(
        self,
        encoder: str = "small",
        window: int = 128,
        multi_label: bool = False,
        value_width: int = 256,
        kernel_widths: Sequence[int] = (1, 3, 5),
        channels: int = 128,
        context: Context = "convolution",
        dropout: float = 0.1,
        sentence_dropout: float = 0.1,
        sentence_limit: int | None = None,
        piece_dropout: float = 0.0,
        freeze_encoder: bool = False,
        encoder_rate: float = 1e-4,
        head_rate: float = 1e-3,
        layer_decay: float = 0.9,
        weight_decay: float = 0.01,
        warmup_share: float = 0.1,
        schedule: Schedule = "linear",
        label_smoothing: float = 0.0,
        class_weights: ClassWeights = "none",
        lexical: bool = True,
        architecture: str = HDOC,
        options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        kernel_widths = list(kernel_widths)
        self.save_hyperparameters(logger=False)
        self.meter = StepMeter()
        self.register_buffer("class_weights", None, persistent=False)
        self._n_documents = 0  # since the last optimiser step

    # Building: from the data's labels in a new run, from the checkpoint otherwise.

    def configure_model(self) -> None:
        """Build the network for the data's labels, unless there is one or a checkpoint will bring it.

        Raises:
            ModelError: the encoder has fewer positions than the window asks for.
        """
        if self.blueprint is not None or self._trainer is None or self.trainer.state.fn != TrainerFn.FITTING:
            return
        from hdoc.encoders.pretrained import load_encoder

        settings = self.hparams
        encoder, config = load_encoder(settings["encoder"])
        if settings["window"] > encoder_window(config):
            raise ModelError(
                f"expected model.window of at most {encoder_window(config)}, the positions of the encoder "
                f"{settings['encoder']}; got {settings['window']}"
            )
        shape = NetworkShape(
            len(self._data.labels),
            settings["value_width"],
            tuple(settings["kernel_widths"]),
            settings["channels"],
            settings["context"],
        )
        self._build(
            Blueprint.of(
                self._data.labels,
                settings["multi_label"],
                config,
                self._data.tokenizer,
                shape,
                settings["dropout"],
                settings["architecture"],
                settings["options"],
                self._data.sentence_rule,
            ),
            encoder,
        )

    def _build(self, blueprint: Blueprint, encoder: torch.nn.Module | None = None) -> None:
        super()._build(blueprint, encoder)
        if self.hparams["freeze_encoder"]:
            self.network.encoder.requires_grad_(False).eval()

    # Training

    def on_fit_start(self) -> None:
        """Weigh the classes; while it is trained, the network is judged alone."""
        self.lexical = None
        weights = class_weights(self.hparams["class_weights"], self._data.class_counts)
        self.class_weights = None if weights is None else weights.to(self.device)
        # Unless a profiler was asked for, Lightning's own place for one counts the waiting.
        if type(self.trainer.profiler) is PassThroughProfiler:  # type: ignore[attr-defined]
            self.trainer.profiler = self.meter.waits  # type: ignore[attr-defined]

    def on_train_start(self) -> None:
        """Start the clock."""
        self.meter.restart()

    def training_step(self, batch: TrainingBatch, batch_index: int) -> Tensor:
        """Return the sum of the documents' losses; `on_before_optimizer_step` makes means of sums."""
        # A tuple of numbers has the same hash in every process.
        torch.manual_seed(hash((self.seed, self.current_epoch, batch_index, self.global_rank)) % 2**63)
        self.meter.count(batch.documents)
        settings = self.hparams
        documents = drop_windows(batch.documents, settings["sentence_dropout"], settings["sentence_limit"])
        documents = drop_pieces(documents, settings["piece_dropout"])
        losses = document_losses(
            self.network(documents).logits,
            batch.targets,
            self.class_weights,
            settings["label_smoothing"],
        )
        self._n_documents += len(losses)
        self.meter.add_losses(losses.detach())
        return losses.sum()

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Make the gradient that of the mean loss over all documents of the step.

        Batches differ in their number of documents. Lightning averages over accumulated batches and DDP
        over ranks, so a mean over each batch would give documents in small batches more weight.
        """
        n_documents = torch.tensor(float(self._n_documents), device=self.device)
        total = float(self.trainer.strategy.reduce(n_documents, reduce_op="sum"))
        n_parts = self.trainer.accumulate_grad_batches * self.trainer.world_size
        gradients = [
            p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None
        ]
        torch._foreach_mul_(gradients, n_parts / total)
        self.meter.gradient_norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        self._n_documents = 0

    def on_train_batch_end(self, *_: Any) -> None:
        """Log, every `log_every_n_steps`, what happened since the last time."""
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        if self._n_documents == 0 and self.trainer.global_step % every == 0:
            values = self.meter.read(self.trainer.world_size)
            self.log("train/loss", values.pop("loss"), prog_bar=True)
            rates = learning_rates(self.trainer.optimizers[0])
            self.log_dict({f"train/{name}": value for name, value in {**values, **rates}.items()})

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW and its schedule over the whole run."""
        settings = self.hparams
        optimizer = build_optimizer(
            self.network,
            settings["encoder_rate"],
            settings["head_rate"],
            settings["layer_decay"],
            settings["weight_decay"],
        )
        n_steps = count_steps(self.trainer, len(self._data.train_dataloader()))
        schedule = build_schedule(optimizer, settings["schedule"], n_steps, settings["warmup_share"])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_validation_start(self) -> None:
        """Stop the clock of the training."""
        self.meter.pause()

    def on_validation_end(self) -> None:
        """Let the clock of the training run on."""
        self.meter.proceed()
