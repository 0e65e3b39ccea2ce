"""`PairBlueprint`: all that is needed, beside the weights, to build a trained network and its tokenizer.

It travels in every checkpoint as plain values, so that none needs the data or the encoder that it was trained
from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from hdoc.encoders.build import build_encoder
from hdoc.encoders.config import encoder_width
from hdoc.errors import ModelError
from hdoc.tasks.pair.network import PairNetwork, PairShape
from hdoc.tokens.tokenizer import PieceTokenizer


@dataclass(frozen=True, slots=True)
class PairBlueprint:
    """How to build a network.

    Attributes:
        labels: class names in the order of the logits; none where labels are scores.
        shape: what stands on the encoder.
        encoder_config: the encoder's transformers config.
        tokenizer: the tokenizer's JSON.
        window: longest sequence the encoder is given, special tokens included.
        pad_id: the id that fills short rows up.
        dropout: share of the features dropped in training.
    """

    labels: tuple[str, ...]
    shape: PairShape
    encoder_config: dict[str, Any]
    tokenizer: str
    window: int
    pad_id: int
    dropout: float

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> PairBlueprint:
        """Return the blueprint of what `to_plain` gave."""
        made = {"labels": tuple(values["labels"]), "shape": PairShape(**values["shape"])}
        return cls(**{**values, **made})

    def to_plain(self) -> dict[str, Any]:
        """Return plain lists, dicts, strings and numbers."""
        return {**asdict(self), "labels": list(self.labels)}

    def check_same(self, other: PairBlueprint) -> None:
        """Check that a checkpoint's network is this one.

        Raises:
            ModelError: they differ; names the values.
        """
        mine, theirs = self._compared(), other._compared()
        differences = sorted(
            name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name)
        )
        if differences:
            raise ModelError(
                "expected a checkpoint of the network that data and settings ask for, got one with another "
                f"{', '.join(differences)}; resume with the same data and settings"
            )

    def _compared(self) -> dict[str, Any]:
        """Return what must be the same to go on: not where the encoder came from, nor dropout."""
        values = self.to_plain()
        encoder = {f"encoder {name}": value for name, value in values.pop("encoder_config").items()}
        encoder.pop("encoder _name_or_path", None)
        del values["dropout"]
        return {**values, **encoder}

    def build(self, encoder: nn.Module | None = None) -> PairNetwork:
        """Build the network, around an encoder with weights or one with random weights."""
        encoder = build_encoder(self.encoder_config) if encoder is None else encoder
        return PairNetwork(encoder, encoder_width(self.encoder_config), self.shape, self.dropout)

    def build_tokenizer(self) -> PieceTokenizer:
        """Build the tokenizer."""
        from tokenizers import Tokenizer

        return PieceTokenizer(Tokenizer.from_str(self.tokenizer), self.window, self.pad_id)
