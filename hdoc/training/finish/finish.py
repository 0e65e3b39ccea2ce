"""The end of a fit: the best checkpoint is calibrated, evaluated, exported, drawn and shown, for any task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytorch_lightning import LightningDataModule, Trainer
from pytorch_lightning.callbacks import Timer
from torch import Tensor

from hdoc.console import say
from hdoc.models import table_form
from hdoc.tracking.run_logger import RunLogger
from hdoc.training.finish.checkpoint import read_checkpoint
from hdoc.training.loop.checkpoints import RunCheckpoint, write_checkpoint
from hdoc.training.loop.learner import Learner
from hdoc.training.loop.stored_network import CHECKPOINT_KEY
from hdoc.training.outcome import Outcome, Scores, write_outcome

if TYPE_CHECKING:
    from hdoc.training.task import Ending, TrainingTask

Splits = Mapping[str, Mapping[str, float]]
"""The figures of each split."""


def finish_fit(task: TrainingTask, trainer: Trainer, learner: Learner, data: Any, folder: Path) -> None:
    """Fit on dev what stands beside the network, evaluate, export, and log pictures and explanations.

    Args:
        task: what is trained.
        trainer: after its fit.
        learner: any weights; those of the best checkpoint are loaded (without a look at dev, of the last).
        data: dev is what is fitted on; test, if there is one, is evaluated once.
        folder: of the run.
    """
    checkpoint = trainer.checkpoint_callback
    if not isinstance(checkpoint, RunCheckpoint) or not Path(checkpoint.last_model_path).is_file():
        return  # a trial of a few batches
    chosen = checkpoint.best_model_path or checkpoint.last_model_path
    timer = next(callback for callback in trainer.callbacks if isinstance(callback, Timer))  # type: ignore[attr-defined]
    train_seconds = timer.time_elapsed()
    ending = task.ending()(learner, data, folder)
    # Dev is not read again if training read it last with the chosen weights.
    scores = _score(trainer, ending, chosen, read=checkpoint.best_step == trainer.global_step)
    splits = {split: learner.figures(*predicted) for split, predicted in scores.items()}
    if not trainer.is_global_zero:
        return
    _amend(Path(chosen), ending, splits)
    model = folder / "model"
    if ending.can_export():
        task.export(chosen, model)
    _log(trainer, ending, scores, splits)
    test_seconds = timer.time_elapsed("test") if "test" in splits else 0.0
    outcome = Outcome(ending.facts(), ending.n_parameters(), train_seconds, test_seconds, splits)
    ending.write_parts(outcome, scores)
    write_outcome(folder, outcome, scores)
    say_figures(splits)
    if ending.can_export():
        say(f"model folder {model}; next: {task.use.format(model=model)}")


def _score(trainer: Trainer, ending: Ending, chosen: str, read: bool) -> Scores:
    """Return outputs and targets of dev and test, after what stands beside the network was fitted on dev."""
    learner, data = ending.learner, ending.data
    scores: dict[str, tuple[Tensor, Tensor]] = {}
    if data.has_dev and trainer.limit_val_batches:
        if not read:
            trainer.validate(learner, datamodule=data, ckpt_path=chosen, verbose=False)
        scores["dev"] = ending.fit_on_dev()
    if "test" in data.fingerprint:
        trainer.test(learner, datamodule=data, verbose=False)
        scores["test"] = gathered(learner)
    return scores


def _log(trainer: Trainer, ending: Ending, scores: Scores, splits: Splits) -> None:
    """Draw and explain dev in the run's folder, and log it all."""
    logger = trainer.logger if isinstance(trainer.logger, RunLogger) else None
    if logger and ending.can_export():
        model = ending.folder / "model"
        logger.log_model(model, trainer.global_step, table_form(model))
    if logger:
        # The last figures of a run are those of the model that it leaves.
        for split, values in splits.items():
            logger.log_metrics({f"{split}/{name}": v for name, v in values.items()}, trainer.global_step)
    if "dev" not in scores:
        return
    if logger:
        logger.log_metrics(ending.calibration(*scores["dev"]), trainer.global_step)
    made = {"plots": ending.draw(*scores["dev"]), "explanations": ending.explain(*scores["dev"])}
    for name, place in made.items():
        if logger and place:
            logger.log_folder(place, name)


def _amend(path: Path, ending: Ending, splits: Splits) -> None:
    """Put all that came after training into a checkpoint, so that it can be exported at any time."""
    content: dict[str, Any] = read_checkpoint(path)
    content[CHECKPOINT_KEY].update(**ending.amendments(), figures=splits)
    write_checkpoint(content, path)


def gathered(learner: Learner) -> tuple[Tensor, Tensor]:
    """Return outputs and targets of the split that was read last."""
    if learner.gathered is None:
        raise ValueError("expected predictions of a whole split; validate or test first")
    return learner.gathered


def say_figures(splits: Splits) -> None:
    """Write a line of figures for each split, without those by class."""
    for split, values in splits.items():
        say(f"{split}: " + "  ".join(f"{k} {v:.4f}" for k, v in values.items() if "/" not in k))


def show_figures(learner: Learner, split: str) -> None:
    """Write all figures of a split that was just evaluated."""
    for name, value in learner.figures(*gathered(learner)).items():
        say(f"{split} {name} {value:.4f}")


def write_predictions(
    task: TrainingTask, trainer: Trainer, learner: Learner, data: LightningDataModule, folder: Path
) -> None:
    """Write `predictions.jsonl`, one line a row in the order of the file."""
    if not trainer.is_global_zero:
        return
    path = folder / "predictions.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    task.ending()(learner, data, folder).write_predictions(path)
    say(f"predictions {path}")
