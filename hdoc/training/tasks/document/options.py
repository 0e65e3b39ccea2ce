"""The options of a training on documents, in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hdoc.tasks.document.shape import Context
from hdoc.training.tasks.losses import ClassWeights


@dataclass(frozen=True)
class HeadOptions:
    """What stands on the encoder.

    Args:
        value_width: width of values and sentence vectors.
        kernel_widths: pieces that each convolution of the word attention sees.
        channels: features of each convolution.
        context: how sentence attention sees neighbouring sentences.
        dropout: share of hidden states, features and pooled values dropped in training.
    """

    value_width: int = 256
    kernel_widths: Sequence[int] = (1, 3, 5)
    channels: int = 128
    context: Context = "convolution"
    dropout: float = 0.1


@dataclass(frozen=True)
class DeletionOptions:
    """What of a document is left out in training; dev, test and users' documents are always read whole.

    A document looks new in each epoch, and the network learns to do with less, which deletions in an
    explanation ask for.

    Args:
        sentences: share of a document's sentences left out.
        pieces: share of a sentence's word pieces left out.
        sentence_limit: most sentences of a document that a step of training draws, so that a long document
            costs no more than others; None for all.
    """

    sentences: float = 0.1
    pieces: float = 0.0
    sentence_limit: int | None = None


@dataclass(frozen=True)
class LossOptions:
    """What is minimised.

    Args:
        class_weights: "balanced" weighs classes by 1 / frequency, "sqrt" by its root.
        label_smoothing: share of the target spread over all classes.
    """

    class_weights: ClassWeights = "none"
    label_smoothing: float = 0.0
