"""Fits the lexical part of a model, and how much it counts beside the network.

The linear model, a large margin for each class (Joachims 1998), learns from train; on dev, which neither
it nor the network learnt from, the least loss of both together decides how strong each of them is. That is
stacking (Wolpert 1992) with one number, so 269 documents are enough for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdoc.errors import ModelError
from hdoc.tasks.document.lexical import LexicalScores, ngram_keys, weigh_features
from hdoc.training.tasks.calibration import fit_temperature
from hdoc.training.tasks.losses import document_losses

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hdoc.tokens.spelling import Spelling
    from hdoc.tokens.tokenizer import PieceTokenizer
    from hdoc.training.data.splits import DocumentSplit

# What is in fewer training documents says more of those than of a class.
_LEAST_DOCUMENTS, _LEAST_DOCUMENTS_OF_NGRAMS = 2, 3
# The n-grams in most documents; each takes as much room as a piece of the vocabulary.
_MOST_NGRAMS = 100_000
# Keys of documents that are held before they are counted: 80 MB.
_MOST_WAITING = 10_000_000
# Inverse strengths of the L2 penalty.
_STRENGTHS = (0.1, 0.3, 1.0, 3.0)
# How much the lexical scores count, the network's being 1.
_RATIOS = (0.0, *(2 ** (power / 2) for power in range(-4, 11)))
# What a checkpoint holds; the spelling is the tokenizer's.
_PLAIN = ("idf", "weights", "bias", "keys")


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
    train: DocumentSplit, dev: DocumentSplit, dev_logits: Tensor, tokenizer: PieceTokenizer, n_classes: int
) -> LexicalFit:
    """Fit on train; choose penalty and ratio on dev.

    Args:
        train: documents with targets.
        dev: documents with targets.
        dev_logits: the network's on dev, (documents, classes).
        tokenizer: that the documents' pieces come from.
        n_classes: number of classes.
    """
    spelling = tokenizer.spelling
    idf, keys = _features(train, spelling)
    train_x, dev_x = _matrix(train, idf, keys, spelling), _matrix(dev, idf, keys, spelling)
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
                scores = LexicalScores(idf, ratio * weights, ratio * bias, spelling, keys)
                best = LexicalFit(scores, loss, network_loss)
    return best


def lexical_logits(scores: LexicalScores, split: DocumentSplit) -> Tensor:
    """Score the documents of a split, (documents, classes)."""
    rows = _matrix(split, scores.idf, scores.keys, scores.spelling) @ scores.weights + scores.bias
    return torch.from_numpy(np.asarray(rows, dtype=np.float32))


def lexical_to_plain(scores: LexicalScores | None) -> dict[str, Tensor] | None:
    """Return tensors that a checkpoint can hold."""
    if scores is None:
        return None
    return {name: torch.from_numpy(np.asarray(getattr(scores, name))) for name in _PLAIN}


def lexical_from_plain(plain: Mapping[str, Tensor] | None, tokenizer: PieceTokenizer) -> LexicalScores | None:
    """Return what `lexical_to_plain` was given.

    Raises:
        ModelError: it holds something else.
    """
    if plain is None:
        return None
    if set(plain) != set(_PLAIN):
        raise ModelError(
            f"expected {', '.join(_PLAIN)} in the checkpoint's lexical part, got {', '.join(plain)}; train "
            "it again with this hdoc, or use the hdoc that trained it"
        )
    return LexicalScores(spelling=tokenizer.spelling, **{name: plain[name].numpy() for name in _PLAIN})


def _stacked(logits: Tensor, targets: Tensor) -> float:
    """Return the loss at the best temperature, one for all documents, so that it is soon found."""
    temperature = fit_temperature(logits, targets, with_spread=False)
    return float(document_losses(temperature(logits), targets).mean())


def _features(split: DocumentSplit, spelling: Spelling) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return smoothed inverse document frequencies, 0 for pieces in too few documents, and the n-grams' keys.

    Returns:
        idf (features,) and keys (n-grams,), as `LexicalScores` has them.
    """
    frequencies = np.zeros(len(spelling.ends))
    ngrams = _Tally()
    for ids in _documents(split):
        frequencies[np.unique(ids)] += 1
        ngrams.add(ngram_keys(ids, spelling))
    keys, of_ngrams = ngrams.total()
    # Of equally frequent n-grams the first: the same texts give the same model.
    most = np.sort(np.argsort(-of_ngrams, kind="stable")[:_MOST_NGRAMS])
    most = most[of_ngrams[most] >= _LEAST_DOCUMENTS_OF_NGRAMS]
    frequencies = np.concatenate([frequencies, of_ngrams[most]])
    idf = np.log((1 + len(split)) / (1 + frequencies)) + 1
    return np.where(frequencies >= _LEAST_DOCUMENTS, idf, 0.0), keys[most]


class _Tally:
    """Counts keys without holding all that were ever added."""

    def __init__(self) -> None:
        nothing = np.zeros(0, dtype=np.int64)
        self._parts = [(nothing, nothing)]
        self._waiting = 0

    def add(self, keys: NDArray[np.int64]) -> None:
        """Count each of some different keys once more."""
        self._parts.append((keys, np.ones_like(keys)))
        self._waiting += len(keys)
        if self._waiting > _MOST_WAITING:
            self._parts, self._waiting = [self.total()], 0

    def total(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return all keys, ascending, and how often each was added."""
        keys, places = np.unique(np.concatenate([keys for keys, _ in self._parts]), return_inverse=True)
        counts = np.bincount(places, np.concatenate([counts for _, counts in self._parts]), len(keys))
        return keys, counts.astype(np.int64)


def _documents(split: DocumentSplit) -> Iterator[NDArray[np.int32]]:
    """Give the piece ids of each document."""
    for document in split.documents.tolist():
        yield split.store.pieces(np.array([document]))[0]


def _matrix(
    split: DocumentSplit, idf: NDArray[np.floating], keys: NDArray[np.int64], spelling: Spelling
) -> csr_matrix:
    """Return the TF-IDF of the documents of a split, (documents, features)."""
    from scipy.sparse import csr_matrix

    found = []
    for ids in _documents(split):
        one = weigh_features(ids, idf, keys, spelling)
        found.append((one.features, one.weights))
    ends = np.cumsum([0, *(len(features) for features, _ in found)])
    columns = np.concatenate([features for features, _ in found])
    values = np.concatenate([weights for _, weights in found])
    return csr_matrix((values, columns, ends), shape=(len(found), len(idf)))


def _separate(
    features: csr_matrix, targets: Tensor, n_classes: int, strength: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (features, classes) and bias (classes,) of a linear SVM, classes balanced."""
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
