"""Quality of classification over a data set: F1, accuracy, calibration error, loss; by torchmetrics."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.classification import (
    binary_calibration_error,
    multiclass_accuracy,
    multiclass_calibration_error,
    multiclass_f1_score,
    multilabel_exact_match,
    multilabel_f1_score,
)

from hdoc.tasks.temperature import UNCALIBRATED, Temperature

# The bins of the expected calibration error (Naeini et al. 2015), equally wide.
N_BINS = 15


def probabilities(logits: Tensor, temperature: Temperature, multi_label: bool) -> Tensor:
    """Return `hdoc.tasks.classes.probabilities` of tensors, in double precision.

    Args:
        logits: of any number of documents, (..., classes).
        temperature: what logits are divided by.
        multi_label: whether a document may have several classes; each then has a probability of its own.

    Returns:
        Probabilities, (..., classes); they sum to 1 unless a document may have several classes.
    """
    scaled = temperature(logits.double())
    return scaled.sigmoid() if multi_label else scaled.softmax(dim=-1)


def figures(
    logits: Tensor, targets: Tensor, labels: Sequence[str], temperature: Temperature = UNCALIBRATED
) -> dict[str, float]:
    """Return all figures of a split.

    Args:
        logits: (documents, classes).
        targets: (documents,), or (documents, classes) of 0 and 1 if a document may have several classes.
        labels: names of the classes.
        temperature: what logits are divided by.

    Returns:
        For single labels: `macro_f1`, `accuracy`, `ece`, `loss` and `f1/LABEL`. For several: `macro_f1`,
        `micro_f1`, `subset_accuracy`, `ece` (of every decision about a label), `loss` and `f1/LABEL`.
        Classes that neither occur nor were predicted do not count in macro-F1.
    """
    n_classes = len(labels)
    multi_label = targets.is_floating_point()
    chances = probabilities(logits, temperature, multi_label).float()
    if multi_label:
        truth = targets.long()
        loss = F.binary_cross_entropy_with_logits(temperature(logits), targets.to(logits.dtype))
        values = {
            "macro_f1": multilabel_f1_score(chances, truth, n_classes, average="macro"),
            "micro_f1": multilabel_f1_score(chances, truth, n_classes, average="micro"),
            "subset_accuracy": multilabel_exact_match(chances, truth, n_classes),
            "ece": binary_calibration_error(chances.flatten(), truth.flatten(), N_BINS),
        }
        by_class = multilabel_f1_score(chances, truth, n_classes, average="none")
    else:
        loss = F.cross_entropy(temperature(logits), targets)
        values = {
            "macro_f1": multiclass_f1_score(chances, targets, n_classes, average="macro"),
            "accuracy": multiclass_accuracy(chances, targets, n_classes, average="micro"),
            "ece": multiclass_calibration_error(chances, targets, n_classes, N_BINS),
        }
        by_class = multiclass_f1_score(chances, targets, n_classes, average="none")
    return {
        **{name: float(value) for name, value in values.items()},
        "loss": float(loss),
        **{f"f1/{label}": float(value) for label, value in zip(labels, by_class, strict=True)},
    }
