"""The network that is pre-trained: transformers' BERT with a head that is computed only where it is needed.

The vocabulary projection is dearer than the whole encoder of a small model, so it is applied to the chosen
15 % of the positions alone. Dropout is 0 for small models: on a CPU it triples the cost of a forward pass,
and a small model on little data underfits.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModelForMaskedLM, AutoModelForPreTraining, BertConfig

from hdoc.encoders.eight_bit import eight_bit_tensors, holds_eight_bit
from hdoc.errors import DataError
from hdoc.pretraining.tokenizer import LONGEST_SEQUENCE, SPECIAL_TOKENS


def bert_config(
    vocab_size: int,
    n_layers: int,
    width: int,
    n_heads: int,
    feed_forward_width: int,
    dropout: float = 0.0,
) -> BertConfig:
    """Return the configuration of an ordinary BERT with hdoc's special pieces."""
    return BertConfig(
        vocab_size=vocab_size,
        num_hidden_layers=n_layers,
        hidden_size=width,
        num_attention_heads=n_heads,
        intermediate_size=feed_forward_width,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        max_position_embeddings=LONGEST_SEQUENCE,
        pad_token_id=SPECIAL_TOKENS.index("[PAD]"),
    )


class PretrainingNetwork(nn.Module):
    """BERT with its masked-language-model head and, on demand, its pooler and next-sentence head.

    Args:
        config: sizes of the network.
        next_sentence: whether next sentences are predicted; without, nothing is left untrained.
    """

    def __init__(self, config: BertConfig, next_sentence: bool = False) -> None:
        super().__init__()
        self.config = config
        kind = AutoModelForPreTraining if next_sentence else AutoModelForMaskedLM
        # On a CPU going back through torch's fused attention takes several times as long as plain products.
        attention = "sdpa" if torch.cuda.is_available() else "eager"
        model = kind.from_config(config, attn_implementation=attention)  # type: ignore[no-untyped-call]
        self.bert = model.bert
        self.predictions: nn.Module = model.cls.predictions
        self.seq_relationship: nn.Module | None = getattr(model.cls, "seq_relationship", None)
        # A model arrives in eval mode from some of transformers' ways to make one.
        self.train()

    def forward(
        self, input_ids: Tensor, token_type_ids: Tensor, positions: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Score the pieces at the chosen positions, and whether the second part follows the first.

        Args:
            input_ids: shape (rows, pieces); rows are full, there is no padding.
            token_type_ids: 0 for the first and 1 for the second part, shape (rows, pieces).
            positions: chosen positions in the flattened rows, shape (chosen).

        Returns:
            Piece scores, shape (chosen, vocabulary), and next-sentence scores (follows, does not),
            shape (rows, 2), or None if they are not predicted.
        """
        output = self.bert(input_ids=input_ids, token_type_ids=token_type_ids)
        chosen = output.last_hidden_state.flatten(0, 1)[positions]
        follows = None if self.seq_relationship is None else self.seq_relationship(output.pooler_output)
        return self.predictions(chosen), follows

    @torch.no_grad()
    def load_embeddings(self, path: Path) -> None:
        """Start from given vectors of the pieces, an `.npy` file of shape (vocabulary, width).

        Raises:
            DataError: the array has another shape.
        """
        weight = self.bert.embeddings.word_embeddings.weight
        vectors = np.load(path)
        if vectors.shape != tuple(weight.shape):
            raise DataError(
                f"{path}: expected vectors of shape {tuple(weight.shape)}, got {vectors.shape}; "
                "make them anew for this vocabulary and width: scripts/pretrain.py embeddings"
            )
        weight.copy_(torch.from_numpy(vectors))

    @torch.no_grad()
    def load_encoder(self, folder: Path) -> None:
        """Start from a BERT of the same sizes, a folder of `transformers`; the heads start anew.

        Raises:
            DataError: there is no such folder, or its encoder has other sizes.
        """
        path = folder / "model.safetensors"
        if not path.is_file():
            raise DataError(f"expected an encoder's folder with model.safetensors, got {folder}")
        stored = eight_bit_tensors(path) if holds_eight_bit(path) else load_file(path)
        weights = {name.removeprefix("bert."): value for name, value in stored.items()}
        for name, own in self.bert.state_dict().items():
            if name not in weights and name.startswith("pooler."):
                continue
            found = tuple(weights[name].shape) if name in weights else "none"
            if found != tuple(own.shape):
                raise DataError(
                    f"{path}: expected {name} of shape {tuple(own.shape)}, got {found}; "
                    "give this run the sizes of config.json there "
                    "(model.vocab_size, n_layers, width, n_heads, feed_forward_width)"
                )
            if name in weights:
                own.copy_(weights[name])

    @torch.no_grad()
    def set_output_bias(self, counts: NDArray[np.int64]) -> None:
        """Start the output bias at the pieces' log frequency, so that no step is spent on learning it.

        Args:
            counts: how often each piece occurs in training rows (weighted or not), shape (vocabulary).
        """
        bias = self.predictions.get_parameter("bias")
        share = (counts + 1) / (counts + 1).sum()
        bias.copy_(torch.from_numpy(np.log(share)))
