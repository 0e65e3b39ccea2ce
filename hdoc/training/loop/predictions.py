"""Gathers the predictions of a whole split.

`Predictions` is a torchmetrics metric, so that the figures of several processes are those of one; all
figures (`hdoc.metrics.classification`) are then computed at once, on all documents.
"""

from __future__ import annotations

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from hdoc.metrics.classification import N_BINS, figures, probabilities

__all__ = ["N_BINS", "Predictions", "figures", "probabilities"]


class Predictions(Metric):
    """Logits, targets and rows of all documents of a split, over all processes."""

    full_state_update = False
    logits: list[Tensor]
    targets: list[Tensor]
    rows: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("logits", "targets", "rows"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, logits: Tensor, targets: Tensor, rows: Tensor) -> None:
        """Add a batch.

        Args:
            logits: (documents, classes).
            targets: (documents,), or (documents, classes) if a document may have several.
            rows: which documents of the split they are, (documents,).
        """
        self.logits.append(logits.float())
        self.targets.append(targets)
        self.rows.append(rows)

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return logits and targets in the order of the rows."""
        # Lists of batches, or what became of them when processes put theirs together.
        order = dim_zero_cat(self.rows).argsort()
        return dim_zero_cat(self.logits)[order], dim_zero_cat(self.targets)[order]
