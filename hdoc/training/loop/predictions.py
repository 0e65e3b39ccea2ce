"""Gathers the predictions of a whole split.

`Predictions` is a torchmetrics metric, so that the figures of several processes are those of one; all
figures are then computed at once, on all items.
"""

from __future__ import annotations

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class Predictions(Metric):
    """Outputs, targets and rows of all items of a split, over all processes."""

    full_state_update = False
    outputs: list[Tensor]
    targets: list[Tensor]
    rows: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("outputs", "targets", "rows"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, outputs: Tensor, targets: Tensor, rows: Tensor) -> None:
        """Add a batch.

        Args:
            outputs: (items, …).
            targets: (items,), or (items, …).
            rows: which items of the split they are, (items,).
        """
        self.outputs.append(outputs.float())
        self.targets.append(targets)
        self.rows.append(rows)

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return outputs and targets in the order of the rows."""
        # Lists of batches, or what became of them when processes put theirs together.
        order = dim_zero_cat(self.rows).argsort()
        return dim_zero_cat(self.outputs)[order], dim_zero_cat(self.targets)[order]
