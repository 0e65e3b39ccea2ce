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

from hdoc.tokens.spelling import EDGE, UNKNOWN, Spelling

Floats = NDArray[np.float64]
Ids = NDArray[np.integer]
Characters = NDArray[np.int64]

# How many characters, the edge of a word counting as one; each has 16 bits, so four are one number.
_ORDERS = (2, 3, 4)


def ngram_keys(ids: Ids, spelling: Spelling) -> NDArray[np.int64]:
    """Return the keys of the different n-grams of a document, ascending.

    Args:
        ids: all its piece ids, in order, (pieces,).
        spelling: of the vocabulary.
    """
    characters, _ = spelling.spell(ids)
    return np.unique(np.concatenate([find_ngrams(characters, order)[0] for order in _ORDERS]))


def find_ngrams(characters: Characters, order: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the n-grams of some order within words, whose edges count as a character.

    Args:
        characters: as `Spelling.spell` gives them, (characters,).
        order: how many characters, 2 to 4.

    Returns:
        One number for each different n-gram, and the place of its first character, both (n-grams,).
    """
    edge, known = characters == EDGE, characters != UNKNOWN
    n_places = max(0, len(characters) - order + 1)
    keys = np.zeros(n_places, dtype=np.int64)
    whole = ~(edge[:n_places] & edge[1 : n_places + 1])
    for i in range(order):
        here = slice(i, i + n_places)
        keys = (keys << 16) | characters[here]  # the highest bit may be set: any number is a key
        whole &= known[here]
        if 0 < i < order - 1:
            whole &= ~edge[here]
    return keys[whole], np.flatnonzero(whole)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """The features of a document that count.

    Attributes:
        features: the different ones, as places among all features, ascending, (different,).
        weights: `x_f` of each feature, (different,).
        counts: `n_f`, (different,).
        pieces: the place in `features` of each piece of the document, -1 if it does not count, (pieces,).
        ngrams: of each order, the place in `features` and that of the first character of each n-gram that
            counts, both (n-grams,).
        owners: the piece that each character is of, -1 for an edge, (characters,).
    """

    features: NDArray[np.int64]
    weights: Floats
    counts: NDArray[np.int64]
    pieces: NDArray[np.int32]
    ngrams: list[tuple[NDArray[np.int32], NDArray[np.int32]]]
    owners: NDArray[np.int64]

    def share(self, values: Floats) -> Floats:
        """Give what each feature says to the pieces that it occurs in.

        Args:
            values: what one occurrence of each feature says for a class, (different,).

        Returns:
            What comes to each piece, (pieces,).
        """
        shares: Floats = np.append(values, 0.0)[self.pieces]
        for order, (places, starts) in zip(_ORDERS, self.ngrams, strict=True):
            owners = [self.owners[starts + i] for i in range(order)]
            parts = values[places] / sum((owner >= 0).astype(np.int64) for owner in owners)
            for owner in owners:
                inside = owner >= 0
                shares += np.bincount(owner[inside], parts[inside], len(shares))
        return shares


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
    characters, owners = spelling.spell(ids if len(keys) else ids[:0])
    found, starts = [np.asarray(ids, dtype=np.int32)], []
    for order in _ORDERS:
        given, first = find_ngrams(characters, order)
        places = np.searchsorted(keys, given)
        known = places < len(keys)
        known[known] = keys[places[known]] == given[known]
        found.append((n_pieces + places[known]).astype(np.int32))
        starts.append(first[known].astype(np.int32))
    all_found = np.concatenate(found)
    counting = idf[all_found] > 0
    features, ranks, counts = np.unique(all_found[counting], return_inverse=True, return_counts=True)
    weights = np.sqrt(counts) * idf[features].astype(float)
    single = features < n_pieces
    for part in (single, ~single):
        weights[part] /= np.linalg.norm(weights[part]) or 1.0
    ranked: NDArray[np.int32] = np.full(len(all_found), -1, dtype=np.int32)
    ranked[counting] = ranks
    pieces, *ngrams = np.split(ranked, np.cumsum([len(one) for one in found])[:-1])
    pairs = [(one[one >= 0], first[one >= 0]) for one, first in zip(ngrams, starts, strict=True)]
    return Occurrences(features.astype(np.int64), weights, counts, pieces, pairs, owners)


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """A fitted linear model over word pieces and character n-grams.

    Attributes:
        idf: of each piece of the vocabulary, then of each n-gram; 0 for what training hardly saw,
            (features,).
        weights: what each of them says for each class, (features, classes).
        bias: (classes,).
        spelling: of the vocabulary.
        keys: of the n-grams (`find_ngrams`), ascending, (n-grams,).
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
        return np.stack([found.share(values) for values in each.T], axis=1)

    def weigh(self, ids: Ids) -> Occurrences:
        """Weigh the features of a document; see `weigh_features`."""
        return weigh_features(ids, self.idf, self.keys, self.spelling)
