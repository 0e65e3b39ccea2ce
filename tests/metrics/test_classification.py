"""Figures of classification, as scikit-learn counts them."""

import pytest
import torch
from sklearn import metrics as sklearn_metrics

from hdoc.metrics.classification import figures


def test_one_class_a_document_as_scikit_learn_counts() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(200, 4), torch.randint(0, 4, (200,))
    values = figures(logits, targets, ["정치", "경제", "문화", "체육"])
    predicted = logits.argmax(1)
    assert values["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(targets, predicted))
    assert values["macro_f1"] == pytest.approx(sklearn_metrics.f1_score(targets, predicted, average="macro"))
    by_class = sklearn_metrics.f1_score(targets, predicted, average=None)
    assert [values[f"f1/{label}"] for label in ("정치", "경제", "문화", "체육")] == pytest.approx(
        by_class.tolist()
    )


def test_several_classes_a_document_as_scikit_learn_counts() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(200, 3), torch.randint(0, 2, (200, 3)).float()
    values = figures(logits, targets, list("abc"))
    predicted, true = (logits > 0).numpy(), targets.numpy()
    for average in ("macro", "micro"):
        assert values[f"{average}_f1"] == pytest.approx(
            sklearn_metrics.f1_score(true, predicted, average=average)
        )
    assert values["subset_accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(true, predicted))
    assert "accuracy" not in values


def test_calibration_error_over_fifteen_bins() -> None:
    # Sure of 0.9 and right in 3 of 4; sure of 0.6 and never right.
    chances = torch.tensor([[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 2)
    targets = torch.tensor([0, 0, 0, 1, 1, 1])
    expected = (4 * abs(0.9 - 0.75) + 2 * abs(0.6 - 0.0)) / 6
    assert figures(chances.log(), targets, ["a", "b"])["ece"] == pytest.approx(expected, abs=1e-5)


def test_a_class_that_nobody_has_and_nobody_gave_does_not_count() -> None:
    logits = torch.tensor([[5.0, 0, 0], [0, 5.0, 0]])
    assert figures(logits, torch.tensor([0, 1]), list("abc"))["macro_f1"] == 1.0
