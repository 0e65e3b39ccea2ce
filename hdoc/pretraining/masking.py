"""Masking for masked-language modelling (Devlin et al. 2019, section 3.1).

Of each row a fixed share of the pieces is chosen; of these 80 % become `[MASK]`, 10 % a random piece, 10 %
stay. The number chosen is the same in every row of a length, so that tensors keep their shapes. With whole
words, all pieces of a word (a piece and the `##` pieces after it: an eojeol without its punctuation) are
chosen together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What masking must know of the pieces.

    Attributes:
        size: number of pieces.
        mask_id: number of `[MASK]`.
        n_special: the special pieces are the numbers below this; they are never chosen nor put in.
        continues: for each piece, whether it continues a word (`##…`), shape (pieces).
    """

    size: int
    mask_id: int
    n_special: int
    continues: NDArray[np.bool_]


def mask_row(
    row: NDArray[np.int64],
    vocabulary: Vocabulary,
    generator: np.random.Generator,
    share: float = 0.15,
    whole_words: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose and replace pieces of one row.

    Args:
        row: piece numbers, shape (pieces).
        vocabulary: the special pieces and those that continue a word.
        generator: source of chance.
        share: of the row's length, how much is chosen; fewer if there are not so many ordinary pieces.
        whole_words: choose all pieces of a word or none.

    Returns:
        The row as the network sees it, shape (pieces), and the chosen positions in order, shape (chosen).
    """
    # [UNK] is special too: to guess that something is unknown teaches nothing.
    candidates = np.flatnonzero(row >= vocabulary.n_special)
    n_chosen = min(round(share * len(row)), len(candidates))
    if whole_words:
        chosen = _choose_words(row, candidates, vocabulary, n_chosen, generator)
    else:
        chosen = generator.permutation(candidates)[:n_chosen]
    chosen = np.sort(chosen)
    masked = row.copy()
    fate = generator.random(len(chosen))
    masked[chosen[fate < 0.8]] = vocabulary.mask_id
    random = chosen[(fate >= 0.8) & (fate < 0.9)]
    masked[random] = generator.integers(vocabulary.n_special, vocabulary.size, len(random))
    return masked, chosen


def _choose_words(
    row: NDArray[np.int64],
    candidates: NDArray[np.int64],
    vocabulary: Vocabulary,
    n_chosen: int,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Choose words in random order, leaving out those that would not fit into the number any more."""
    # A row may begin in the middle of a word: its rest is a word as well.
    first = ~vocabulary.continues[row[candidates]] | (np.diff(candidates, prepend=-1) != 1)
    words = np.split(candidates, np.flatnonzero(first)[1:]) if len(candidates) else []
    chosen: list[NDArray[np.int64]] = []
    left = n_chosen
    for word in generator.permutation(len(words)):
        if len(words[word]) <= left:
            chosen.append(words[word])
            left -= len(words[word])
        if not left:
            break
    return np.concatenate(chosen) if chosen else candidates[:0]
