"""What word pieces, and pairs of them within a word, say of a class, whatever stands around them.

A linear model over their TF-IDF, added to the network's scores:

    logit_c = bias_c + Σ_f x_f w_fc,    x_f = s √n_f idf_f / ‖·‖,    n_f occurrences of f

where pieces and pairs are of unit length each and `s` is 1 for a piece, √½ for a pair. From a few thousand
documents it learns of single words what an encoder misses, and the encoder what words mean together. It
is a plain sum as the network is: the occurrences of a piece share `x_f w_fc` equally, those of a pair
likewise, one half for each of its pieces, so each word keeps an exact, signed share of every score.

Salton & Buckley 1988 (inverse document frequency, unit length). Their logarithm of the frequency all but
forgets how often a long document names a thing; the root, which evens out the deviation of counts (Anscombe
1948), is as good on petitions and better on laws. Pairs are for words of which no piece says much
(Bojanowski et al. 2017 make words of such parts); those across words were tried and say no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ids = NDArray[np.integer]

# Length of the pairs' TF-IDF, the pieces' being 1: several pairs have a piece in common.
_PAIRS_LENGTH = np.sqrt(0.5)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """The features of a document that count.

    Attributes:
        features: the different ones, as places among all features, (different,).
        owners: for each piece of the document, then for each pair of neighbours, the place of its feature in
            `features`, or -1 if it does not count, (pieces + pairs,).
        weights: `x_f` of each feature, (different,).
        counts: `n_f`, (different,).
    """

    features: NDArray[np.int64]
    owners: NDArray[np.int64]
    weights: Floats
    counts: NDArray[np.int64]


def pair_keys(ids: Ids, n_pieces: int) -> NDArray[np.int64]:
    """Return one number for each pair of neighbours among piece ids (pieces,), (pieces - 1,)."""
    wide = np.asarray(ids, dtype=np.int64)
    return wide[:-1] * n_pieces + wide[1:]


def weigh_features(ids: Ids, idf: NDArray[np.floating], pairs: NDArray[np.int64]) -> Occurrences:
    """Weigh the pieces of a document, and pairs of them.

    Args:
        ids: all its piece ids, in order, (pieces,).
        idf: of each piece of the vocabulary, then of each pair; 0 for what does not count, (features,).
        pairs: keys of the pairs that count, ascending, (pairs,).
    """
    n_pieces = len(idf) - len(pairs)
    found = np.asarray(ids, dtype=np.int64)
    if len(pairs) and len(found) > 1:
        keys = pair_keys(found, n_pieces)
        places = np.minimum(np.searchsorted(pairs, keys), len(pairs) - 1)
        found = np.concatenate([found, np.where(pairs[places] == keys, n_pieces + places, -1)])
    counting = (found >= 0) & (idf[found] > 0)
    features, inverse, counts = np.unique(found[counting], return_inverse=True, return_counts=True)
    owners = np.full(len(found), -1, dtype=np.int64)
    owners[counting] = inverse
    weights = np.sqrt(counts) * idf[features].astype(float)
    single = features < n_pieces
    for part, length in ((single, 1.0), (~single, _PAIRS_LENGTH)):
        weights[part] *= length / (np.linalg.norm(weights[part]) or 1.0)
    return Occurrences(features, owners, weights, counts)


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """A fitted linear model over word pieces and pairs of them.

    Attributes:
        idf: of each piece of the vocabulary, then of each pair; 0 for what training hardly saw, (features,).
        weights: what each of them says for each class, (features, classes).
        bias: (classes,).
        pairs: keys of the pairs (`pair_keys`), ascending, (pairs,).
    """

    idf: NDArray[np.floating]
    weights: NDArray[np.floating]
    bias: NDArray[np.floating]
    pairs: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def logits(self, ids: Ids) -> Floats:
        """Score a document.

        Args:
            ids: all its piece ids, in order, (pieces,).

        Returns:
            (classes,).
        """
        found = weigh_features(ids, self.idf, self.pairs)
        scores: Floats = found.weights @ self.weights[found.features].astype(float) + self.bias
        return scores

    def shares(self, ids: Ids) -> Floats:
        """Return what each piece of a document adds to the scores; with the bias they sum to the logits.

        Args:
            ids: all its piece ids, in order, (pieces,).

        Returns:
            (pieces, classes).
        """
        found = weigh_features(ids, self.idf, self.pairs)
        each = (found.weights / found.counts)[:, None] * self.weights[found.features].astype(float)
        occurring = np.zeros((len(found.owners), len(self.bias)))
        counting = found.owners >= 0
        occurring[counting] = each[found.owners[counting]]
        shares, of_pairs = occurring[: len(ids)], occurring[len(ids) :]
        if len(of_pairs):
            shares[:-1] += of_pairs / 2
            shares[1:] += of_pairs / 2
        return shares
