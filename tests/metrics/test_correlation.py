import pytest
import torch

from hdoc.metrics.correlation import figures


def test_figures_are_those_of_known_values() -> None:
    found = figures(torch.tensor([1.0, 2.0, 4.0, 8.0]), torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert list(found) == ["spearman", "pearson", "mse"], "the first is the one that is watched"
    assert found["spearman"] == pytest.approx(1)
    assert found["pearson"] == pytest.approx(0.9592, abs=1e-4)
    assert found["mse"] == pytest.approx((0 + 0 + 1 + 16) / 4)


def test_ties_share_their_rank() -> None:
    found = figures(torch.tensor([1.0, 1.0, 2.0]), torch.tensor([0.0, 1.0, 2.0]))
    assert found["spearman"] == pytest.approx(0.8660, abs=1e-4)


def test_the_other_way_round_is_minus_one() -> None:
    found = figures(torch.tensor([3.0, 2.0, 1.0]), torch.tensor([1.0, 2.0, 3.0]))
    assert [found["spearman"], found["pearson"]] == pytest.approx([-1, -1])


@pytest.mark.parametrize("scores", [[2.0, 2.0, 2.0], [1.0]])
def test_one_value_alone_tells_nothing(scores: list[float]) -> None:
    found = figures(torch.tensor(scores), torch.arange(float(len(scores))))
    assert found["spearman"] == found["pearson"] == 0
