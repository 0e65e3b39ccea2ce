"""Leaving out some sentences and word pieces in training.

What is left out is deleted, not masked: the encoder never sees it, it costs nothing, and the network
learns to read texts with gaps, which is what deleting words to test an explanation gives it.
Randomness comes from torch's global generator.
"""

from __future__ import annotations

import torch

from hdoc.batches import DocumentBatch, PaddedWindows


def drop_windows(batch: DocumentBatch, share: float) -> DocumentBatch:
    """Leave out windows at random; each document keeps at least one.

    Args:
        batch: documents.
        share: of the windows that are left out, 0 to 1.
    """
    if share <= 0:
        return batch
    device = batch.rows.device
    n_documents, n_windows = len(batch.counts), len(batch.rows)
    owners = torch.repeat_interleave(torch.arange(n_documents, device=device), batch.counts)
    chances = torch.rand(n_windows, device=device)
    # A document whose windows would all go keeps the one that was nearest to staying.
    luckiest = torch.zeros(n_documents, device=device).scatter_reduce(0, owners, chances, "amax")
    keep = (chances >= share) | (chances == luckiest[owners])

    keep_row = torch.empty_like(keep)
    keep_row[batch.rows] = keep
    new_rows = keep_row.cumsum(0) - 1
    parts = torch.split(keep_row, [len(group.ids) for group in batch.groups])
    return DocumentBatch(
        [
            PaddedWindows(group.ids[part], group.mask[part], group.piece_mask[part])
            for group, part in zip(batch.groups, parts, strict=True)
            if bool(part.any())
        ],
        new_rows[batch.rows[keep]],
        torch.zeros_like(batch.counts).index_add(0, owners, keep.to(batch.counts.dtype)),
    )


def drop_pieces(batch: DocumentBatch, share: float) -> DocumentBatch:
    """Leave out word pieces at random; each window keeps at least one.

    Args:
        batch: documents.
        share: of the word pieces that are left out, 0 to 1.
    """
    if share <= 0:
        return batch
    return DocumentBatch([_drop_pieces_of(group, share) for group in batch.groups], batch.rows, batch.counts)


def _drop_pieces_of(group: PaddedWindows, share: float) -> PaddedWindows:
    chances = torch.rand(group.ids.shape, device=group.ids.device).masked_fill(~group.piece_mask, -1.0)
    luckiest = chances.amax(dim=1, keepdim=True)
    dropped = group.piece_mask & (chances < share) & (chances < luckiest)
    # A stable sort moves what stays to the front of its row and keeps its order.
    order = dropped.to(torch.uint8).argsort(dim=1, stable=True)
    mask = (group.mask & ~dropped).gather(1, order)
    length = int(mask.sum(dim=1).max())
    return PaddedWindows(
        group.ids.gather(1, order)[:, :length],
        mask[:, :length],
        (group.piece_mask & ~dropped).gather(1, order)[:, :length],
    )
