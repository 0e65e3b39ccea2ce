"""Batches made in the background, which a run that was interrupted goes on with where it was.

A thread makes the next few batches while the model works on this one: that is copying out of a memory map
and numpy, too little work for processes. For Lightning the loader is any iterable with a length whose
sampler knows the epoch and whose state goes into checkpoints.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from hdoc.errors import DataError
from hdoc.training.data.sampling import Batch, BatchSampler

T = TypeVar("T")

_AHEAD = 4


class BatchLoader(Generic[T]):
    """Makes what a sampler names, ahead of time.

    Args:
        sampler: names the documents of each batch.
        make: turns the documents' indices into a batch.
        n_trained: says how many batches of this epoch the model was trained on; None to count those that
            were handed out. They differ when training stops in the middle of a batch.

    Attributes:
        sampler: Lightning tells it the epoch.
    """

    def __init__(
        self,
        sampler: BatchSampler,
        make: Callable[[Batch], T],
        n_trained: Callable[[], int] | None = None,
    ) -> None:
        self.sampler = self.batch_sampler = sampler
        self._make = make
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._n_trained = n_trained
        self._handed_out = 0
        self._epoch = 0  # that `_handed_out` counts in
        self._resuming = False

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[T]:
        """Iterate over the batches of the epoch that is set when the first one is asked for.

        The first time after `load_state_dict`, the batches that the state says were trained on are left out,
        unless another epoch is set by then.
        """
        first = self._handed_out if self._resuming and self._epoch == self.sampler.epoch else 0
        self._resuming, self._epoch = False, self.sampler.epoch
        self._handed_out = first
        waiting: deque[Future[T]] = deque()
        for batch in self.sampler.batches()[first:]:
            waiting.append(self._thread.submit(self._make, batch))
            if len(waiting) > _AHEAD:
                yield self._hand_out(waiting)
        while waiting:
            yield self._hand_out(waiting)

    def _hand_out(self, waiting: deque[Future[T]]) -> T:
        batch = waiting.popleft().result()
        self._handed_out += 1
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Return where training is: the same for every process, and independent of what was made ahead."""
        trained = self._handed_out
        if self._n_trained is not None:
            trained = min(trained, self._n_trained())
        return {"epoch": self._epoch, "batch": trained, "n_batches": len(self)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a state says that training was.

        Raises:
            DataError: the state is of other data, or of batches of another size.
        """
        if state["n_batches"] != len(self):
            raise DataError(
                f"expected {state['n_batches']} batches an epoch, as when the checkpoint was written, got "
                f"{len(self)}; resume with the same data, batch sizes, seed and number of devices"
            )
        self._epoch, self._handed_out = state["epoch"], state["batch"]
        self._resuming = True
