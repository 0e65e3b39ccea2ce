"""Leaving out some sentences and word pieces in training.

What is left out is deleted, not masked: the encoder never sees it, it costs nothing, and the network
learns to read texts with gaps, which is what deleting words to test an explanation gives it.
Randomness comes from torch's global generator.
"""

from __future__ import annotations

import torch

from hdoc.encoders.batches import DocumentBatch, PaddedWindows


def drop_windows(batch: DocumentBatch, share: float, limit: int | None = None) -> DocumentBatch:
    """Leave out windows at random; each document keeps at least one.

    Args:
        batch: documents.
        share: of the windows that are left out, 0 to 1.
        limit: most windows that a document keeps; None for all that the share leaves.
    """
    longest = int(batch.counts.max()) if len(batch.counts) else 0
    limit = longest if limit is None else limit
    if share <= 0 and longest <= limit:
        return batch
    device = batch.rows.device
    owners = torch.repeat_interleave(torch.arange(len(batch.counts), device=device), batch.counts)
    chances = torch.rand(len(owners), device=device)
    # Within each document, how many windows have a better chance to stay.
    order = chances.argsort(descending=True)
    order = order[owners[order].argsort(stable=True)]
    firsts = (batch.counts.cumsum(0) - batch.counts)[owners]
    ranks = torch.empty_like(owners)
    ranks[order] = torch.arange(len(owners), device=device) - firsts
    keep = (chances >= share) & (ranks < limit) | (ranks == 0)

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
