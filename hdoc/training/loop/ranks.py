"""Several processes of one training: what is done and said when one of them dies.

Its peers would wait for it in the middle of a step, or end with a page of the communication library's
calls. Lightning ends them all by SIGKILL within five seconds, without a word. Here each has a moment to
end by its own error, so that the run is closed in MLflow, and the first of them says in one line what
happened and how to go on.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_only

from hdoc.console import complain
from hdoc.errors import HdocError

# Seconds: between two looks at the other processes; for this one to end by itself, and to see why it does.
_PERIOD, _GRACE, _LOOK = 0.5, 5.0, 2.0


class RankWatch(Callback):
    """Watches the other processes from the start of a training until it is told to stop.

    A process that is stuck in a step with one that is gone ends after a moment, with status 1.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parent = os.getppid()
        self._processes: list[Popen[bytes]] = []
        self._over = threading.Event()
        self._watches = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Begin, once the other processes have been started."""
        if trainer.world_size > 1 and not self._watches:
            self._watches = True
            self._processes = list(getattr(trainer.strategy.launcher, "procs", None) or ())
            _take_over_from_lightning()
            threading.Thread(target=self._watch, name="rank-watch", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer: the training has ended."""
        self._over.set()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Let errors that come from the loss of another process say so.

        Raises:
            HdocError: another process is gone, and it is up to this one to say so.
            SystemExit: another process is gone, and the first one says so.
        """
        try:
            yield
        except HdocError:
            raise
        except Exception as error:
            lost = self._waited_for(error) if self._watches else None
            if lost is None:
                raise
            self.stop()
            self._end_others()
            if rank_zero_only.rank == 0 or os.getppid() != self._parent:  # type: ignore[attr-defined]
                raise HdocError(self._message(lost)) from error
            sys.exit(1)

    def _waited_for(self, error: Exception) -> str | None:
        """Return which process an error comes from, "" if it cannot be told; None if from this one."""
        end = time.monotonic() + _LOOK
        while not (lost := self._lost()) and time.monotonic() < end:
            time.sleep(0.05)
        return lost if lost or _is_broken_connection(error) else None

    def _watch(self) -> None:
        while not self._over.wait(_PERIOD):
            lost = self._lost()
            if lost and not self._over.wait(_GRACE):
                self._end_others()
                complain(self._message(lost))
                os._exit(1)  # the main thread waits in a call that nothing interrupts

    def _lost(self) -> str:
        for number, process in enumerate(self._processes, start=1):
            status = process.poll()
            if status:
                how = (
                    f"was ended by {signal.Signals(-status).name}"
                    if status < 0
                    else f"ended with status {status}"
                )
                return f"process {number + 1} of {len(self._processes) + 1} on this machine {how}"
        return "" if os.getppid() == self._parent else "the process that started this one is gone"

    def _end_others(self) -> None:
        for process in self._processes:
            process.kill()

    def _message(self, lost: str) -> str:
        return (
            f"the training ended because {lost or 'the connection to another of its processes broke'}; "
            f"go on from its last checkpoint: hdoc train fit --resume {self._folder}"
        )


def _take_over_from_lightning() -> None:
    """Leave Lightning's own watch nothing to look at: it would end this process before it can say why."""
    for thread in threading.enumerate():
        if thread.name == "child-process-observer":
            thread._child_processes = []  # type: ignore[attr-defined]


def _is_broken_connection(error: BaseException) -> bool:
    # Gloo has no error class of its own.
    return isinstance(error, torch.distributed.DistError) or (
        isinstance(error, RuntimeError) and ("gloo/" in str(error) or "NCCL" in str(error))
    )
