"""The end of a training on pairs: temperature, pictures and predictions."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from hdoc.metrics.classification import figures
from hdoc.metrics.plots import draw_confusion, draw_reliability
from hdoc.tasks.pair.results import of_logits, of_scores
from hdoc.tasks.temperature import UNCALIBRATED
from hdoc.training.finish.finish import gathered
from hdoc.training.task import Ending
from hdoc.training.tasks.calibration import fit_temperature
from hdoc.training.tasks.pair.data import PairData
from hdoc.training.tasks.pair.learner import PairLearner


class PairEnding(Ending):
    """What is done when the best checkpoint of a training on pairs is known."""

    learner: PairLearner
    data: PairData

    def fit_on_dev(self) -> tuple[Tensor, Tensor]:
        """Fit the temperature; returns outputs and targets of dev. Scores have none."""
        outputs, targets = gathered(self.learner)
        if not self.learner.regression:
            self.learner.temperature = fit_temperature(outputs, targets)
        return outputs, targets

    def amendments(self) -> dict[str, Any]:
        """Return the temperature."""
        return {"temperature": asdict(self.learner.temperature)}

    def facts(self) -> dict[str, Any]:
        """Return labels and temperature, or the range of scores."""
        if self.learner.regression:
            return {"scores": [self.learner.network.shape.low, self.learner.network.shape.high]}
        return {"labels": self.learner.labels, **self.amendments()}

    def n_parameters(self) -> int:
        """Return how many numbers the network has."""
        return sum(parameter.numel() for parameter in self.learner.network.parameters())

    def calibration(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Return the temperature, and the calibration error on dev before and after."""
        if self.learner.regression:
            return {}
        temperature, labels = self.learner.temperature, self.learner.labels
        return {
            "calibration/temperature": temperature.base,
            "calibration/temperature_spread": temperature.spread,
            "calibration/dev_ece_before": figures(outputs, targets, labels, UNCALIBRATED)["ece"],
            "calibration/dev_ece_after": figures(outputs, targets, labels, temperature)["ece"],
        }

    def draw(self, outputs: Tensor, targets: Tensor) -> Path | None:
        """Draw confusion and reliability of classes on dev."""
        if self.learner.regression:
            return None
        plots = self.folder / "plots"
        plots.mkdir(exist_ok=True)
        draw_confusion(outputs, targets, self.learner.labels, plots / "confusion.png")
        draw_reliability(outputs, targets, self.learner.temperature, plots / "reliability.png")
        return plots

    def write_predictions(self, path: Path) -> None:
        """Write what each pair came to, as `hdoc predict` does."""
        outputs, _ = gathered(self.learner)
        values = outputs.double().cpu().numpy()
        shape = self.learner.network.shape
        if shape.regression:
            found = of_scores(values, shape.low, shape.high)
        else:
            found = of_logits(values, tuple(self.learner.labels), self.learner.temperature)
        with path.open("w", encoding="utf-8") as file:
            for name, result in zip(self.data.ids("predict"), found, strict=True):
                file.write(json.dumps({"id": name, **result.row()}, ensure_ascii=False) + "\n")
