"""Pairs of texts and models of them, made for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from hdoc.encoders.build import build_encoder
from hdoc.encoders.precision import StoredWeights
from hdoc.tasks.pair.folder import save_model
from hdoc.tasks.pair.network import PairNetwork, PairShape
from hdoc.tasks.temperature import Temperature
from hdoc.tokens.tokenizer import PieceTokenizer
from tests.conftest import SENTENCES

LABELS = ("같음", "다름", "모름")
SCORES = PairShape(0, 0.0, 5.0)
CLASSES = PairShape(len(LABELS))


def pairs(n: int, regression: bool = False) -> list[dict[str, Any]]:
    """Return pairs whose second text is the first one, another one, or the first one and more."""
    rows = []
    for i in range(n):
        first, other = SENTENCES[i % 7], SENTENCES[7 + i % 8]
        second, score = ((first, 5.0), (other, 0.0), (f"{first} {other}", 2.5))[i % 3]
        label: Any = score if regression else LABELS[i % 3]
        rows.append({"id": f"p{i}", "a": first, "b": second, "label": label})
    return rows


def encoder_config(encoder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((encoder / "config.json").read_text(encoding="utf-8"))
    return values


def tokenizer_of(encoder: Path, window: int = 32) -> PieceTokenizer:
    return PieceTokenizer(Tokenizer.from_file(str(encoder / "tokenizer.json")), window)


def network_of(encoder: Path, shape: PairShape) -> PairNetwork:
    """Return a network with random weights that are far from equal, in evaluation mode."""
    torch.manual_seed(0)
    network = PairNetwork(build_encoder(encoder_config(encoder)), 32, shape).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)
    return network


def save_pair_model(
    folder: Path, encoder: Path, shape: PairShape = CLASSES, weights: StoredWeights = "32bit"
) -> Path:
    save_model(
        folder,
        network_of(encoder, shape),
        tokenizer_of(encoder),
        encoder_config=encoder_config(encoder),
        labels=() if shape.regression else LABELS,
        temperature=Temperature(1.0 if shape.regression else 1.5),
        name="짝",
        version="3",
        card="# 짝\n",
        weights=weights,
    )
    return folder
