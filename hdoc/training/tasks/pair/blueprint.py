"""`PairBlueprint`: how to build the network of a task of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from hdoc.encoders.config import encoder_width
from hdoc.tasks.pair.network import PairNetwork, PairShape
from hdoc.training.loop.blueprint import Blueprint


@dataclass(frozen=True, kw_only=True)
class PairBlueprint(Blueprint[PairNetwork]):
    """How to build a network.

    Attributes:
        shape: what stands on the encoder.
    """

    shape: PairShape

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> PairBlueprint:
        """Return the blueprint of what `to_plain` gave."""
        made = {"labels": tuple(values["labels"]), "shape": PairShape(**values["shape"])}
        return cls(**{**values, **made})

    def build_around(self, encoder: nn.Module) -> PairNetwork:
        """Build the network around an encoder."""
        return PairNetwork(encoder, encoder_width(self.encoder_config), self.shape, self.dropout)
