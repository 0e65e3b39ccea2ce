"""What a model folder holds, once it is read, and how it is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hdoc.encoders.precision import Runtime
from hdoc.explanation import ModelIdentity
from hdoc.tasks.document.lexical import LexicalScores
from hdoc.tasks.temperature import Temperature
from hdoc.text.sentences import SentenceRule
from hdoc.tokens.tokenizer import PieceTokenizer

if TYPE_CHECKING:
    from hdoc.tasks.document.engine_onnx import OnnxNetwork
    from hdoc.tasks.document.network import DocumentNetwork

FORMAT_VERSION = 5
# As 5, but with weights in 8 bit, which an older hdoc could not read.
EIGHT_BIT_VERSION = 6
# The first knew of no lexical part, no origin, and of one way only to find sentences;
# the second weighed pieces otherwise, the third knew of pieces only, the fourth of pairs of them.
READABLE = (1, 3, 5, 6)
PARTS = ("config.json", "labels.json", "calibration.json", "tokenizer.json", "weights.safetensors")
LEXICAL = "lexical.safetensors"
LEXICAL_TENSORS = ("idf", "weights", "bias", "keys")


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model and all that is needed to use it.

    Attributes:
        network: in evaluation mode, 32 bit.
        tokenizer: with the window it was trained with.
        encoder_config: the encoder's transformers config.
        labels: class names in the order of the scores.
        multi_label: whether a document may have several classes.
        temperature: what logits are divided by before they become probabilities.
        identity: name, version and checksum.
        sentence_rule: how texts became sentences in training.
        lexical: what is added to the network's scores.
        origin: the score of a piece that argues neither for nor against a class, (classes,); None for 0.
        runtime: what the network is for.
    """

    network: DocumentNetwork | OnnxNetwork
    tokenizer: PieceTokenizer
    encoder_config: dict[str, Any]
    labels: tuple[str, ...]
    multi_label: bool
    temperature: Temperature
    identity: ModelIdentity
    sentence_rule: SentenceRule = "kss"
    lexical: LexicalScores | None = None
    origin: NDArray[np.float64] | None = None
    runtime: Runtime = "torch"
