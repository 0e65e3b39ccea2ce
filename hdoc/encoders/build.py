"""An encoder from its transformers config: hdoc's own BERT or RoBERTa, or any other through transformers.

Every encoder here is a module `(ids, mask) -> hidden states` and knows nothing of documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from hdoc.encoders.bert import Bert, BertShape
from hdoc.encoders.roberta import Roberta, RobertaShape
from hdoc.errors import ModelError


class TransformersEncoder(nn.Module):
    """Any encoder of transformers behind the same call as `Bert`.

    Args:
        model: a model whose output has a `last_hidden_state`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode ids (sequences, length) under a mask; returns (sequences, length, width)."""
        states: Tensor = self.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return states


def build_own_encoder(config: Mapping[str, Any]) -> Bert | None:
    """Build an encoder that hdoc computes itself, with random weights; None if the config is of another."""
    bert, roberta = BertShape.from_config(config), RobertaShape.from_config(config)
    if roberta is not None:
        return Roberta(roberta)
    return None if bert is None else Bert(bert)


def build_encoder(config: Mapping[str, Any]) -> nn.Module:
    """Build an encoder with random weights.

    Args:
        config: what stands in a transformers `config.json`.

    Raises:
        ModelError: transformers does not know this kind of model; code from elsewhere is never run.
    """
    own = build_own_encoder(config)
    if own is not None:
        return own
    from transformers import AutoConfig, AutoModel

    kind = str(config.get("model_type"))
    values = {name: value for name, value in _plain(config).items() if name != "model_type"}
    try:
        model: nn.Module = AutoModel.from_config(AutoConfig.for_model(kind, **values))  # type: ignore[no-untyped-call]
    except (ValueError, KeyError, TypeError) as error:
        reason = str(error)[:200]  # it may list all that there are
        raise ModelError(f"expected an encoder that transformers knows, got {kind!r}: {reason}") from error
    return TransformersEncoder(model)


def _plain(value: Any) -> Any:
    """Return a config without what names code to be fetched: classes, and kernels in place of attention."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items() if not _names_code(name)}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _names_code(name: object) -> bool:
    return name in ("auto_map", "quantization_config", "trust_remote_code") or "implementation" in str(name)
