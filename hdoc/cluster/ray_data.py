"""Blocks to Ray Data: as many workers as there are GPUs or cores, each with the model loaded once.

Ray brings blocks to workers, starts workers anew that have died, and knows the machines of a cluster.
Reading and writing stay hdoc's own, inside the worker: so a broken row is a row with its error, as in one
process, and no document travels through Ray's memory.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hdoc.cluster.plan import Block, Settings
from hdoc.cluster.worker import BlockClassifier
from hdoc.errors import HdocError

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NAMED = re.compile(r"^hdoc\.errors\.\w+: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Workforce:
    """How many workers there are, and what each has to itself.

    Attributes:
        n_workers: processes with a model each.
        n_cores: of each; all but one find sentences.
        n_gpus: of each, 0 or 1.
    """

    n_workers: int
    n_cores: int
    n_gpus: int


@contextmanager
def ray_cluster() -> Iterator[None]:
    """Join the cluster that RAY_ADDRESS names or that runs on this machine, or start one of this machine.

    A session of Ray that this process has already is used, and left as it is.

    Raises:
        HdocError: Ray is not installed, or the cluster cannot be reached.
    """
    # No reports to anyone, and Ray's own messages only where something is wrong.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise HdocError(f"'--engine ray' needs {error.name}; run: pip install 'hdoc[ray]'") from error
    if ray.is_initialized():
        yield
        return
    try:
        ray.init(logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)
    except Exception as error:  # Ray raises even bare ones, as when a machine is too busy to start in time
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HdocError(f"cannot join or start a Ray cluster: {reason}") from error
    try:
        yield
    finally:
        ray.shutdown()


def workforce(n_workers: int | None, device: str | None) -> Workforce:
    """Say how the cluster is shared out: a worker for each GPU, or for each core where there is none.

    Args:
        n_workers: how many; None for as many as that.
        device: where to compute; "cpu" leaves GPUs alone.

    Raises:
        HdocError: the cluster has fewer cores or GPUs than workers.
    """
    import ray

    resources = ray.cluster_resources()
    cores, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
    uses_gpus = gpus > 0 and not (device or "cuda").startswith("cpu")
    most = min(gpus, cores) if uses_gpus else cores
    n_workers = n_workers or most
    if n_workers > most or most == 0:
        raise HdocError(
            f"expected at most {most} workers on a cluster of {cores} cores and {gpus} GPUs, "
            f"got {n_workers}; give fewer with --workers"
        )
    return Workforce(n_workers, max(1, cores // n_workers) if uses_gpus else 1, int(uses_gpus))


def classify_blocks(
    blocks: Sequence[Block], settings: Settings, workers: Workforce
) -> Iterator[dict[str, int]]:
    """Classify blocks on the cluster.

    Args:
        blocks: what is to do, at least one.
        settings: of the run.
        workers: who does it.

    Yields:
        What became of a block, as soon as its file is whole; in the order in which they are done.

    Raises:
        HdocError: a block cannot be read or written, a worker has no model, or one died again and again.
    """
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.log_internal_stack_trace_to_stdout = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    data = ray.data.from_items(
        [{"block": block.to_json()} for block in blocks], override_num_blocks=len(blocks)
    )
    try:
        yield from data.map(
            BlockClassifier,
            fn_constructor_args=(settings, workers.n_cores - 1),
            compute=ActorPoolStrategy(
                size=min(workers.n_workers, len(blocks)), max_tasks_in_flight_per_actor=2
            ),
            num_cpus=workers.n_cores,
            num_gpus=workers.n_gpus,
        ).iter_rows()
    except HdocError:
        raise
    except Exception as error:
        raise _explained(error) from error


def _explained(error: BaseException) -> HdocError:
    """Find hdoc's own error among those that Ray wraps around it, or say in one line what came."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, HdocError):
            return type(cause)(_COLOURS.sub("", str(cause)))
        seen.add(id(cause))
        inner = (getattr(cause, "cause", None), cause.__cause__, cause.__context__)
        waiting += [one for one in inner if isinstance(one, BaseException) and id(one) not in seen]
    # An error that does not survive the way between processes is left in the text of another.
    named = _NAMED.findall(_COLOURS.sub("", str(error)))
    if named:
        return HdocError(named[-1].strip())
    lines = [line for line in str(error).splitlines() if line.strip()]
    return HdocError(
        f"a worker failed ({type(error).__name__}: {lines[-1].strip() if lines else 'no reason given'}); "
        "finished blocks are kept, run the same command again to go on"
    )
