"""What an encoder knows of a task before it is fine-tuned: a linear classifier on its states.

Encoders can so be compared in minutes, on the same folds of the same documents, where fine-tuning each with
several seeds takes hours. A document is the mean of its pieces' last hidden states; of ridge regressions with
some penalties the best counts, for each encoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hdoc.encoders.config import encoder_window
from hdoc.encoders.padding import pad_groups
from hdoc.encoders.precision import has_bfloat16
from hdoc.encoders.pretrained import load_encoder, load_tokenizer
from hdoc.errors import DataError
from hdoc.tables import open_table
from hdoc.text.sentences import Sentence
from hdoc.tokens.batches import batch_documents
from hdoc.tokens.tokenizer import PieceTokenizer

N_FOLDS = 5
_PENALTIES = (10.0, 100.0, 1000.0)
_WINDOW = 128
_MOST_WINDOWS = 24  # about 3,000 pieces: a long document says by then what it is about


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a linear classifier makes of an encoder's states.

    Attributes:
        encoder: the encoder.
        macro_f1: mean over the folds of cross-validation.
        macro_f1_deviation: its standard deviation over the folds.
        accuracy: mean over the folds.
        penalty: of the ridge regression that was best.
    """

    encoder: str
    macro_f1: float
    macro_f1_deviation: float
    accuracy: float
    penalty: float


def probe(encoders: Sequence[str], data: Path, text_column: str, label_column: str) -> Iterator[ProbeResult]:
    """Probe encoders on a labelled table by stratified five-fold cross-validation.

    Args:
        encoders: folders, hub names, or "small".
        data: JSONL, CSV, TSV or Parquet.
        text_column: its column of texts.
        label_column: its column of labels.

    Raises:
        DataError: the table has fewer than two classes of at least five documents.
        HdocError: the table or an encoder cannot be read.
    """
    texts, labels = _documents(data, text_column, label_column)
    for encoder in encoders:
        yield _best(encoder, document_states(encoder, texts), labels)


def document_states(encoder: str, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the mean of each text's last hidden states over its pieces, (texts, width)."""
    network, config = load_encoder(encoder)
    tokenizer = load_tokenizer(encoder, min(_WINDOW, encoder_window(config) or _WINDOW))
    return np.stack([_states(network.eval(), tokenizer, text) for text in texts])


@torch.inference_mode()
def _states(network: nn.Module, tokenizer: PieceTokenizer, text: str) -> NDArray[np.float32]:
    windows = tokenizer.windows(text, [Sentence(text, 0, len(text))])[:_MOST_WINDOWS]
    total, n_pieces = torch.tensor(0.0), 0
    device = torch.device("cpu")
    with torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16(device)):
        batch = batch_documents([[window.ids for window in windows]], tokenizer)
        for group in pad_groups(batch.windows, device):
            states = network(group.ids, group.mask)[group.piece_mask].float()
            total, n_pieces = total + states.sum(dim=0), n_pieces + len(states)
    array: NDArray[np.float32] = (total / max(n_pieces, 1)).numpy()
    return array


def _best(encoder: str, states: NDArray[np.float32], labels: NDArray[np.str_]) -> ProbeResult:
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import StratifiedKFold, cross_validate
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found = []
    for penalty in _PENALTIES:
        model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=penalty, class_weight="balanced"))
        folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
        scores = cross_validate(model, states, labels, cv=folds, scoring=("f1_macro", "accuracy"))
        f1s = scores["test_f1_macro"]
        found.append(
            ProbeResult(encoder, f1s.mean(), f1s.std(ddof=1), scores["test_accuracy"].mean(), penalty)
        )
    return max(found, key=lambda one: one.macro_f1)


def _documents(data: Path, text_column: str, label_column: str) -> tuple[list[str], NDArray[np.str_]]:
    table = open_table(data)
    table.require(text_column, "--text-column")
    table.require(label_column, "--label-column")
    rows = [row.values for row in table.rows([text_column, label_column]) if row.error is None]
    kept = [row for row in rows if str(row.get(text_column) or "").strip() and row.get(label_column)]
    names, counts = np.unique([str(row[label_column]) for row in kept], return_counts=True)
    usual = set(names[counts >= N_FOLDS].tolist())
    if len(usual) < 2:
        raise DataError(
            f"{data}: expected two classes or more with at least {N_FOLDS} documents each, got {len(usual)}; "
            "give more documents, or name the columns of text and label"
        )
    kept = [row for row in kept if str(row[label_column]) in usual]
    return [str(row[text_column]) for row in kept], np.array([str(row[label_column]) for row in kept])
