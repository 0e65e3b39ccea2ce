"""Leaving out some sentences and word pieces in training.

What is left out is deleted, not masked: the encoder never sees it, it costs nothing, and the network
learns to read texts with gaps, which is what deleting words to test an explanation gives it.
Randomness comes from torch's global generator on the CPU, so a seed leaves out the same on any device.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from hdoc.tokens.batches import DocumentBatch


def drop_windows(batch: DocumentBatch, share: float, limit: int | None = None) -> DocumentBatch:
    """Leave out windows at random; each document keeps at least one.

    Args:
        batch: documents.
        share: of the windows that are left out, 0 to 1.
        limit: most windows that a document keeps; None for all that the share leaves.
    """
    longest = int(batch.counts.max(initial=0))
    limit = longest if limit is None else limit
    if share <= 0 and longest <= limit:
        return batch
    owners = np.repeat(np.arange(len(batch.counts)), batch.counts)
    chances = torch.rand(len(owners)).numpy()
    # Within each document, how many windows have a better chance to stay.
    order = np.lexsort((-chances, owners))
    ranks = np.empty_like(owners)
    ranks[order] = np.arange(len(owners)) - np.repeat(np.cumsum(batch.counts) - batch.counts, batch.counts)
    keep = (chances >= share) & (ranks < limit) | (ranks == 0)

    keep_row = np.empty_like(keep)
    keep_row[batch.rows] = keep
    new_rows = np.cumsum(keep_row) - 1
    return DocumentBatch(
        batch.windows.keep_windows(keep_row),
        new_rows[batch.rows[keep]],
        np.bincount(owners[keep], minlength=len(batch.counts)),
    )


def drop_pieces(batch: DocumentBatch, share: float) -> DocumentBatch:
    """Leave out word pieces at random; each window keeps at least one.

    Args:
        batch: documents.
        share: of the word pieces that are left out, 0 to 1.
    """
    if share <= 0:
        return batch
    windows = batch.windows
    # Drawn for each place of the padded groups: what a seed leaves out depends on their sizes alone.
    widths = np.repeat(
        [group.length for group in windows.groups], [group.n_windows for group in windows.groups]
    )
    cells = np.repeat(np.cumsum(widths) - widths, windows.lengths) + windows.positions
    chances = torch.rand(windows.n_cells).numpy()[cells]
    luckiest = np.maximum.reduceat(np.where(windows.piece_mask, chances, -1), windows.starts)
    dropped = windows.piece_mask & (chances < share) & (chances < np.repeat(luckiest, windows.lengths))
    return replace(batch, windows=windows.keep_tokens(~dropped))
