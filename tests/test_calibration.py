import pytest
import torch

from hdoc.training.calibration import HIGHEST, LOWEST, fit_temperature
from hdoc.training.metrics import figures


def drawn(temperature: float, n: int = 20_000) -> tuple[torch.Tensor, torch.Tensor]:
    """Return logits and classes drawn from the probabilities that a temperature gives them."""
    torch.manual_seed(0)
    logits = torch.randn(n, 5) * 3
    return logits, (logits / temperature).softmax(1).multinomial(1).squeeze(1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_classes_is_found(temperature: float) -> None:
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.05)


def test_several_classes_a_document_have_a_temperature_too() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5_000, 4) * 3
    targets = torch.bernoulli((logits / 2).sigmoid())
    assert fit_temperature(logits, targets) == pytest.approx(2, rel=0.05)


def test_calibration_lowers_loss_and_error_of_an_overconfident_model() -> None:
    logits, targets = drawn(3.0)
    labels = list("abcde")
    before = figures(logits, targets, labels)
    after = figures(logits, targets, labels, fit_temperature(logits, targets))
    assert after["loss"] < before["loss"]
    assert after["ece"] < before["ece"] / 4
    assert after["accuracy"] == before["accuracy"]


def test_the_same_logits_give_the_same_temperature() -> None:
    logits, targets = drawn(1.7, n=200)
    assert fit_temperature(logits, targets) == fit_temperature(logits.clone(), targets.clone())


def test_the_temperature_has_bounds_where_the_documents_do_not_tell() -> None:
    certain = torch.eye(3) * 10
    assert fit_temperature(certain, torch.arange(3)) == pytest.approx(LOWEST, rel=1e-3)
    assert fit_temperature(certain, torch.tensor([1, 2, 0])) == pytest.approx(HIGHEST, rel=1e-3)
