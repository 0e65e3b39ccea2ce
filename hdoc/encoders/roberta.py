"""RoBERTa's encoder (Liu et al. 2019), and XLM-R's, which is the same network: BERT with shifted positions.

The first token of a sequence has the position behind the padding id; what comes before is never used. All
else is BERT, so windows are packed, and weights have the names of `transformers.RobertaModel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from hdoc.encoders.bert import Bert, BertShape
from hdoc.encoders.config import first_position
from hdoc.encoders.packing import Attend


@dataclass(frozen=True, slots=True)
class RobertaShape(BertShape):
    """The values of a transformers `config.json` that decide what RoBERTa computes.

    Attributes:
        first_position: that of the first token of a sequence.
    """

    first_position: int = 2

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> RobertaShape | None:
        """Return the shape, or None if the config is not of a RoBERTa that this module can be."""
        if config.get("model_type") not in ("roberta", "xlm-roberta") or not cls.is_plain(config):
            return None
        return cls(**cls.values(config), first_position=first_position(config))


class Roberta(Bert):
    """RoBERTa without its pooler.

    Args:
        shape: sizes and dropout.
    """

    def __init__(self, shape: RobertaShape) -> None:
        super().__init__(shape)
        self.first_position = shape.first_position

    def _encode(self, ids: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        return super()._encode(ids, positions + self.first_position, attend)
