"""Next-sentence pairs (Devlin et al. 2019, section 3.1) out of packed rows, without padding.

A row is divided at the sentence end nearest its middle that has its true neighbour behind it. In half the
rows the second part stays; in the others it is replaced by as much text from another document of the same
source (another source would be told by its style alone). Rows without such a sentence end, as those of
one-sentence reviews, are left as they are and take no part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hdoc.pretraining.packed_rows import PARTNERS, PackedRows

FOLLOWS, RANDOM, NO_PAIR = 0, 1, -100


def paired_row(
    rows: PackedRows, index: int, sep_id: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
    """Make row number `index` a pair.

    Args:
        rows: where rows come from.
        index: the row's number.
        sep_id: number of `[SEP]`, which ends every sentence.

    Returns:
        Piece numbers and part numbers (0 or 1), each of shape (pieces); the number of the source; and
        0 if the second part follows the first, 1 if it is random text, -100 if there is no pair.
    """
    row, source = rows[index]
    parts = np.zeros_like(row)
    width = len(row) - 1
    epoch, position = rows.epoch_and_position(source, rows.source_and_turn(index)[1])
    order, starts = rows.document_order(source, epoch)
    # Where, counted in pieces after [CLS], a sentence of the same document begins.
    begins = np.flatnonzero(row[1:-1] == sep_id) + 1
    begins = begins[~np.isin(begins + position, starts)]
    if not len(begins) or len(order) < 2:
        return row, parts, source, NO_PAIR
    cut = int(begins[np.abs(begins - width / 2).argmin()])
    parts[1 + cut :] = 1
    generator = np.random.default_rng([rows.seed, PARTNERS, index])
    if generator.random() < 0.5:
        return row, parts, source, FOLLOWS
    here = int(np.searchsorted(starts, position + cut, side="right")) - 1
    other = (here + 1 + int(generator.integers(len(order) - 1))) % len(order)
    shard = rows.shards[source]
    document = order[other]
    first, end = shard.documents[document], shard.documents[document + 1]
    sentence = int(generator.integers(first, end))
    start = starts[other] + shard.sentences[sentence] - shard.sentences[first]
    row[1 + cut :] = rows.consecutive_tokens(source, epoch, int(start), width - cut)
    return row, parts, source, RANDOM
