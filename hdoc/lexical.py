"""What words say of a class by themselves: their pieces, and n-grams of their characters.

A linear model over their TF-IDF, added to the network's scores:

    logit_c = bias_c + Σ_f x_f w_fc,    x_f = √n_f idf_f / ‖·‖,    n_f occurrences of f

where pieces and n-grams are of unit length each. From a few thousand documents it learns of single words what
an encoder misses, and the encoder what words mean together. It is a plain sum as the network is: the
occurrences of a feature share `x_f w_fc` equally, and each gives its part in equal shares to the pieces that
its characters are of, so every word keeps an exact, signed share of every score.

Salton & Buckley 1988 (inverse document frequency, unit length). Their logarithm of the frequency all but
forgets how often a long document names a thing; the root, which evens out the deviation of counts (Anscombe
1948), is as good on petitions and better on laws. Character n-grams within a word (Bojanowski et al. 2017)
are for stems, endings and spellings that the vocabulary cuts elsewhere or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hdoc.spelling import EDGE, UNKNOWN, Spelling

Floats = NDArray[np.float64]
Ids = NDArray[np.integer]

# Characters of an n-gram, the edge of a word counting as one; each has 16 bits, so four are one number.
_ORDERS = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class Ngrams:
    """The character n-grams of a document.

    Attributes:
        keys: one number for each different n-gram, (n-grams,).
        starts: place of each n-gram's first character, (n-grams,).
        orders: characters of each n-gram, edges included, (n-grams,).
        owners: the piece that each character is of, -1 for an edge, (characters,).
    """

    keys: NDArray[np.int64]
    starts: NDArray[np.int64]
    orders: NDArray[np.int64]
    owners: NDArray[np.int64]

    def share(self, values: Floats, n_pieces: int) -> Floats:
        """Give what each n-gram says to its characters in equal parts.

        Args:
            values: (n-grams, classes).
            n_pieces: of the document.

        Returns:
            What comes to each piece, (pieces, classes).
        """
        characters = np.zeros((len(self.owners), values.shape[1]))
        for order in _ORDERS:
            mine = self.orders == order
            places = self.starts[mine, None] + np.arange(order)
            parts = values[mine] / (self.owners[places] >= 0).sum(axis=1, keepdims=True)
            for place in places.T:  # n-grams of one order that start apart have no place twice
                characters[place] += parts
        shares = np.zeros((n_pieces, values.shape[1]))
        inside = self.owners >= 0
        np.add.at(shares, self.owners[inside], characters[inside])
        return shares


def find_ngrams(ids: Ids, spelling: Spelling) -> Ngrams:
    """Find all n-grams of two to four characters within a word, its edges included.

    Args:
        ids: all piece ids of a document, in order, (pieces,).
        spelling: of the vocabulary.
    """
    characters, owners = spelling.spell(ids)
    edge, known = characters == EDGE, characters != UNKNOWN
    keys, starts, orders = [], [], []
    for order in _ORDERS:
        n_places = max(0, len(characters) - order + 1)
        key = np.zeros(n_places, dtype=np.int64)
        whole = ~(edge[:n_places] & edge[1 : n_places + 1])
        for i in range(order):
            key = (key << 16) | characters[
                i : i + n_places
            ]  # the highest bit may be set: any number is a key
            whole &= known[i : i + n_places]
            if 0 < i < order - 1:
                whole &= ~edge[i : i + n_places]
        keys.append(key[whole])
        starts.append(np.flatnonzero(whole))
        orders.append(np.full(len(keys[-1]), order))
    return Ngrams(np.concatenate(keys), np.concatenate(starts), np.concatenate(orders), owners)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """The features of a document that count.

    Attributes:
        features: the different ones, as places among all features, (different,).
        owners: for each piece of the document, then for each n-gram, the place of its feature in `features`,
            or -1 if it does not count, (pieces + n-grams,).
        weights: `x_f` of each feature, (different,).
        counts: `n_f`, (different,).
        ngrams: of the document.
    """

    features: NDArray[np.int64]
    owners: NDArray[np.int64]
    weights: Floats
    counts: NDArray[np.int64]
    ngrams: Ngrams


def weigh_features(
    ids: Ids, idf: NDArray[np.floating], keys: NDArray[np.int64], spelling: Spelling
) -> Occurrences:
    """Weigh the pieces of a document, and the n-grams of its characters.

    Args:
        ids: all its piece ids, in order, (pieces,).
        idf: of each piece of the vocabulary, then of each n-gram; 0 for what does not count, (features,).
        keys: of the n-grams that count, ascending, (n-grams,).
        spelling: of the vocabulary.
    """
    n_pieces = len(idf) - len(keys)
    found = np.asarray(ids, dtype=np.int64)
    ngrams = find_ngrams(found if len(keys) else found[:0], spelling)
    if len(ngrams.keys):
        places = np.minimum(np.searchsorted(keys, ngrams.keys), len(keys) - 1)
        found = np.concatenate([found, np.where(keys[places] == ngrams.keys, n_pieces + places, -1)])
    counting = (found >= 0) & (idf[found] > 0)
    features, inverse, counts = np.unique(found[counting], return_inverse=True, return_counts=True)
    owners = np.full(len(found), -1, dtype=np.int64)
    owners[counting] = inverse
    weights = np.sqrt(counts) * idf[features].astype(float)
    single = features < n_pieces
    for part in (single, ~single):
        weights[part] /= np.linalg.norm(weights[part]) or 1.0
    return Occurrences(features, owners, weights, counts, ngrams)


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """A fitted linear model over word pieces and character n-grams.

    Attributes:
        idf: of each piece of the vocabulary, then of each n-gram; 0 for what training hardly saw,
            (features,).
        weights: what each of them says for each class, (features, classes).
        bias: (classes,).
        spelling: of the vocabulary.
        keys: of the n-grams (`Ngrams`), ascending, (n-grams,).
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
        shares: Floats = occurring[: len(ids)] + found.ngrams.share(occurring[len(ids) :], len(ids))
        return shares

    def weigh(self, ids: Ids) -> Occurrences:
        """Weigh the features of a document; see `weigh_features`."""
        return weigh_features(ids, self.idf, self.keys, self.spelling)
