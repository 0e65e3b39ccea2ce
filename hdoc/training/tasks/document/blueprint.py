"""`Blueprint`: all that is needed, beside the weights, to build a trained network and its tokenizer.

It travels in every checkpoint as plain values, so that no checkpoint needs the data or the encoder that
it was trained from, and none needs pickle to be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import nn

from hdoc.baselines.registry import HDOC, AnyNetwork, NetworkParts, build_network
from hdoc.encoders.build import build_encoder
from hdoc.errors import ModelError
from hdoc.tasks.document.network import NetworkShape
from hdoc.text.sentences import SentenceRule
from hdoc.tokens.tokenizer import PieceTokenizer

# What may differ between a checkpoint and the training that goes on from it: where the encoder came from,
# which is another folder once a checkout has moved, and what no weight depends on.
_NO_MATTER = ("dropout", "encoder_config._name_or_path")


@dataclass(frozen=True, slots=True)
class Blueprint:
    """How to build a network.

    Attributes:
        labels: class names in the order of the scores.
        multi_label: whether a document may have several classes.
        encoder_config: the encoder's transformers config.
        tokenizer: the tokenizer's JSON.
        window: longest sequence the encoder is given, special tokens included.
        pad_id: the id that fills short rows up.
        shape: sizes of what stands on the encoder.
        dropout: share of hidden states, features and pooled values dropped in training.
        architecture: hdoc, or what it is compared with.
        options: what only this architecture has.
        sentence_rule: how texts become sentences.
    """

    labels: tuple[str, ...]
    multi_label: bool
    encoder_config: dict[str, Any]
    tokenizer: str
    window: int
    pad_id: int
    shape: NetworkShape
    dropout: float
    architecture: str = HDOC
    options: dict[str, Any] = field(default_factory=dict)
    sentence_rule: SentenceRule = "kss"

    @classmethod
    def of(
        cls,
        labels: Sequence[str],
        multi_label: bool,
        encoder_config: Mapping[str, Any],
        tokenizer: PieceTokenizer,
        shape: NetworkShape,
        dropout: float,
        architecture: str = HDOC,
        options: Mapping[str, Any] | None = None,
        sentence_rule: SentenceRule = "kss",
    ) -> Blueprint:
        """Return the blueprint of a network that is about to be trained."""
        return cls(
            tuple(labels),
            multi_label,
            dict(encoder_config),
            tokenizer.tokenizer.to_str(),
            tokenizer.window,
            tokenizer.pad_id,
            shape,
            dropout,
            architecture,
            dict(options or {}),
            sentence_rule,
        )

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Blueprint:
        """Return the blueprint of what `to_plain` gave."""
        shape = dict(values["shape"], kernel_widths=tuple(values["shape"]["kernel_widths"]))
        # Checkpoints call the rule that finds sentences "split", after the option --data.split.
        others = {name: value for name, value in values.items() if name not in ("labels", "shape", "split")}
        return cls(
            labels=tuple(values["labels"]),
            shape=NetworkShape(**shape),
            sentence_rule=values.get("split", "kss"),
            **others,
        )

    def to_plain(self) -> dict[str, Any]:
        """Return plain lists, dicts, strings and numbers."""
        values = asdict(self)
        values["split"] = values.pop("sentence_rule")
        return {**values, "labels": list(self.labels)}

    def check_same(self, other: Blueprint) -> None:
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

    def build(self, encoder: nn.Module | None = None) -> AnyNetwork:
        """Build the network, around an encoder with weights or one with random weights.

        Raises:
            ModelError: there is no such architecture, or encoder or options do not fit it.
        """
        encoder = build_encoder(self.encoder_config) if encoder is None else encoder
        parts = NetworkParts(encoder, self.encoder_config, self.build_tokenizer(), self.shape, self.dropout)
        return build_network(self.architecture, parts, self.options)

    def build_tokenizer(self) -> PieceTokenizer:
        """Build the tokenizer."""
        from tokenizers import Tokenizer

        return PieceTokenizer(Tokenizer.from_str(self.tokenizer), self.window, self.pad_id)


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    nested = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    inner = {f"{name}.{key}": value[key] for name, value in nested.items() for key in value}
    return {**{name: value for name, value in values.items() if name not in nested}, **inner}


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:200] + "…"
