"""The end of a fit: the best checkpoint is calibrated, evaluated, exported and shown."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import Timer
from torch import Tensor

from hdoc.baselines.han import HierarchicalAttentionNetwork
from hdoc.baselines.registry import HDOC
from hdoc.console import say
from hdoc.explanation import ModelIdentity
from hdoc.tasks.document.network import DocumentNetwork
from hdoc.tasks.temperature import UNCALIBRATED
from hdoc.tracking.run_logger import RunLogger
from hdoc.training.data.module import DocumentData
from hdoc.training.finish.export import export_checkpoint, read_checkpoint
from hdoc.training.finish.outcome import Outcome, Scores, write_outcome
from hdoc.training.finish.summands import write_parts
from hdoc.training.loop.checkpoints import RunCheckpoint, write_checkpoint
from hdoc.training.loop.learner import DocumentLearner
from hdoc.training.loop.predictions import figures, probabilities
from hdoc.training.loop.scorer import CHECKPOINT_KEY
from hdoc.training.tasks.calibration import fit_origin, fit_temperature
from hdoc.training.tasks.document.lexical import fit_lexical, lexical_logits, lexical_to_plain

if TYPE_CHECKING:
    from hdoc.baselines.explaining import HanExplainer
    from hdoc.tasks.document.classifier import DocumentClassifier


def finish_fit(trainer: Trainer, learner: DocumentLearner, data: DocumentData, folder: Path) -> None:
    """Fit the temperature on dev, evaluate, export the model, and log pictures and explanations.

    Args:
        trainer: after its fit.
        learner: any weights; those of the best checkpoint are loaded (without a look at dev, of the last).
        data: dev is used for the temperature; test, if there is one, is evaluated once.
        folder: of the run.
    """
    checkpoint = trainer.checkpoint_callback
    if not isinstance(checkpoint, RunCheckpoint) or not Path(checkpoint.last_model_path).is_file():
        return  # a trial of a few batches
    chosen = checkpoint.best_model_path or checkpoint.last_model_path
    timer = next(callback for callback in trainer.callbacks if isinstance(callback, Timer))  # type: ignore[attr-defined]
    train_seconds = timer.time_elapsed()
    scores, lexical_seconds = _scores(
        trainer, learner, data, chosen, read=checkpoint.best_step == trainer.global_step
    )
    splits = {
        split: figures(*predictions, learner.labels, learner.temperature)
        for split, predictions in scores.items()
    }
    if not trainer.is_global_zero:
        return
    _amend(Path(chosen), learner, splits)
    logger = trainer.logger if isinstance(trainer.logger, RunLogger) else None
    is_hdoc = learner.hparams["architecture"] == HDOC
    if is_hdoc:
        export_checkpoint(chosen, folder / "model")
        if logger:
            logger.log_model(folder / "model", trainer.global_step)
    if logger:
        # The last figures of a run are those of the model that it leaves.
        for split, values in splits.items():
            logger.log_metrics({f"{split}/{name}": v for name, v in values.items()}, trainer.global_step)
    if predictions := scores.get("dev"):
        if logger:
            logger.log_metrics(_calibration(*predictions, learner), trainer.global_step)
        plots = draw(folder, *predictions, learner)
        pages = explain(folder, *predictions, data.texts("dev"), learner)
        if logger:
            logger.log_folder(plots, "plots")
        if logger and pages:
            logger.log_folder(pages, "explanations")
    outcome = _outcome(learner, splits, train_seconds, timer)
    _write_parts(folder, outcome, scores, learner, data, lexical_seconds)
    write_outcome(folder, outcome, scores)
    for split, values in splits.items():
        say(f"{split}: " + "  ".join(f"{k} {v:.4f}" for k, v in values.items() if "/" not in k))
    if is_hdoc:
        say(f"model folder {folder / 'model'}; next: hdoc explain -m {folder / 'model'} FILE")


def _outcome(
    learner: DocumentLearner, splits: Mapping[str, Mapping[str, float]], train_seconds: float, timer: Timer
) -> Outcome:
    lexical = learner.lexical
    n_beside = 0 if lexical is None else lexical.weights.size + lexical.bias.size
    return Outcome(
        learner.hparams["architecture"],
        learner.labels,
        learner.temperature,
        sum(parameter.numel() for parameter in learner.network.parameters()) + n_beside,
        train_seconds,
        timer.time_elapsed("test") if "test" in splits else 0.0,
        splits,
    )


def _may_have_lexical(learner: DocumentLearner) -> bool:
    """Whether scores of words are to stand beside the network's, if they help."""
    return bool(learner.hparams["lexical"]) and learner.hparams["architecture"] == HDOC


def _write_parts(
    folder: Path, whole: Outcome, scores: Scores, learner: DocumentLearner, data: DocumentData, seconds: float
) -> None:
    """Write what the summands come to alone, if there was to be more than one."""
    if _may_have_lexical(learner):
        write_parts(folder, whole, scores, learner.lexical, data, seconds)


def _scores(
    trainer: Trainer, learner: DocumentLearner, data: DocumentData, chosen: str, read: bool
) -> tuple[Scores, float]:
    """Fit on dev what stands beside the network; returns scores on dev and test, and how long that took.

    Dev is not read again if training read it last with the chosen weights.
    """
    scores: dict[str, tuple[Tensor, Tensor]] = {}
    seconds = 0.0
    if data.has_dev and trainer.limit_val_batches:
        if not read:
            trainer.validate(learner, datamodule=data, ckpt_path=chosen, verbose=False)
        logits, targets = _without_lexical(learner, data)
        # Without a sum over words there is no piece to have an origin.
        if isinstance(learner.network, DocumentNetwork) and learner.network.head_weight is not None:
            bias = learner.network.classifier.bias
            learner.origin = fit_origin(logits, bias, targets.is_floating_point())
        if _may_have_lexical(learner):
            start = time.monotonic()
            logits = _add_lexical(learner, data, logits, targets)
            seconds = time.monotonic() - start
        learner.temperature = fit_temperature(logits, targets)
        scores["dev"] = logits, targets
    if "test" in data.fingerprint:
        trainer.test(learner, datamodule=data, verbose=False)
        scores["test"] = _gathered(learner)
    return scores, seconds


def _without_lexical(learner: DocumentLearner, data: DocumentData) -> tuple[Tensor, Tensor]:
    """Return the network's own scores on dev: an end that was interrupted left its fit in the checkpoint."""
    logits, targets = _gathered(learner)
    if learner.lexical is not None:
        logits = logits - lexical_logits(learner.lexical, data.texts("dev")).to(logits)
        learner.lexical = None
    return logits, targets


def _add_lexical(learner: DocumentLearner, data: DocumentData, logits: Tensor, targets: Tensor) -> Tensor:
    """Fit the lexical part beside the network, and return logits on dev with it."""
    train, dev = data.texts("train"), data.texts("dev")
    fit = fit_lexical(train, dev, logits, data.tokenizer, len(learner.labels))
    learner.lexical = fit.scores
    alone = figures(logits, targets, learner.labels)["macro_f1"]
    if fit.scores is None:
        say(f"dev: macro-F1 {alone:.4f}; scores of words do not help")
        return logits
    logits = logits + lexical_logits(fit.scores, dev).to(logits)
    both = figures(logits, targets, learner.labels)["macro_f1"]
    say(f"dev: macro-F1 {alone:.4f} of the network alone, {both:.4f} with scores of words")
    return logits


def _calibration(logits: Tensor, targets: Tensor, learner: DocumentLearner) -> dict[str, float]:
    before, after = (
        figures(logits, targets, learner.labels, temperature)["ece"]
        for temperature in (UNCALIBRATED, learner.temperature)
    )
    return {
        "calibration/temperature": learner.temperature.base,
        "calibration/temperature_spread": learner.temperature.spread,
        "calibration/dev_ece_before": before,
        "calibration/dev_ece_after": after,
    }


def show_figures(learner: DocumentLearner, split: str) -> None:
    """Write all figures of a split that was just evaluated."""
    for name, value in figures(*_gathered(learner), learner.labels, learner.temperature).items():
        say(f"{split} {name} {value:.4f}")


def _gathered(learner: DocumentLearner) -> tuple[Tensor, Tensor]:
    if learner.gathered is None:
        raise ValueError("expected predictions of a whole split; validate or test first")
    return learner.gathered


def _amend(path: Path, learner: DocumentLearner, splits: dict[str, dict[str, float]]) -> None:
    """Put all that came after training into a checkpoint, so that it can be exported at any time."""
    content: dict[str, Any] = read_checkpoint(path)
    content[CHECKPOINT_KEY].update(
        temperature=asdict(learner.temperature),
        origin=learner.origin,
        lexical=lexical_to_plain(learner.lexical),
        figures=splits,
    )
    write_checkpoint(content, path)


def draw(folder: Path, logits: Tensor, targets: Tensor, learner: DocumentLearner) -> Path:
    """Draw confusion and reliability on dev into the run's folder; returns where."""
    from hdoc.metrics.plots import draw_confusion, draw_reliability, korean_font

    plots = folder / "plots"
    plots.mkdir(exist_ok=True)
    if korean_font() is None:
        say(
            "no font with Hangul is known to Matplotlib, so pictures show boxes; on Debian: apt install "
            "fonts-noto-cjk, then rm ~/.cache/matplotlib/fontlist*"
        )
    draw_confusion(logits, targets, learner.labels, plots / "confusion.png")
    draw_reliability(logits, targets, learner.temperature, plots / "reliability.png")
    return plots


def explain(
    folder: Path,
    logits: Tensor,
    targets: Tensor,
    texts: Sequence[tuple[str, str]],
    learner: DocumentLearner,
) -> Path | None:
    """Explain the surest right and the surest wrong dev documents in the run's folder.

    Returns:
        Where; None if the architecture has no explanations.
    """
    from hdoc.rendering import to_html

    explainer = _explainer(folder, learner)
    if explainer is None:
        return None
    pages = folder / "explanations"
    pages.mkdir(exist_ok=True)
    for kind, rows in _surest(logits, targets).items():
        for row in rows:
            name, text = texts[row]
            page = to_html(explainer.explain(text), text, name=name)
            (pages / f"{kind}-{row}.html").write_text(page, encoding="utf-8")
    return pages


def _explainer(folder: Path, learner: DocumentLearner) -> DocumentClassifier | HanExplainer | None:
    from hdoc.baselines.explaining import HanExplainer
    from hdoc.tasks.document.classifier import DocumentClassifier

    if (folder / "model").is_dir():
        return DocumentClassifier.load(folder / "model")
    if isinstance(learner.network, HierarchicalAttentionNetwork) and learner.blueprint:
        tokenizer, multi_label = learner.blueprint.build_tokenizer(), learner.blueprint.multi_label
        identity = ModelIdentity("han", learner.run_facts.get("name", "1"), "")
        return HanExplainer(
            learner.network, tokenizer, learner.labels, learner.temperature, identity, multi_label
        )
    return None


def _surest(logits: Tensor, targets: Tensor, n: int = 3) -> dict[str, list[int]]:
    classes = logits.argmax(dim=1)
    if targets.is_floating_point():
        right = targets.gather(1, classes.unsqueeze(1)).squeeze(1) > 0
    else:
        right = classes == targets
    order = logits.softmax(dim=1).max(dim=1).values.argsort(descending=True, stable=True).tolist()
    return {
        "right": [row for row in order if right[row]][:n],
        "wrong": [row for row in order if not right[row]][:n],
    }


def write_predictions(trainer: Trainer, learner: DocumentLearner, data: DocumentData, folder: Path) -> None:
    """Write `predictions.jsonl`, one line a document in the order of the file, as `hdoc classify` does."""
    if not trainer.is_global_zero:
        return
    logits, _ = _gathered(learner)
    path = folder / "predictions.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    chances = probabilities(logits, learner.temperature, bool(learner.hparams["multi_label"]))
    with path.open("w", encoding="utf-8") as file:
        for (name, _), row in zip(data.texts("predict"), chances.tolist(), strict=True):
            ranked = dict(sorted(zip(learner.labels, row, strict=True), key=lambda item: -item[1]))
            label, probability = next(iter(ranked.items()))
            line = {"id": name, "label": label, "probability": probability, "probabilities": ranked}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    say(f"predictions {path}")
