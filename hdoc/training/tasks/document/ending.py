"""The end of a training on documents: temperature, origin, scores of words, pictures and explanations."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from hdoc.baselines.han import HierarchicalAttentionNetwork
from hdoc.baselines.registry import HDOC
from hdoc.console import say
from hdoc.explanation import ModelIdentity
from hdoc.metrics.classification import figures, probabilities
from hdoc.tasks.document.network import DocumentNetwork
from hdoc.tasks.temperature import UNCALIBRATED
from hdoc.training.data.module import DocumentData
from hdoc.training.finish.finish import gathered
from hdoc.training.outcome import Outcome, Scores
from hdoc.training.task import Ending
from hdoc.training.tasks.calibration import fit_origin, fit_temperature
from hdoc.training.tasks.document.dev_plots import draw_dev
from hdoc.training.tasks.document.learner import DocumentLearner
from hdoc.training.tasks.document.lexical import fit_lexical, lexical_logits, lexical_to_plain
from hdoc.training.tasks.document.model_parts import write_parts

if TYPE_CHECKING:
    from hdoc.baselines.explaining import HanExplainer
    from hdoc.tasks.document.classifier import DocumentClassifier


class DocumentEnding(Ending):
    """What is done when the best checkpoint of a training on documents is known."""

    learner: DocumentLearner
    data: DocumentData

    def __init__(self, learner: DocumentLearner, data: DocumentData, folder: Path) -> None:
        super().__init__(learner, data, folder)
        self._lexical_seconds = 0.0

    @property
    def _may_have_lexical(self) -> bool:
        """Whether scores of words are to stand beside the network's, if they help."""
        return self.learner.wants_lexical and self.can_export()

    def can_export(self) -> bool:
        """Whether it is hdoc itself; a model folder holds none of those it is compared with."""
        return self.learner.architecture == HDOC

    def fit_on_dev(self) -> tuple[Tensor, Tensor]:
        """Fit the origin, the scores of words and the temperature; returns logits and targets of dev."""
        learner = self.learner
        logits, targets = self._without_lexical()
        # Without a sum over words there is no piece to have an origin.
        if isinstance(learner.network, DocumentNetwork) and learner.network.head_weight is not None:
            bias = learner.network.classifier.bias
            learner.origin = fit_origin(logits, bias, targets.is_floating_point())
        if self._may_have_lexical:
            start = time.monotonic()
            logits = self._add_lexical(logits, targets)
            self._lexical_seconds = time.monotonic() - start
        learner.temperature = fit_temperature(logits, targets)
        return logits, targets

    def _without_lexical(self) -> tuple[Tensor, Tensor]:
        """Return the network's own logits on dev: an interrupted end left its fit in the checkpoint."""
        logits, targets = gathered(self.learner)
        if self.learner.lexical is not None:
            logits = logits - lexical_logits(self.learner.lexical, self.data.texts("dev")).to(logits)
            self.learner.lexical = None
        return logits, targets

    def _add_lexical(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Fit the scores of words beside the network, and return logits on dev with them."""
        train, dev, labels = self.data.texts("train"), self.data.texts("dev"), self.learner.labels
        fit = fit_lexical(train, dev, logits, self.data.tokenizer, len(labels))
        self.learner.lexical = fit.scores
        alone = figures(logits, targets, labels)["macro_f1"]
        if fit.scores is None:
            say(f"dev: macro-F1 {alone:.4f}; scores of words do not help")
            return logits
        logits = logits + lexical_logits(fit.scores, dev).to(logits)
        both = figures(logits, targets, labels)["macro_f1"]
        say(f"dev: macro-F1 {alone:.4f} of the network alone, {both:.4f} with scores of words")
        return logits

    def amendments(self) -> dict[str, Any]:
        """Return temperature, origin and scores of words."""
        return {
            "temperature": asdict(self.learner.temperature),
            "origin": self.learner.origin,
            "lexical": lexical_to_plain(self.learner.lexical),
        }

    def facts(self) -> dict[str, Any]:
        """Return architecture, labels and temperature."""
        return {
            "architecture": self.learner.architecture,
            "labels": self.learner.labels,
            "temperature": asdict(self.learner.temperature),
        }

    def n_parameters(self) -> int:
        """Return how many numbers network and scores of words have."""
        lexical = self.learner.lexical
        n_beside = 0 if lexical is None else lexical.weights.size + lexical.bias.size
        return sum(parameter.numel() for parameter in self.learner.network.parameters()) + n_beside

    def calibration(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Return the temperature, and the calibration error on dev before and after."""
        temperature = self.learner.temperature
        before, after = (
            figures(outputs, targets, self.learner.labels, each)["ece"]
            for each in (UNCALIBRATED, temperature)
        )
        return {
            "calibration/temperature": temperature.base,
            "calibration/temperature_spread": temperature.spread,
            "calibration/dev_ece_before": before,
            "calibration/dev_ece_after": after,
        }

    def draw(self, outputs: Tensor, targets: Tensor) -> Path:
        """Draw confusion and reliability on dev."""
        return draw_dev(outputs, targets, self.learner.labels, self.learner.temperature, self.folder)

    def explain(self, outputs: Tensor, targets: Tensor) -> Path | None:
        """Explain the surest right and the surest wrong dev documents; None without explanations."""
        from hdoc.rendering import to_html

        explainer = self._explainer()
        if explainer is None:
            return None
        pages = self.folder / "explanations"
        pages.mkdir(exist_ok=True)
        texts = self.data.texts("dev")
        for kind, rows in _surest(outputs, targets).items():
            for row in rows:
                name, text = texts[row]
                page = to_html(explainer.explain(text), text, name=name)
                (pages / f"{kind}-{row}.html").write_text(page, encoding="utf-8")
        return pages

    def _explainer(self) -> DocumentClassifier | HanExplainer | None:
        from hdoc.baselines.explaining import HanExplainer
        from hdoc.tasks.document.classifier import DocumentClassifier

        learner = self.learner
        if (self.folder / "model").is_dir():
            return DocumentClassifier.load(self.folder / "model")
        if isinstance(learner.network, HierarchicalAttentionNetwork) and learner.blueprint:
            tokenizer, multi_label = learner.blueprint.build_tokenizer(), learner.blueprint.multi_label
            identity = ModelIdentity("han", learner.run_facts.get("name", "1"), "")
            return HanExplainer(
                learner.network, tokenizer, learner.labels, learner.temperature, identity, multi_label
            )
        return None

    def write_parts(self, whole: Outcome, scores: Scores) -> None:
        """Write what network and scores of words come to alone, if both were to be."""
        if self._may_have_lexical:
            write_parts(self.folder, whole, scores, self.learner.lexical, self.data, self._lexical_seconds)

    def write_predictions(self, path: Path) -> None:
        """Write label and probabilities of each document, as `hdoc classify` does."""
        logits, _ = gathered(self.learner)
        chances = probabilities(logits, self.learner.temperature, self.learner.multi_label)
        with path.open("w", encoding="utf-8") as file:
            for (name, _), row in zip(self.data.texts("predict"), chances.tolist(), strict=True):
                ranked = dict(sorted(zip(self.learner.labels, row, strict=True), key=lambda item: -item[1]))
                label, probability = next(iter(ranked.items()))
                line = {"id": name, "label": label, "probability": probability, "probabilities": ranked}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


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
