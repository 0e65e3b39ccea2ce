"""Fits the lexical part of a model, and how much it counts beside the network.

The linear model, a large margin for each class (Joachims 1998), learns from train; on dev, which neither
it nor the network learnt from, the least loss of both together decides how strong each of them is. That is
stacking (Wolpert 1992) with one number, so 269 documents are enough for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdoc.lexical import LexicalScores, weigh_pieces
from hdoc.training.calibration import fit_temperature
from hdoc.training.losses import document_losses

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hdoc.training.splits import DocumentSplit

# A piece in a single training document says more of that document than of a class.
_LEAST_DOCUMENTS = 2
# Inverse strengths of the L2 penalty.
_STRENGTHS = (0.1, 0.3, 1.0, 3.0)
# How much the lexical scores count, the network's being 1.
_RATIOS = (0.0, *(2 ** (power / 2) for power in range(-4, 11)))


@dataclass(frozen=True, slots=True)
class LexicalFit:
    """The lexical part that helps most on dev, if any does.

    Attributes:
        scores: to be added to the network's; None if the network is best alone.
            loss: mean loss on dev of the sum at its best temperature.
        network_loss: the same of the network alone, at its own best temperature.
    """

    scores: LexicalScores | None
    loss: float
    network_loss: float


def fit_lexical(
    train: DocumentSplit, dev: DocumentSplit, dev_logits: Tensor, n_pieces: int, n_classes: int
) -> LexicalFit:
    """Fit on train; choose penalty and ratio on dev.

    Args:
        train: documents with targets.
        dev: documents with targets.
        dev_logits: the network's on dev, (documents, classes).
        n_pieces: size of the tokenizer's vocabulary.
        n_classes: number of classes.
    """
    idf = _idf(train, n_pieces)
    train_x, dev_x = _matrix(train, idf), _matrix(dev, idf)
    network = dev_logits.double().cpu()
    targets = dev.targets.double() if dev.targets.is_floating_point() else dev.targets
    network_loss = _stacked(network, targets)
    best = LexicalFit(None, network_loss, network_loss)
    for strength in _STRENGTHS:
        weights, bias = _separate(train_x, train.targets, n_classes, strength)
        lexical = torch.from_numpy(dev_x @ weights + bias)
        for ratio in _RATIOS[1:]:
            loss = _stacked(network + ratio * lexical, targets)
            if loss < best.loss:
                scores = LexicalScores(idf, ratio * weights, ratio * bias)
                best = LexicalFit(scores, loss, network_loss)
    return best


def lexical_logits(scores: LexicalScores, split: DocumentSplit) -> Tensor:
    """Score the documents of a split, (documents, classes)."""
    rows = _matrix(split, scores.idf) @ scores.weights + scores.bias
    return torch.from_numpy(np.asarray(rows, dtype=np.float32))


def lexical_to_plain(scores: LexicalScores | None) -> dict[str, Tensor] | None:
    """Return tensors that a checkpoint can hold."""
    if scores is None:
        return None
    return {name: torch.from_numpy(np.asarray(values)) for name, values in asdict(scores).items()}


def lexical_from_plain(plain: Mapping[str, Tensor] | None) -> LexicalScores | None:
    """Return what `lexical_to_plain` was given."""
    return None if plain is None else LexicalScores(**{name: plain[name].numpy() for name in plain})


def _stacked(logits: Tensor, targets: Tensor) -> float:
    """Return the loss at the best temperature, one for all documents, so that it is soon found."""
    temperature = fit_temperature(logits, targets, with_spread=False)
    return float(document_losses(temperature(logits), targets).mean())


def _idf(split: DocumentSplit, n_pieces: int) -> NDArray[np.float64]:
    """Return smoothed inverse document frequencies, 0 for pieces in too few documents, (n_pieces,)."""
    frequencies = np.zeros(n_pieces)
    for document in split.documents.tolist():
        frequencies[np.unique(split.store.pieces(np.array([document]))[0])] += 1
    idf = np.log((1 + len(split)) / (1 + frequencies)) + 1
    return np.where(frequencies >= _LEAST_DOCUMENTS, idf, 0.0)


def _matrix(split: DocumentSplit, idf: NDArray[np.floating]) -> csr_matrix:
    """Return the TF-IDF of the documents of a split, (documents, pieces)."""
    from scipy.sparse import csr_matrix

    found = [
        weigh_pieces(split.store.pieces(np.array([document]))[0], idf)
        for document in split.documents.tolist()
    ]
    ends = np.cumsum([0, *(len(pieces.pieces) for pieces in found)])
    columns = np.concatenate([pieces.pieces for pieces in found])
    values = np.concatenate([pieces.weights for pieces in found])
    return csr_matrix((values, columns, ends), shape=(len(found), len(idf)))


def _separate(
    features: csr_matrix, targets: Tensor, n_classes: int, strength: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (pieces, classes) and bias (classes,) of a linear SVM, classes balanced."""
    from sklearn.svm import LinearSVC

    def fit(y: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        model = LinearSVC(C=strength, class_weight="balanced", random_state=0, max_iter=5000).fit(features, y)
        return model.coef_.T, model.intercept_

    if not targets.is_floating_point() and n_classes > 2:
        return fit(targets.numpy())
    weights, bias = np.zeros((features.shape[1], n_classes)), np.zeros(n_classes)
    columns = targets.numpy() if targets.is_floating_point() else np.eye(n_classes)[targets.numpy()]
    for label in range(n_classes):
        y = columns[:, label].astype(np.int64)
        if y.min() != y.max():
            column, intercept = fit(y)
            weights[:, label], bias[label] = column[:, 0], intercept[0]
    return weights, bias
