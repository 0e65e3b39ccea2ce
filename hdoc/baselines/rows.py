"""Which part of a document a baseline has its encoder read, as rows that fit into the encoder.

hdoc reads sentences; what it is compared with reads rows of word pieces that know no sentences. A `Choice`
takes the windows of one document and returns rows, each at most `capacity` pieces, special tokens not
counted. Documents come and go as `DocumentBatch`, so that everything around a baseline is hdoc's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

from hdoc.tokens.batches import DocumentBatch, batch_pieces
from hdoc.tokens.tokenizer import PieceTokenizer

Pieces = NDArray[np.int64]
"""Ids of word pieces in text order, (pieces,)."""

Choice = Callable[[Sequence[Pieces], int, bool], list[Pieces]]
"""Takes the windows of a document, the capacity of a row, and whether this is training; returns rows."""


def first(windows: Sequence[Pieces], capacity: int, _training: bool) -> list[Pieces]:
    """Read the beginning, and nothing of the rest."""
    return [np.concatenate(windows)[:capacity]]


def head_tail(windows: Sequence[Pieces], capacity: int, _training: bool) -> list[Pieces]:
    """Read the beginning and the end, a quarter and three quarters of the row (Sun et al. 2019)."""
    pieces = np.concatenate(windows)
    if len(pieces) <= capacity:
        return [pieces]
    n_head = max(1, capacity // 4)
    return [np.concatenate([pieces[:n_head], pieces[len(pieces) - (capacity - n_head) :]])]


def random_sentences(windows: Sequence[Pieces], capacity: int, training: bool) -> list[Pieces]:
    """Read sentences drawn at random, in their order, until the row is full (Park et al. 2022).

    In training they are drawn anew each time, by torch's generator; otherwise a document always gives the
    same sentences, whatever it is batched with.
    """
    seed = int(torch.randint(2**31, ())) if training else int(np.concatenate(windows).sum())
    drawn: list[int] = []
    left = capacity
    for place in np.random.default_rng(seed).permutation(len(windows)).tolist():
        if left <= 0:
            break
        drawn.append(place)
        left -= len(windows[place])
    return [np.concatenate([windows[place] for place in sorted(drawn)])[:capacity]]


def chunks(windows: Sequence[Pieces], capacity: int, _training: bool) -> list[Pieces]:
    """Read everything, in full rows that do not overlap."""
    pieces = np.concatenate(windows)
    return [pieces[start : start + capacity] for start in range(0, len(pieces), capacity)]


def document_windows(batch: DocumentBatch) -> list[list[Pieces]]:
    """Return the windows of each document of a batch, without special tokens."""
    pieces = batch.windows.ids[batch.windows.piece_mask]
    windows = np.split(pieces, np.cumsum(batch.windows.n_pieces)[:-1])
    ordered = iter([windows[row] for row in batch.rows.tolist()])
    return [[next(ordered) for _ in range(count)] for count in batch.counts.tolist()]


def rows_of(
    batch: DocumentBatch, choice: Choice, tokenizer: PieceTokenizer, length: int, training: bool
) -> DocumentBatch:
    """Return the same documents as a baseline reads them; what were windows are then rows.

    Args:
        batch: documents as sentences.
        choice: what is read.
        tokenizer: gives the special tokens.
        length: longest row, special tokens included.
        training: whether random choices are drawn anew.
    """
    capacity = length - tokenizer.n_special
    documents = [choice(windows, capacity, training) for windows in document_windows(batch)]
    rows = [*chain.from_iterable(documents)]
    return batch_pieces(
        np.concatenate(rows),
        np.array([len(row) for row in rows]),
        np.array([len(document) for document in documents]),
        tokenizer,
    )
