"""The model that is measured: the shipped one, or one of BERT-base's size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch

from hdoc.encoders.bert import Bert
from hdoc.encoders.precision import Precision
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tasks.document.engine_torch import TorchEngine
from hdoc.tasks.document.network import DocumentNetwork

Size = Literal["small", "base"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is measured, and where.

    Attributes:
        size: "small" is the model that comes with hdoc, "base" one of BERT-base's size with random weights.
        device: "cpu" or "cuda"; None takes a GPU if there is one.
        precision: of matrix products.
    """

    size: Size = "small"
    device: str | None = None
    precision: Precision = "float32"


def loaded(shape: Shape) -> DocumentClassifier:
    """Return the classifier of a shape, without its lexical part: the network is what is measured."""
    classifier = DocumentClassifier.load(device=shape.device, precision=shape.precision)
    classifier.engine.lexical = None
    encoder = classifier.network.encoder
    if shape.size == "small" or not isinstance(encoder, Bert):
        return classifier
    wide = replace(
        encoder.shape,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
    )
    torch.manual_seed(0)
    network = DocumentNetwork(Bert(wide), wide.hidden_size, classifier.network.shape).eval()
    classifier.engine = TorchEngine(network, classifier.tokenizer, shape.device, precision=shape.precision)
    return classifier


def wait(classifier: DocumentClassifier) -> None:
    """Wait for a GPU to be done."""
    if classifier.device.type == "cuda":
        torch.cuda.synchronize()
