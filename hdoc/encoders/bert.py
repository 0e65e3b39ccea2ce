"""BERT's encoder in plain torch (Devlin et al. 2019), a drop-in for `transformers.BertModel`.

Importing the models of transformers takes longer than explaining an article; this module loads at
once. Parameters have the same names and shapes as in transformers, so weights go either way, and the
hidden states are the same. `roberta` stands on it; any other encoder goes through transformers (see `build`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hdoc.encoders.packing import Attend, PackedWindows, attention

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
}


@dataclass(frozen=True, slots=True)
class BertShape:
    """The values of a transformers `config.json` that decide what BERT computes."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> BertShape | None:
        """Return the shape, or None if the config is not of a BERT that this module can be."""
        if config.get("model_type") != "bert" or not cls.is_plain(config):
            return None
        return cls(**cls.values(config))

    @staticmethod
    def is_plain(config: Mapping[str, Any]) -> bool:
        """Return whether a config of BERT's kind asks for nothing that this module does not compute."""
        return (
            config.get("hidden_act", "gelu") in _ACTIVATIONS
            and config.get("position_embedding_type", "absolute") == "absolute"
            and not config.get("is_decoder", False)
        )

    @staticmethod
    def values(config: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of a config a shape holds, by name."""
        names = {field.name for field in fields(BertShape)}
        return {name: value for name, value in config.items() if name in names}


class Bert(nn.Module):
    """BERT without its pooler.

    Args:
        shape: sizes and dropout.
    """

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.shape = shape
        self.embeddings = _Embeddings(shape)
        layers = nn.ModuleList(_Layer(shape) for _ in range(shape.num_hidden_layers))
        self.encoder = nn.ModuleDict({"layer": layers})
        # On the meta device there is nothing to initialise, and trying to would import half of torch.
        if not self.embeddings.word_embeddings.weight.is_meta:
            self.apply(_initialize)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode sequences.

        Args:
            ids: token ids, (sequences, length).
            mask: True where there is a token, False where there is padding, (sequences, length).

        Returns:
            Hidden states, (sequences, length, width).
        """
        # Without padding attention needs no mask, and torch may then take its fastest way.
        keep = None if bool(mask.all()) else mask

        def attend(query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
            return attention(query, key, value, keep, dropout)

        positions = torch.arange(ids.shape[1], device=ids.device)
        return self._encode(ids, positions, attend)

    def packed(self, windows: PackedWindows) -> Tensor:
        """Encode windows that lie end to end; returns hidden states, (tokens, width)."""
        return self._encode(windows.ids, windows.positions, windows.attend)

    def _encode(self, ids: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        hidden: Tensor = self.embeddings(ids, positions)
        for layer in self.encoder["layer"].children():
            hidden = layer(hidden, attend)
        return hidden


def _embedding(n_items: int, width: int) -> nn.Embedding:
    table: nn.Embedding = nn.Embedding.from_pretrained(torch.empty(n_items, width), freeze=False)  # type: ignore[no-untyped-call]
    return table


def _initialize(module: nn.Module) -> None:
    """Draw weights as the paper does: normal with deviation 0.02; biases 0."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


class _Embeddings(nn.Module):
    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        width = shape.hidden_size
        self.word_embeddings = _embedding(shape.vocab_size, width)
        self.position_embeddings = _embedding(shape.max_position_embeddings, width)
        self.token_type_embeddings = _embedding(shape.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, eps=shape.layer_norm_eps)
        self.dropout = nn.Dropout(shape.hidden_dropout_prob)

    def forward(self, ids: Tensor, positions: Tensor) -> Tensor:
        hidden = self.word_embeddings(ids) + self.position_embeddings(positions)
        if self.token_type_embeddings.num_embeddings:  # every token is of the first type
            hidden = hidden + self.token_type_embeddings.weight[0]
        return self.dropout(self.LayerNorm(hidden))  # type: ignore[no-any-return]


class _Layer(nn.Module):
    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.attention = nn.ModuleDict(
            {"self": _SelfAttention(shape), "output": _Residual(shape.hidden_size, shape)}
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(shape.hidden_size, shape.intermediate_size)})
        self.output = _Residual(shape.intermediate_size, shape)
        self.activation = _ACTIVATIONS[shape.hidden_act]

    def forward(self, hidden: Tensor, attend: Attend) -> Tensor:
        attended = self.attention["output"](self.attention["self"](hidden, attend), hidden)
        widened = self.activation(self.intermediate["dense"](attended))
        return self.output(widened, attended)  # type: ignore[no-any-return]


class _SelfAttention(nn.Module):
    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.n_heads = shape.num_attention_heads
        self.dropout = shape.attention_probs_dropout_prob
        self.query = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.key = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.value = nn.Linear(shape.hidden_size, shape.hidden_size)

    def forward(self, hidden: Tensor, attend: Attend) -> Tensor:
        layers = (self.query, self.key, self.value)
        # One product for all three: under autocast it casts the hidden states once, not three times.
        weight, bias = torch.cat([x.weight for x in layers]), torch.cat([x.bias for x in layers])
        projected = F.linear(hidden, weight, bias)
        query, key, value = projected.view(*hidden.shape[:-1], 3, self.n_heads, -1).unbind(-3)
        return attend(query, key, value, self.dropout if self.training else 0.0).flatten(-2)


class _Residual(nn.Module):
    def __init__(self, input_width: int, shape: BertShape) -> None:
        super().__init__()
        self.dense = nn.Linear(input_width, shape.hidden_size)
        self.LayerNorm = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)
        self.dropout = nn.Dropout(shape.hidden_dropout_prob)

    def forward(self, hidden: Tensor, residual: Tensor) -> Tensor:
        return self.LayerNorm(self.dropout(self.dense(hidden)) + residual)  # type: ignore[no-any-return]
