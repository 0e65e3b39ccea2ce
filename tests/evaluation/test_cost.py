import time

import torch

from hdoc.evaluation.cost import measured


def test_cost_measures_time_and_memory() -> None:
    def work() -> float:
        time.sleep(0.05)
        return float(torch.ones(20_000_000).sum())

    result, cost = measured(work, torch.device("cpu"))
    assert result == 20_000_000
    assert 0.05 <= cost.seconds < 5
    if cost.peak_bytes is not None:
        assert cost.peak_bytes > 60_000_000  # 80 million bytes of numbers
