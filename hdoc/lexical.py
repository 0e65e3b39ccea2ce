"""What words say of a class by themselves: their pieces, and the runs of letters they are made of.

A linear model over their TF-IDF, added to the network's scores:

    logit_c = bias_c + Σ_f x_f w_fc,    x_f = √n_f idf_f / ‖·‖,    n_f occurrences of f

where pieces and runs are of unit length each. From a few thousand documents it learns of single words what
an encoder misses, and the encoder what words mean together. It is a plain sum as the network is: the
occurrences of a feature share `x_f w_fc` equally, and each gives its part in equal shares to the pieces that
its letters are of, so every word keeps an exact, signed share of every score.

Salton & Buckley 1988 (inverse document frequency, unit length). Their logarithm of the frequency all but
forgets how often a long document names a thing; the root, which evens out the deviation of counts (Anscombe
1948), is as good on petitions and better on laws. Runs of letters within a word (Bojanowski et al. 2017) are
for stems, endings and spellings that the vocabulary cuts elsewhere or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hdoc.spelling import EDGE, UNKNOWN, Spelling

Floats = NDArray[np.float64]
Ids = NDArray[np.integer]

# Letters of a run, the edge of a word counting as one. A letter has 16 bits, so four are one number.
_LENGTHS = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of letters of a document.

    Attributes:
        keys: one number for each different run, (runs,).
        starts: place of each run's first letter, (runs,).
        lengths: letters of each run, edges included, (runs,).
        owners: the piece that each letter is of, -1 for an edge, (letters,).
    """

    keys: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    owners: NDArray[np.int64]

    def share(self, values: Floats, n_pieces: int) -> Floats:
        """Give what each run says to its letters in equal parts.

        Args:
            values: (runs, classes).
            n_pieces: of the document.

        Returns:
            What comes to each piece, (pieces, classes).
        """
        letters = np.zeros((len(self.owners), values.shape[1]))
        for length in _LENGTHS:
            mine = self.lengths == length
            places = self.starts[mine, None] + np.arange(length)
            parts = values[mine] / (self.owners[places] >= 0).sum(axis=1, keepdims=True)
            for place in places.T:  # runs of one length that start apart have no place twice
                letters[place] += parts
        shares = np.zeros((n_pieces, values.shape[1]))
        inside = self.owners >= 0
        np.add.at(shares, self.owners[inside], letters[inside])
        return shares


def find_runs(ids: Ids, spelling: Spelling) -> Runs:
    """Find all runs of two to four letters within a word, its edges included.

    Args:
        ids: all piece ids of a document, in order, (pieces,).
        spelling: of the vocabulary.
    """
    letters, owners = spelling.spell(ids)
    edge, known = letters == EDGE, letters != UNKNOWN
    keys, starts, lengths = [], [], []
    for length in _LENGTHS:
        n_places = max(0, len(letters) - length + 1)
        key = np.zeros(n_places, dtype=np.int64)
        whole = ~(edge[:n_places] & edge[1 : n_places + 1])
        for i in range(length):
            key = (key << 16) | letters[i : i + n_places]  # the highest bit may be set: any number is a key
            whole &= known[i : i + n_places]
            if 0 < i < length - 1:
                whole &= ~edge[i : i + n_places]
        keys.append(key[whole])
        starts.append(np.flatnonzero(whole))
        lengths.append(np.full(len(keys[-1]), length))
    return Runs(np.concatenate(keys), np.concatenate(starts), np.concatenate(lengths), owners)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """The features of a document that count.

    Attributes:
        features: the different ones, as places among all features, (different,).
        owners: for each piece of the document, then for each run, the place of its feature in `features`, or
            -1 if it does not count, (pieces + runs,).
        weights: `x_f` of each feature, (different,).
        counts: `n_f`, (different,).
        runs: of the document.
    """

    features: NDArray[np.int64]
    owners: NDArray[np.int64]
    weights: Floats
    counts: NDArray[np.int64]
    runs: Runs


def weigh_features(
    ids: Ids, idf: NDArray[np.floating], keys: NDArray[np.int64], spelling: Spelling
) -> Occurrences:
    """Weigh the pieces of a document, and its runs of letters.

    Args:
        ids: all its piece ids, in order, (pieces,).
        idf: of each piece of the vocabulary, then of each run; 0 for what does not count, (features,).
        keys: of the runs that count, ascending, (runs,).
        spelling: of the vocabulary.
    """
    n_pieces = len(idf) - len(keys)
    found = np.asarray(ids, dtype=np.int64)
    runs = find_runs(found if len(keys) else found[:0], spelling)
    if len(runs.keys):
        places = np.minimum(np.searchsorted(keys, runs.keys), len(keys) - 1)
        found = np.concatenate([found, np.where(keys[places] == runs.keys, n_pieces + places, -1)])
    counting = (found >= 0) & (idf[found] > 0)
    features, inverse, counts = np.unique(found[counting], return_inverse=True, return_counts=True)
    owners = np.full(len(found), -1, dtype=np.int64)
    owners[counting] = inverse
    weights = np.sqrt(counts) * idf[features].astype(float)
    single = features < n_pieces
    for part in (single, ~single):
        weights[part] /= np.linalg.norm(weights[part]) or 1.0
    return Occurrences(features, owners, weights, counts, runs)


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """A fitted linear model over word pieces and runs of letters.

    Attributes:
        idf: of each piece of the vocabulary, then of each run; 0 for what training hardly saw, (features,).
        weights: what each of them says for each class, (features, classes).
        bias: (classes,).
        spelling: of the vocabulary.
        keys: of the runs (`Runs`), ascending, (runs,).
    """

    idf: NDArray[np.floating]
    weights: NDArray[np.floating]
    bias: NDArray[np.floating]
    spelling: Spelling
    keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def logits(self, ids: Ids) -> Floats:
        """Score a document.

        Args:
            ids: all its piece ids, in order, (pieces,).

        Returns:
            (classes,).
        """
        found = self.weigh(ids)
        scores: Floats = found.weights @ self.weights[found.features].astype(float) + self.bias
        return scores

    def shares(self, ids: Ids) -> Floats:
        """Return what each piece of a document adds to the scores; with the bias they sum to the logits.

        Args:
            ids: all its piece ids, in order, (pieces,).

        Returns:
            (pieces, classes).
        """
        found = self.weigh(ids)
        each = (found.weights / found.counts)[:, None] * self.weights[found.features].astype(float)
        occurring = np.zeros((len(found.owners), len(self.bias)))
        counting = found.owners >= 0
        occurring[counting] = each[found.owners[counting]]
        shares: Floats = occurring[: len(ids)] + found.runs.share(occurring[len(ids) :], len(ids))
        return shares

    def weigh(self, ids: Ids) -> Occurrences:
        """Weigh the features of a document; see `weigh_features`."""
        return weigh_features(ids, self.idf, self.keys, self.spelling)
