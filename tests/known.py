"""A model whose evidence is known: one word decides one class, one the other, none else counts.

All attention is even and the encoder has no layers, so a word's share of a score is the same wherever it
stands, and its contribution can be calculated by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn

from hdoc.encoders.bert import Bert, BertShape
from hdoc.explanation import ModelIdentity
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tasks.document.folder.model import StoredModel
from hdoc.tasks.document.folder.saving import save_model
from hdoc.tasks.document.network import DocumentNetwork, NetworkShape
from hdoc.tasks.temperature import Temperature
from hdoc.tokens.tokenizer import PieceTokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
FOR, AGAINST = "축구", "환율"
"""The words that decide for 체육 and for 경제."""
PLAIN = ["오늘", "날씨", "학교", "버스", "도로", "사람", "저녁", "시장", "공원", "의자"]
LABELS = ("체육", "경제")


def known_model(multi_label: bool = False, strength: float = 40.0, context: Any = "none") -> StoredModel:
    """Return the model; `strength` is how much the deciding words count against the plain ones."""
    vocabulary = {word: i for i, word in enumerate([*SPECIAL, FOR, AGAINST, *PLAIN, "."])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    width = 8
    config = {
        "model_type": "bert", "vocab_size": len(vocabulary), "hidden_size": width, "num_hidden_layers": 0,
        "num_attention_heads": 1, "intermediate_size": 8, "max_position_embeddings": 64,
    }  # fmt: skip
    shape = BertShape.from_config(config)
    assert shape is not None
    torch.manual_seed(0)
    network = DocumentNetwork(Bert(shape), width, NetworkShape(2, width, (), 0, context)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        encoder = network.encoder
        assert isinstance(encoder, Bert)
        encoder.embeddings.LayerNorm.weight.fill_(1)
        # Beside a constant of its size a word's 1 becomes the square root of 2 in a LayerNorm of width 8;
        # without one, LayerNorm would undo any scaling of a word, and its gradient times itself be 0.
        encoder.embeddings.token_type_embeddings.weight[0, 6:] = torch.tensor([1.0, -1])
        table = encoder.embeddings.word_embeddings.weight
        # Plain words live in the dimensions 4 and 5, which no class looks at; rows have mean 0.
        for i in range(len(vocabulary)):
            table[i, 4], table[i, 5] = 1 + i % 3, -1 - i % 3
        table[vocabulary[FOR]] = torch.tensor([1.0, -1, 0, 0, 0, 0, 0, 0])
        table[vocabulary[AGAINST]] = torch.tensor([0.0, 0, 1, -1, 0, 0, 0, 0])
        nn.init.eye_(network.word_attention.value.weight)
        network.classifier.weight[0, 0] = network.classifier.weight[1, 2] = strength
        network.classifier.bias.copy_(torch.tensor([0.1, -0.1]))
    return StoredModel(
        network,
        PieceTokenizer(tokenizer, 16),
        config,
        LABELS,
        multi_label,
        Temperature(2.0),
        ModelIdentity("known", "1", "0" * 64),
    )


def known_classifier(**options: Any) -> DocumentClassifier:
    """Return the model in use."""
    return DocumentClassifier(known_model(**options), "cpu")


def document(sentences: Sequence[str]) -> str:
    """Return a text whose sentences are these: each has its line."""
    return "\n".join(sentences)


def save_known_model(folder: Path, **options: Any) -> Path:
    """Write the model to a folder, which is returned."""
    model = known_model(**options)
    save_model(
        folder,
        model.network,
        model.tokenizer,
        encoder_config=model.encoder_config,
        labels=list(model.labels),
        multi_label=model.multi_label,
        temperature=model.temperature,
        name="known",
    )
    return folder
