"""Mean loss and accuracy since the last look, overall and by source of text."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class RunningMeans:
    """Sums over batches, kept on the device so that no step waits for them."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}

    def add(self, losses: Tensor, hits: Tensor, sources: Tensor, n_sources: int) -> None:
        """Add the masked pieces of a batch.

        Args:
            losses: of each, (chosen,).
            hits: 1 where the most probable piece is the right one, else 0, (chosen,).
            sources: number of each one's source, (chosen,).
            n_sources: how many sources there are.
        """
        for name, values in (("loss", losses), ("accuracy", hits), ("n", torch.ones_like(losses))):
            sums = self._sums.setdefault(name, torch.zeros(n_sources, device=losses.device))
            sums.index_add_(0, sources, values)

    def add_pairs(self, n_hits: Tensor, n_pairs: Tensor) -> None:
        """Add the next-sentence predictions of a batch: how many were right, of how many."""
        sums = self._sums.setdefault("pairs", torch.zeros(2, device=n_pairs.device))
        sums += torch.stack((n_hits, n_pairs))

    def take(self, source_names: Sequence[str], prefix: str = "") -> dict[str, float]:
        """Return the means of what was added, and begin anew.

        Args:
            source_names: in the order of their numbers.
            prefix: stands before the names of the metrics.
        """
        loss, accuracy, n = (self._sums[name].tolist() for name in ("loss", "accuracy", "n"))
        means = {f"{prefix}loss": sum(loss) / sum(n), f"{prefix}accuracy": sum(accuracy) / sum(n)}
        for name, total, count in zip(source_names, loss, n, strict=True):
            if count:
                means[f"{prefix}loss/{name}"] = total / count
        if "pairs" in self._sums:
            n_hits, n_pairs = self._sums["pairs"].tolist()
            means[f"{prefix}next_sentence_accuracy"] = n_hits / max(1, n_pairs)
        self._sums = {}
        return means
