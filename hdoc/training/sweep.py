"""`hdoc train sweep`: a search for good settings, as trainings that Optuna chooses one after another.

Each trial is a run of its own, nested in one of the search in MLflow. The study is kept in an SQLite file:
the same command goes on where it was stopped, also in the middle of a trial.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.console import say
from hdoc.errors import HdocError
from hdoc.tracking.client import tracking_uri
from hdoc.tracking.report_run import ReportRun
from hdoc.tracking.runs import open_runs, print_runs, read_runs
from hdoc.training.configs import setting

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

_NEEDED_BY = "a search"
# How a training ends that was told to stop: the search is to stop as well.
_STOPPED = (-signal.SIGINT, -signal.SIGTERM, 128 + signal.SIGINT, 128 + signal.SIGTERM)


class Search:
    """A search and its trainings.

    Args:
        name: of the study, of its run in MLflow and of the folder of its trainings.
        space: options to search over.
        arguments: of `hdoc train fit` for each training.
    """

    def __init__(self, name: str, space: dict[str, Any], arguments: Sequence[str]) -> None:
        self.name, self.space, self.arguments = name, space, list(arguments)
        self.experiment = setting(self.arguments, "run.experiment", "hdoc")
        runs = setting(self.arguments, "run.folder", "runs")
        self.folder = Path(runs) / self.experiment
        self.place = self.folder / f"{name}.db"
        self.metric = "macro_f1"  # until a training says what its task is measured by

    def run(self, n_trials: int) -> None:
        """Train until the study has `n_trials` results.

        Raises:
            HdocError: Optuna is not installed, or nothing but failures came of the first three trials.
        """
        study = self._study()
        run = self._run(study)
        ending = "FAILED"
        try:
            for trial in _unfinished(study):
                self._train(study, trial, run)
            while len(_finished(study)) < n_trials:
                if len(study.trials) >= 3 and not _finished(study):
                    raise HdocError(
                        f"the first {len(study.trials)} trainings of the search failed; try one alone: "
                        f"hdoc train fit {' '.join(self.arguments)}"
                    )
                self._train(study, study.ask(), run)
            ending = "FINISHED"
        except KeyboardInterrupt:
            ending = "KILLED"
            raise
        finally:
            run.end(ending)
        self._show(study, run)

    def _study(self) -> Study:
        try:
            import optuna
        except ImportError as error:
            raise HdocError("a search needs Optuna; run: pip install 'hdoc[train]'") from error
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.folder.mkdir(parents=True, exist_ok=True)
        storage = f"sqlite:///{self.place}"
        study = optuna.create_study(
            storage=storage, study_name=self.name, direction="maximize", load_if_exists=True
        )
        # Seeded by where the search stands: one that goes on must not propose its first trials again.
        study.sampler = optuna.samplers.TPESampler(seed=len(study.trials), n_startup_trials=8)
        self.metric = study.user_attrs.get("metric", self.metric)
        if study.trials:
            say(f"{self.place}: the search goes on after {len(_finished(study))} results")
        return study

    def _train(self, study: Study, trial: Trial | FrozenTrial, run: ReportRun) -> None:
        values = trial.params if _is_frozen(trial) else self._suggest(trial)
        name = f"{self.name}-{trial.number:03}"
        folder = self.folder / name
        own = [part for key, value in values.items() for part in (f"--{key}", str(value))]
        fit = ["fit", *self.arguments, *own, "--run.name", name, "--run.parent", run.run_id]
        if (folder / "checkpoints" / "last.ckpt").is_file():
            fit = ["fit", "--resume", str(folder)]
        elif folder.exists():  # it was stopped before its first checkpoint
            fit += ["--run.name", f"{name}-again"]
            folder = self.folder / f"{name}-again"
        say(f"trial {trial.number}: {' '.join(own)}")
        done = subprocess.run([sys.executable, "-m", "hdoc", "train", *fit], check=False)  # noqa: S603 (ourselves)
        if done.returncode in _STOPPED:
            raise KeyboardInterrupt
        found = _result(folder)
        if done.returncode or found is None:
            study.tell(trial.number, state=_state("FAIL"))
            return
        self.metric, result = found
        study.set_user_attr("metric", self.metric)
        study.tell(trial.number, result)
        best = study.best_trial
        told = f"trial {trial.number}: dev {self.metric} {result:.4f}"
        say(f"{told}; best {best.value:.4f} of trial {best.number}")
        self._log(run, trial.number, result, best.value or 0.0)

    def _suggest(self, trial: Any) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, given in self.space.items():
            if "choices" in given:
                # As text: Optuna keeps numbers and texts only.
                choices = [one if isinstance(one, str) else json.dumps(one) for one in given["choices"]]
                values[name] = trial.suggest_categorical(name, choices)
            elif isinstance(given["low"], int) and isinstance(given["high"], int):
                values[name] = trial.suggest_int(
                    name, given["low"], given["high"], log=bool(given.get("log"))
                )
            else:
                low, high = float(given["low"]), float(given["high"])
                values[name] = trial.suggest_float(name, low, high, log=bool(given.get("log")))
        return values

    def _run(self, study: Study) -> ReportRun:
        """Return the MLflow run of the search, which its trainings are nested in; made at the first start."""
        known: str | None = study.user_attrs.get("mlflow_run")
        if known is not None:
            return ReportRun.again(tracking_uri(), known, _NEEDED_BY)
        run = ReportRun.start(tracking_uri(), self.experiment, self.name, _NEEDED_BY, {"hdoc.stage": "sweep"})
        run.log_json("space.json", self.space)
        study.set_user_attr("mlflow_run", run.run_id)
        return run

    def _log(self, run: ReportRun, number: int, result: float, best: float) -> None:
        try:
            names = f"trial/dev/{self.metric}", f"dev/{self.metric}"
            run.log_metrics(dict(zip(names, (result, best), strict=True)), number)
        except HdocError as error:
            say(f"MLflow was not told of trial {number}, {self.place} has it: {error}")

    def _show(self, study: Study, run: ReportRun) -> None:
        best = study.best_trial
        print_runs(read_runs(open_runs(), self.experiment, parent=run.run_id), f"dev/{self.metric}")
        own = " ".join(f"--{key} {value}" for key, value in best.params.items())
        say(f"best: trial {best.number}, dev {self.metric} {best.value:.4f}: {own}")


def _result(folder: Path) -> tuple[str, float] | None:
    """Return name and value of a training's first figure on dev, which is the one that is watched."""
    try:
        outcome = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
        name, value = next(iter(outcome["splits"]["dev"].items()))
        return str(name), float(value)
    except (OSError, ValueError, KeyError, StopIteration):
        return None


def _state(name: str) -> Any:
    from optuna.trial import TrialState

    return TrialState[name]


def _finished(study: Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(_state("COMPLETE"),))


def _unfinished(study: Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(_state("RUNNING"),))


def _is_frozen(trial: Any) -> bool:
    from optuna.trial import FrozenTrial

    return isinstance(trial, FrozenTrial)
