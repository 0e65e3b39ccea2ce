"""What a training costs and where its time goes, gathered between two logged steps."""

from __future__ import annotations

import time

import torch
from pytorch_lightning.profilers import PassThroughProfiler
from torch import Tensor

from hdoc.tokens.flat_windows import FlatWindows


class WaitProfiler(PassThroughProfiler):
    """Counts the seconds for which training waited for the next batch; costs nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0
        self._since = 0.0

    def start(self, action_name: str) -> None:
        """Begin to wait."""
        if action_name.endswith("train_dataloader_next"):
            self._since = time.perf_counter()

    def stop(self, action_name: str) -> None:
        """The batch is there."""
        if action_name.endswith("train_dataloader_next"):
            self.waited += time.perf_counter() - self._since


class StepMeter:
    """Adds up items, tokens, losses and seconds; `read` gives their means and begins anew.

    The sum of losses stays on the device, so that counting never waits for it.

    Args:
        items: what the items of the task are, in the plural, as figures are to name them.
    """

    def __init__(self, items: str = "documents") -> None:
        self.items = items
        self.waits = WaitProfiler()
        self.gradient_norm: Tensor | None = None
        self._since = time.perf_counter()
        self._begin()

    def _begin(self) -> None:
        self._n_items = 0
        self._n_cells = 0
        self._n_tokens = 0
        self._loss: Tensor | float = 0.0

    def restart(self) -> None:
        """Start the clock at the beginning of training."""
        self._since, self.waits.waited = time.perf_counter(), 0.0
        self._begin()

    def pause(self) -> None:
        """Stop the clock: validation is no training time."""
        self._paused_at = time.perf_counter()

    def proceed(self) -> None:
        """Let the clock run on."""
        self._since += time.perf_counter() - self._paused_at

    def count(self, n_items: int, windows: FlatWindows) -> None:
        """Count a batch as the data gave it: its items, and the windows of all their texts."""
        self._n_items += n_items
        self._n_cells += windows.n_cells
        self._n_tokens += len(windows.ids)

    def add_losses(self, losses: Tensor) -> None:
        """Add the losses of a batch's items."""
        self._loss = self._loss + losses.sum()

    def read(self, world_size: int) -> dict[str, float]:
        """Return what happened since the last call.

        Returns:
            Mean loss of an item; share of padding among all tokens; tokens and items a second, over all
            ranks; share of the time spent waiting for data; norm of the last gradient before clipping.
        """
        now = time.perf_counter()
        seconds = now - self._since
        values = {
            "loss": float(self._loss) / max(1, self._n_items),
            "padding_share": 1 - self._n_tokens / max(1, self._n_cells),
            "tokens_per_second": self._n_tokens * world_size / seconds,
            f"{self.items}_per_second": self._n_items * world_size / seconds,
            "waiting_share": self.waits.waited / seconds,
        }
        if self.gradient_norm is not None:
            values["gradient_norm"] = float(self.gradient_norm)
        self._since, self.waits.waited = now, 0.0
        self._begin()
        return values


def learning_rates(optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """Return the learning rates of the head and of the encoder's top layer."""
    rates = {group["name"]: float(group["lr"]) for group in optimizer.param_groups}
    return {f"learning_rate/{name}": rates[name] for name in ("head", "encoder") if name in rates}
