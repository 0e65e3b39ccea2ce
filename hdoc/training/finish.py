"""The end of a fit: the best checkpoint is calibrated, evaluated, exported and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Trainer

from hdoc.training.calibration import fit_temperature
from hdoc.training.checkpoints import RunCheckpoint, write_checkpoint
from hdoc.training.data import DocumentData
from hdoc.training.export import export_checkpoint, read_checkpoint
from hdoc.training.learner import CHECKPOINT_KEY, DocumentLearner
from hdoc.training.metrics import figures
from hdoc.training.record import say
from hdoc.training.tracking import RunLogger


def finish_fit(trainer: Trainer, learner: DocumentLearner, data: DocumentData, folder: Path) -> None:
    """Fit the temperature on dev, evaluate, export the model, and log pictures and explanations.

    Args:
        trainer: after its fit.
        learner: any weights; those of the best checkpoint are loaded.
        data: dev is used for the temperature; test, if there is one, is evaluated once.
        folder: of the run.
    """
    checkpoint = trainer.checkpoint_callback
    if trainer.fast_dev_run or not isinstance(checkpoint, RunCheckpoint) or not checkpoint.best_model_path:
        return
    best = Path(checkpoint.best_model_path)
    trainer.validate(learner, datamodule=data, ckpt_path=str(best), verbose=False)
    logits, targets = _gathered(learner)
    learner.temperature = temperature = fit_temperature(logits, targets)
    raw, dev = (figures(logits, targets, learner.labels, t) for t in (1.0, temperature))
    splits = {"dev": dev}
    if data.has_test:
        trainer.test(learner, datamodule=data, verbose=False)
        splits["test"] = figures(*_gathered(learner), learner.labels, temperature)
    if trainer.is_global_zero:
        _amend(best, temperature, splits)
        export_checkpoint(best, folder / "model")
        if isinstance(trainer.logger, RunLogger):
            values = {"temperature": temperature, "dev_ece_before": raw["ece"], "dev_ece_after": dev["ece"]}
            trainer.logger.log_metrics(
                {f"calibration/{name}": value for name, value in values.items()}, trainer.global_step
            )
            trainer.logger.log_folder(folder / "model", "model")
        for split, values in splits.items():
            say(f"{split}: " + "  ".join(f"{k} {v:.4f}" for k, v in values.items() if "/" not in k))
        say(f"model folder {folder / 'model'}; next: hdoc explain -m {folder / 'model'} FILE")


def _gathered(learner: DocumentLearner) -> tuple[torch.Tensor, torch.Tensor]:
    if learner.gathered is None:
        raise ValueError("expected predictions of a whole split; validate or test first")
    return learner.gathered


def _amend(path: Path, temperature: float, splits: dict[str, dict[str, float]]) -> None:
    """Put temperature and figures into a checkpoint, so that it can be exported again at any time."""
    content: dict[str, Any] = read_checkpoint(path)
    content[CHECKPOINT_KEY].update(temperature=temperature, figures=splits)
    write_checkpoint(content, path)


def write_predictions(trainer: Trainer, learner: DocumentLearner, folder: Path) -> None:
    """Write one JSON line a document, in the order of the file: label, probability, probabilities."""
    raise NotImplementedError
