"""`DocumentBlueprint`: how to build a network over documents, or one of those that hdoc is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import nn

from hdoc.baselines.registry import HDOC, AnyNetwork, NetworkParts, build_network
from hdoc.tasks.document.network import NetworkShape
from hdoc.text.sentences import SentenceRule
from hdoc.training.loop.blueprint import Blueprint


@dataclass(frozen=True, kw_only=True)
class DocumentBlueprint(Blueprint[AnyNetwork]):
    """How to build a network.

    Attributes:
        multi_label: whether a document may have several classes.
        shape: sizes of what stands on the encoder.
        architecture: hdoc, or what it is compared with.
        options: what only this architecture has.
        sentence_rule: how texts become sentences.
    """

    multi_label: bool
    shape: NetworkShape
    architecture: str = HDOC
    options: dict[str, Any] = field(default_factory=dict)
    sentence_rule: SentenceRule = "kss"

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> DocumentBlueprint:
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

    def build_around(self, encoder: nn.Module) -> AnyNetwork:
        """Build the network around an encoder.

        Raises:
            ModelError: there is no such architecture, or encoder or options do not fit it.
        """
        parts = NetworkParts(encoder, self.encoder_config, self.build_tokenizer(), self.shape, self.dropout)
        return build_network(self.architecture, parts, self.options)
