from __future__ import annotations

import pytest

from hdoc.pretraining.optimisation import rate_factor


class TestSchedule:
    def test_warm_up_stable_decay(self) -> None:
        factors = [rate_factor(step, warmup_steps=4, decay_steps=5, n_steps=20) for step in range(21)]
        assert factors[:4] == [0.25, 0.5, 0.75, 1]
        assert factors[4:16] == [1] * 12
        assert factors[16:] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0])

    def test_a_run_without_end_never_decays(self) -> None:
        assert rate_factor(10**9, warmup_steps=4, decay_steps=5, n_steps=-1) == 1
