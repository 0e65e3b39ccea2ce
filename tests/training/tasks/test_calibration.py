import numpy as np
import pytest
import torch

from hdoc.metrics.classification import figures
from hdoc.tasks.temperature import Temperature
from hdoc.training.tasks.calibration import HIGHEST, LOWEST, fit_temperature


def drawn(temperature: float, n: int = 20_000) -> tuple[torch.Tensor, torch.Tensor]:
    """Return logits and classes drawn from the probabilities that a temperature gives them."""
    torch.manual_seed(0)
    logits = torch.randn(n, 5) * 3
    return logits, (logits / temperature).softmax(1).multinomial(1).squeeze(1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_classes_is_found(temperature: float) -> None:
    found = fit_temperature(*drawn(temperature))
    assert found.base == pytest.approx(temperature, rel=0.05)
    assert found.spread < 0.05


def test_a_temperature_that_grows_with_the_spread_of_scores_is_found() -> None:
    torch.manual_seed(0)
    logits = torch.randn(20_000, 5) * torch.tensor([0.5, 2.0, 8.0]).repeat(20_000)[:20_000, None]
    targets = Temperature(2.0, 0.4)(logits).softmax(1).multinomial(1).squeeze(1)
    found = fit_temperature(logits, targets)
    assert found.base == pytest.approx(2.0, rel=0.1)
    assert found.spread == pytest.approx(0.4, rel=0.1)
    labels = list("abcde")
    alone, growing = (
        figures(logits, targets, labels, each)
        for each in (fit_temperature(logits, targets, with_spread=False), found)
    )
    assert growing["ece"] < alone["ece"] / 3
    assert growing["loss"] < alone["loss"]
    assert growing["accuracy"] == alone["accuracy"]


def test_few_documents_do_not_make_the_temperature_grow() -> None:
    logits, targets = drawn(2.0, n=30)
    assert fit_temperature(logits, targets).spread == 0


@pytest.mark.parametrize("spread", [0.0, 0.3])
@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_divided_scores_can_be_restored_but_for_a_constant(spread: float, kind: str) -> None:
    torch.manual_seed(0)
    scores = torch.randn(4, 6, dtype=torch.double) * torch.tensor([[0.1], [1], [5], [20]])
    given = scores.numpy() if kind == "numpy" else scores
    temperature = Temperature(1.3, spread)
    divided = temperature(given)
    assert type(divided) is type(given)
    expected = 1.3 + spread * scores.std(dim=1, correction=0)
    torch.testing.assert_close(scores / torch.as_tensor(divided), expected[:, None].expand(4, 6))
    restored = torch.as_tensor(temperature.restored(divided + 7)) - torch.as_tensor(given)
    torch.testing.assert_close(restored, restored[:, :1].expand(4, 6))


def test_one_document_is_divided_as_among_others() -> None:
    scores = np.array([[0.0, 1.0, 4.0], [1.0, 1.0, 1.0]])
    temperature = Temperature(0.5, 2.0)
    assert np.array_equal(temperature(scores[0]), temperature(scores)[0])
    assert np.array_equal(temperature(scores)[1], [2.0, 2.0, 2.0])  # scores that do not differ have the base


def test_several_classes_a_document_have_a_temperature_too() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5_000, 4) * 3
    targets = torch.bernoulli((logits / 2).sigmoid())
    found = fit_temperature(logits, targets)
    assert found.base == pytest.approx(2, rel=0.05)
    assert found.spread == 0


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
    assert fit_temperature(certain, torch.arange(3)).base == pytest.approx(LOWEST, rel=1e-3)
    assert fit_temperature(certain, torch.tensor([1, 2, 0])).base == pytest.approx(HIGHEST, rel=1e-3)
