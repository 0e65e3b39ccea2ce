import numpy as np
import pytest
import torch

from hdoc.metrics import classification
from hdoc.tasks.classes import Classes, probabilities, sigmoid
from hdoc.tasks.temperature import UNCALIBRATED, Temperature

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 0.0, 0.0], [300.0, -300.0, 1.0]])


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("temperature", [UNCALIBRATED, Temperature(2.0, 0.3)])
def test_many_documents_have_the_probabilities_of_one_and_tensors_those_of_arrays(
    multi_label: bool, temperature: Temperature
) -> None:
    found = probabilities(LOGITS, temperature, multi_label)
    labels = ("a", "b", "c")
    classes = Classes(labels, multi_label, temperature, np.zeros(3))
    for row, logits in zip(found, LOGITS, strict=True):
        alone = classes.probabilities(logits)
        assert [alone[label] for label in labels] == row.tolist()
        assert list(alone.values()) == sorted(row, reverse=True)
    assert (found.sum(axis=1) == pytest.approx(1)) is not multi_label
    tensors = classification.probabilities(torch.from_numpy(LOGITS), temperature, multi_label)
    assert tensors.numpy() == pytest.approx(found, abs=1e-12)


def test_a_pair_of_classes_has_the_sigmoid_of_their_difference() -> None:
    pair = probabilities(LOGITS[:1, :2], UNCALIBRATED, multi_label=False)
    assert sigmoid(LOGITS[0, 0] - LOGITS[0, 1]) == pytest.approx(pair[0, 0])
