"""`Blueprint`: all that is needed, beside the weights, to build a trained network and its tokenizer.

It travels in every checkpoint as plain values, so that no checkpoint needs the data or the encoder that
it was trained from, and none needs pickle to be read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Generic, Self, TypeVar

from torch import nn

from hdoc.encoders.build import build_encoder
from hdoc.errors import ModelError
from hdoc.tokens.tokenizer import PieceTokenizer

Network_co = TypeVar("Network_co", bound=nn.Module, covariant=True)

# What may differ between a checkpoint and the training that goes on from it: where the encoder came from,
# which is another folder once a checkout has moved, and what no weight depends on.
_NO_MATTER = ("dropout", "encoder_config._name_or_path")


@dataclass(frozen=True, kw_only=True)
class Blueprint(ABC, Generic[Network_co]):
    """How to build the network of a task.

    Attributes:
        labels: class names in the order of the logits; none where a task has no classes.
        encoder_config: the encoder's transformers config.
        tokenizer: the tokenizer's JSON.
        window: longest sequence the encoder is given, special tokens included.
        pad_id: the id that fills short rows up.
        dropout: share of what the encoder gives dropped in training.
    """

    labels: tuple[str, ...]
    encoder_config: dict[str, Any]
    tokenizer: str
    window: int
    pad_id: int
    dropout: float

    @classmethod
    @abstractmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        """Return the blueprint of what `to_plain` gave."""

    @abstractmethod
    def build_around(self, encoder: nn.Module) -> Network_co:
        """Build the network around an encoder.

        Raises:
            ModelError: the encoder does not fit.
        """

    def to_plain(self) -> dict[str, Any]:
        """Return plain lists, dicts, strings and numbers."""
        return {**asdict(self), "labels": list(self.labels)}

    def build(self, encoder: nn.Module | None = None) -> Network_co:
        """Build the network, around an encoder with weights or one with random weights.

        Raises:
            ModelError: the encoder does not fit.
        """
        return self.build_around(build_encoder(self.encoder_config) if encoder is None else encoder)

    def build_tokenizer(self) -> PieceTokenizer:
        """Build the tokenizer."""
        from tokenizers import Tokenizer

        return PieceTokenizer(Tokenizer.from_str(self.tokenizer), self.window, self.pad_id)

    def check_same(self, other: Blueprint[Any]) -> None:
        """Check that a checkpoint's network is this one.

        Raises:
            ModelError: they differ; names the values.
        """
        mine, theirs = _flat(self.to_plain()), _flat(other.to_plain())
        differences = [
            f"{name} {_brief(mine.get(name))} here, {_brief(theirs.get(name))} in the checkpoint"
            for name in mine.keys() | theirs.keys()
            if mine.get(name) != theirs.get(name) and name not in _NO_MATTER
        ]
        if differences:
            raise ModelError(
                "expected a checkpoint of the network that data and settings ask for; "
                + "; ".join(sorted(differences))
            )


def parts_of(tokenizer: PieceTokenizer) -> dict[str, Any]:
    """Return what a blueprint holds of a tokenizer."""
    return {
        "tokenizer": tokenizer.tokenizer.to_str(),
        "window": tokenizer.window,
        "pad_id": tokenizer.pad_id,
    }


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    nested = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    inner = {f"{name}.{key}": value[key] for name, value in nested.items() for key in value}
    return {**{name: value for name, value in values.items() if name not in nested}, **inner}


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:200] + "…"
