"""What single word pieces say of a document's class, whatever stands around them.

A linear model over TF-IDF of the word pieces, added to the network's scores:

    logit_c = bias_c + Σ_p x_p w_pc,    x_p = √n_p idf_p / ‖·‖,    n_p occurrences of piece p

From a few thousand documents it learns single words better than an encoder can, and the encoder what
words mean together. It is a plain sum as the network is: the occurrences of a piece share `x_p w_pc`
equally, so each word keeps an exact, signed share of every score.

Salton & Buckley 1988 (inverse document frequency, unit length). Their logarithm of the frequency all but
forgets how often a long document names a thing; the root, which evens out the deviation of counts (Anscombe
1948), is as good on petitions and better on laws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PieceOccurrences:
    """The word pieces of a document that count.

    Attributes:
        pieces: the different ids, (different,).
        owners: for each occurrence in the document its place in `pieces`, or -1 if it does not count.
        weights: `x_p`, the TF-IDF of each, of unit length together, (different,).
        counts: `n_p`, (different,).
    """

    pieces: NDArray[np.int64]
    owners: NDArray[np.int64]
    weights: Floats
    counts: NDArray[np.int64]


def weigh_pieces(ids: NDArray[np.integer], idf: NDArray[np.floating]) -> PieceOccurrences:
    """Weigh the pieces of a document.

    Args:
        ids: all its piece ids, in order, (occurrences,).
        idf: of each piece of the vocabulary; 0 for pieces that do not count, (vocabulary,).
    """
    counting = np.asarray(idf)[ids] > 0
    pieces, inverse, counts = np.unique(np.asarray(ids)[counting], return_inverse=True, return_counts=True)
    owners = np.full(len(ids), -1, dtype=np.int64)
    owners[counting] = inverse
    weights = np.sqrt(counts) * np.asarray(idf, dtype=float)[pieces]
    norm = np.linalg.norm(weights)
    return PieceOccurrences(pieces.astype(np.int64), owners, weights / norm if norm else weights, counts)


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """A fitted linear model over word pieces.

    Attributes:
        idf: of each piece of the vocabulary; 0 for those that training hardly saw, (vocabulary,).
        weights: what a piece says for each class, (vocabulary, classes).
        bias: (classes,).
    """

    idf: NDArray[np.floating]
    weights: NDArray[np.floating]
    bias: NDArray[np.floating]

    def logits(self, ids: NDArray[np.integer]) -> Floats:
        """Score a document.

        Args:
            ids: all its piece ids, (occurrences,).

        Returns:
            (classes,).
        """
        found = weigh_pieces(ids, self.idf)
        scores: Floats = found.weights @ self.weights[found.pieces].astype(float) + self.bias
        return scores

    def shares(self, ids: NDArray[np.integer]) -> Floats:
        """Return what each occurrence of a piece adds to the scores; with the bias they sum to the logits.

        Args:
            ids: all piece ids of the document, in order, (occurrences,).

        Returns:
            (occurrences, classes).
        """
        found = weigh_pieces(ids, self.idf)
        each = (found.weights / found.counts)[:, None] * self.weights[found.pieces].astype(float)
        shares = np.zeros((len(ids), len(self.bias)))
        counting = found.owners >= 0
        shares[counting] = each[found.owners[counting]]
        return shares
