"""The loss of each document, and weights of classes."""

import math

import pytest
import torch

from hdoc.training.tasks.losses import class_weights, document_losses


def test_one_class_a_document() -> None:
    logits = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    expected = [math.log(1 + math.exp(-1)), math.log(1 + math.exp(2))]
    assert document_losses(logits, torch.tensor([0, 0])).tolist() == pytest.approx(expected)


def test_several_classes_a_document() -> None:
    losses = document_losses(torch.zeros(2, 4), torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0]]))
    assert losses.tolist() == pytest.approx([math.log(2)] * 2)


def test_smoothing_punishes_certainty() -> None:
    for targets in (torch.tensor([0]), torch.tensor([[1.0, 0.0]])):
        certain, modest = (
            float(document_losses(torch.tensor([[scale, -scale]]), targets, smoothing=0.2))
            for scale in (20.0, 1.5)
        )
        assert certain > modest


@pytest.mark.parametrize(("kind", "ratio"), [("balanced", 9.0), ("sqrt", 3.0)])
def test_rare_classes_weigh_more_and_the_mean_label_weighs_one(kind: str, ratio: float) -> None:
    counts = [90, 10, 40]
    weights = class_weights(kind, counts)  # type: ignore[arg-type]
    assert weights is not None
    assert float(weights[1] / weights[0]) == pytest.approx(ratio)
    assert float((weights * torch.tensor(counts)).sum() / sum(counts)) == pytest.approx(1)


def test_no_weights() -> None:
    assert class_weights("none", [1, 2]) is None
