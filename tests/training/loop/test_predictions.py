"""Predictions of a whole split."""

import torch

from hdoc.training.loop.predictions import Predictions


def test_predictions_come_in_the_order_of_the_split() -> None:
    predictions = Predictions()
    predictions.update(torch.tensor([[2.0], [0.0]]), torch.tensor([12, 10]), torch.tensor([2, 0]))
    predictions.update(torch.tensor([[1.0]]), torch.tensor([11]), torch.tensor([1]))
    logits, targets = predictions.compute()
    assert logits.squeeze(1).tolist() == [0, 1, 2]
    assert targets.tolist() == [10, 11, 12]
