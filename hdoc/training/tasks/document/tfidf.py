"""A fit of TF-IDF and a linear classifier under the training command.

It has no steps, so Lightning's loop is left out; configuration, data, figures, calibration, MLflow and the
run's folder are those of every other fit.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from pytorch_lightning import Trainer
from torch import Tensor

from hdoc.baselines.tfidf import TfidfModel, TfidfSettings, fit_tfidf_model
from hdoc.console import say
from hdoc.errors import HdocError, ModelError
from hdoc.metrics.classification import figures
from hdoc.tasks.temperature import UNCALIBRATED, Temperature
from hdoc.tracking.run_logger import RunLogger
from hdoc.training.data.module import DocumentData
from hdoc.training.finish.finish import say_figures
from hdoc.training.outcome import Outcome, write_outcome
from hdoc.training.run_record import RunRecord
from hdoc.training.tasks.calibration import fit_temperature
from hdoc.training.tasks.document.dev_plots import draw_dev
from hdoc.training.tasks.document.learner import DocumentLearner


def fit_tfidf(trainer: Trainer, learner: DocumentLearner, data: DocumentData, folder: Path) -> None:
    """Fit on train, choose on dev, evaluate on test, and log it all.

    Args:
        trainer: gives the logger; trains nothing.
        learner: gives architecture and options.
        data: as for any other fit.
        folder: of the run.

    Raises:
        ModelError: the architecture has no such option.
        HdocError: documents have several labels.
    """
    settings = tfidf_settings(learner.architecture, learner.options)
    if data.multi_label:
        raise HdocError("expected one label a document: TF-IDF is fitted for single labels only")
    data.prepare_data()
    data.setup("test" if "test" in data.fingerprint else "fit")
    trainer.datamodule = data  # type: ignore[attr-defined]
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    record = next(callback for callback in callbacks if isinstance(callback, RunRecord))
    record.save_config(trainer, learner, "fit")
    logger = trainer.logger if isinstance(trainer.logger, RunLogger) else None
    try:
        _fit(settings, data, folder, logger)
    except BaseException as error:
        if logger:
            record.on_exception(trainer, learner, error)
            logger.finalize("failed")
        raise
    if logger:
        logger.finalize("success")


def tfidf_settings(architecture: str, options: Mapping[str, Any]) -> TfidfSettings:
    """Return the settings of an architecture such as "tfidf-svm".

    Raises:
        ModelError: it has no such option.
    """
    known = [field.name for field in fields(TfidfSettings) if field.name != "kind"]
    for name in options:
        if name not in known:
            raise ModelError(
                f"expected model.options of the architecture {architecture} among: {', '.join(known)}; "
                f"got {name!r}"
            )
    return TfidfSettings("svm" if architecture.endswith("svm") else "logistic", **options)


def _fit(settings: TfidfSettings, data: DocumentData, folder: Path, logger: RunLogger | None) -> None:
    def macro_f1(scores: Tensor, targets: Tensor) -> float:
        return figures(scores, targets, data.labels)["macro_f1"]

    def tried(penalty: float, figure: float) -> None:
        say(f"C {penalty:g}  dev/macro_f1 {figure:.4f}")

    has_dev = "dev" in data.fingerprint or data.dev_share > 0
    dev = _documents(data, "dev") if has_dev else ([], data.texts("train").targets[:0])
    start = time.monotonic()
    model = fit_tfidf_model(settings, _documents(data, "train"), dev, macro_f1, tried)
    train_seconds = time.monotonic() - start
    scores = {"dev": (model.scores(dev[0]), dev[1])} if has_dev else {}
    temperature = fit_temperature(*scores["dev"]) if has_dev else UNCALIBRATED
    test_seconds = 0.0
    if "test" in data.fingerprint:
        texts, targets = _documents(data, "test")
        start = time.monotonic()
        scores["test"] = model.scores(texts), targets
        test_seconds = time.monotonic() - start
    splits = {split: figures(*values, data.labels, temperature) for split, values in scores.items()}
    facts = {
        "architecture": f"tfidf-{settings.kind}",
        "labels": data.labels,
        "temperature": asdict(temperature),
    }
    outcome = Outcome(facts, model.n_parameters, train_seconds, test_seconds, splits)
    plots = draw_dev(*scores["dev"], data.labels, temperature, folder) if has_dev else None
    _show(outcome, temperature, model, plots, logger)
    write_outcome(folder, outcome, scores)


def _documents(data: DocumentData, split: str) -> tuple[list[str], Tensor]:
    documents = data.texts(split)
    return [documents[i][1] for i in range(len(documents))], documents.targets


def _show(
    outcome: Outcome,
    temperature: Temperature,
    model: TfidfModel,
    plots: Path | None,
    logger: RunLogger | None,
) -> None:
    """Say and log what came out."""
    say_figures(outcome.splits)
    if logger is None:
        return
    for split, values in outcome.splits.items():
        logger.log_metrics({f"{split}/{name}": value for name, value in values.items()})
    logger.log_metrics(
        {
            "tfidf/penalty": model.penalty,
            "calibration/temperature": temperature.base,
            "calibration/temperature_spread": temperature.spread,
        }
    )
    if plots:
        logger.log_folder(plots, "plots")
