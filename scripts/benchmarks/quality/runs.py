"""All runs of a task: made by `hdoc train fit`, resumed after a kill, left out where they are done.

The name of a run holds a hash of everything that decides its outcome, documents and encoder too, so a run
with other settings is another run, and one that is found was made as it would be made now.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.quality.entries import Entry
from benchmarks.quality.run import Run
from benchmarks.quality.tasks import Task
from benchmarks.quality.training import Train, train_in_process
from hdoc.errors import HdocError

EXPERIMENT = "quality"


@dataclass(slots=True)
class Bench:
    """All runs of a task.

    Attributes:
        task: its documents.
        entries: what is compared.
        seeds: the first is that of the search.
        n_trials: settings that each entry may try.
        folder: holds the folders of runs.
        more: further arguments of the training command, the same for all.
        epochs: most epochs of an entry's fits, by its name; "" stands for all others, and without it they
            have the config's.
        train: runs it.
        jobs: how many runs are made at once.
        say: told of each run as it ends.
        failures: why a run has no outcome, by entry.
    """

    task: Task
    entries: Sequence[Entry]
    seeds: Sequence[int]
    n_trials: int
    folder: Path
    more: Sequence[str] = ()
    epochs: Mapping[str, int] = field(default_factory=dict)
    train: Train = train_in_process
    jobs: int = 1
    say: Callable[[str], None] = lambda _line: None
    failures: dict[str, str] = field(default_factory=dict)
    _fingerprint: str = ""

    def make(self) -> Iterator[Run]:
        """Make all runs: the search of each entry with the first seed, then the other seeds.

        Yields:
            Each run as it is done, also those that were done before.
        """
        yield from self._make_all([run for entry in self.entries for run in self._search(entry)])
        best = [run for entry in self.entries if (run := self.best(entry)) is not None]
        yield from self._make_all([self.run(b.entry, b.trial, seed) for seed in self.seeds[1:] for b in best])

    def find(self) -> Iterator[Run]:
        """Yield the runs that are done, and note which entries lack some."""
        for entry in self.entries:
            best = self.best(entry)
            seeds = [self.run(entry, best.trial if best else 0, seed) for seed in self.seeds[1:]]
            wanted = [*self._search(entry), *seeds]
            done = [run for run in wanted if run.is_done]
            if len(done) < len(wanted):
                self.failures[entry.name] = f"{len(wanted) - len(done)} of {len(wanted)} not run yet"
            yield from done

    def _search(self, entry: Entry) -> list[Run]:
        """Return the runs of an entry's search, done or not."""
        return [self.run(entry, trial, self.seeds[0]) for trial in range(self.n_trials)]

    def _make_all(self, runs: Sequence[Run]) -> Iterator[Run]:
        """Make the fits of runs, some at once and none twice; yields runs in order, without what failed."""
        if self.jobs == 1:  # each waits until whoever asked for the one before is done with it
            ended: dict[Path, str] = {}
            for run in runs:
                if run.folder not in ended:
                    ended[run.folder] = self._fit(run)
                yield from self._found(run, ended[run.folder])
            return
        pool = ThreadPoolExecutor(self.jobs)
        making: dict[Path, Future[str]] = {}
        try:
            for run in runs:
                if run.folder not in making:
                    making[run.folder] = pool.submit(self._fit, run)
            for run in runs:
                yield from self._found(run, making[run.folder].result())
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C, which has ended those under way as well

    def run(self, entry: Entry, trial: int, seed: int) -> Run:
        """Return a run, done or not."""
        self._fingerprint = self._fingerprint or self.task.fingerprint()
        epochs = self.epochs.get(entry.fit, self.epochs.get(""))
        limit = [] if epochs is None else ["--trainer.max_epochs", str(epochs)]
        values = [*limit, *self.more, *entry.arguments(self.task.base, trial)]
        values += ["--seed_everything", str(seed), "--data.seed", str(seed)]
        key = hashlib.sha256(json.dumps([values, self._fingerprint]).encode()).hexdigest()[:8]
        name = f"{self.task.name}-{entry.fit}-{trial}-seed{seed}-{key}"
        place = ["--run.experiment", EXPERIMENT, "--run.name", name, "--run.folder", str(self.folder)]
        return Run(
            self.task,
            entry,
            trial,
            seed,
            self.folder / EXPERIMENT / name,
            ("fit", *self.task.arguments(), *values, *place),
        )

    def best(self, entry: Entry) -> Run | None:
        """Return the run of an entry's search that did best on dev, or None if none is done.

        A part of a fit goes with the whole, whose settings are chosen for the sum.
        """
        done = [run for run in self._search(entry) if run.is_done]
        return max(done, key=Run.dev_macro_f1, default=None)

    def chosen(self, entry: Entry) -> list[Run]:
        """Return the runs of the setting that was chosen, of all seeds that are done.

        A single setting needs no choice, so any seed of it will do; others wait for the first seed.
        """
        best = self.best(entry)
        if best is None and self.n_trials > 1:
            return []
        runs = [self.run(entry, best.trial if best else 0, seed) for seed in self.seeds]
        return [run for run in runs if run.is_done]

    def tried(self, entry: Entry) -> int:
        """Return how many settings `chosen` has chosen from."""
        return max(1, sum(run.is_done for run in self._search(entry)))

    def _fit(self, run: Run) -> str:
        """Make a fit, or the rest of it, unless it is done; returns why it has no outcome, if so."""
        if run.is_fitted:
            return ""
        arguments = list(run.arguments)
        last = run.folder / "checkpoints" / "last.ckpt"
        if last.is_file():
            arguments = ["fit", "--resume", str(run.folder)]
        elif run.folder.exists():
            shutil.rmtree(run.folder)  # it ended before there was anything to go on from
        try:
            self.train(arguments, self.folder / EXPERIMENT / "logs" / f"{run.folder.name}.log")
        except HdocError as error:
            return str(error)
        return "" if run.is_fitted else f"{run.folder} has no outcome.json"

    def _found(self, run: Run, failure: str) -> Iterator[Run]:
        """Say what a run came to; yields it if it came to anything."""
        if failure:
            self.failures[run.entry.name] = failure
            self.say(f"{run.folder.name}: {failure}")
        elif not run.is_done:
            self.say(f"{run.folder.name}: {run.entry.name} is no part of what it left")
        else:
            outcome = run.outcome()
            figures = "  ".join(
                f"{split} macro-F1 {values['macro_f1']:.4f}" for split, values in outcome["splits"].items()
            )
            name = " ".join(filter(None, (run.folder.name, run.entry.part)))
            self.say(f"{name}: {figures}  {outcome['train_seconds'] / 60:.1f} min")
            yield run
