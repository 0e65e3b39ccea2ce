import math

import numpy as np
import pytest

from hdoc.evaluation.predictions import Prediction
from hdoc.evaluation.quality import (
    Decisions,
    by_length,
    calibrated_error,
    intervals,
    measure,
)
from hdoc.evaluation.summary import interval

NAMES = ("가", "나", "다")


def predictions(rows: list[tuple[str, list[float], int]]) -> list[Prediction]:
    return [Prediction(str(i), (truth,), tuple(p), n, 1) for i, (truth, p, n) in enumerate(rows)]


ROWS = predictions(
    [
        ("가", [0.7, 0.2, 0.1], 100),
        ("가", [0.2, 0.7, 0.1], 600),
        ("나", [0.1, 0.8, 0.1], 700),
        ("나", [0.3, 0.6, 0.1], 20_000),
    ]
)


def test_quality_is_what_a_hand_computes() -> None:
    found = measure(Decisions.of(ROWS, NAMES, False), NAMES)
    f1_first, f1_second = 2 * 1 / (1 + 2), 2 * 2 / (3 + 2)
    assert found["accuracy"] == pytest.approx(0.75)
    assert found["macro_f1"] == pytest.approx((f1_first + f1_second) / 2)  # the third class never occurs
    assert found["loss"] == pytest.approx(-sum(map(math.log, (0.7, 0.2, 0.8, 0.6))) / 4, abs=1e-5)
    # Bins of a fifteenth: 0.7 and 0.7 share one (half of it right), 0.8 and 0.6 have one each.
    assert found["ece"] == pytest.approx(2 / 4 * abs(0.5 - 0.7) + 1 / 4 * 0.2 + 1 / 4 * 0.4, abs=1e-5)
    second = {"label": "나", "documents": 2, "precision": 2 / 3, "recall": 1.0, "f1": f1_second}
    assert {**found["by_class"][1], "label": 1} == pytest.approx({**second, "label": 1})
    assert found["confusion"] == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]


@pytest.mark.parametrize("multi_label", [False, True])
def test_few_documents_make_a_calibration_error_by_chance(multi_label: bool) -> None:
    one = Decisions.of(predictions([("가", [0.7], 1)]), ("가",), multi_label)
    found = calibrated_error(one, 0)
    # Right in 0.7 of the draws, and then 0.3 off; else 0.7 off.
    assert found["mean"] == pytest.approx(2 * 0.7 * 0.3, abs=0.02)
    assert found["high"] == pytest.approx(0.7)
    many = Decisions.of(predictions([("가", [0.7], 1)] * 1000), ("가",), multi_label)
    # The mean size of a normal deviation is √(2/π) of its standard deviation.
    deviation = math.sqrt(0.7 * 0.3 / 1000)
    assert calibrated_error(many, 0)["mean"] == pytest.approx(math.sqrt(2 / math.pi) * deviation, rel=0.1)


def test_quality_by_length() -> None:
    rows = by_length(Decisions.of(ROWS, NAMES, False))
    assert [(row["from"], row["to"], row["documents"]) for row in rows] == [
        (0, 500, 1), (500, 1000, 2), (16000, None, 1)
    ]  # fmt: skip
    assert [row["accuracy"] for row in rows] == [1, 0.5, 1]
    assert rows[1]["macro_f1"] == pytest.approx((0 + 2 / 3) / 2)


def test_intervals_are_those_of_resampled_documents() -> None:
    many = predictions([("가", [0.9, 0.1, 0], 1)] * 80 + [("가", [0.1, 0.9, 0], 1)] * 20)
    low, high = intervals(Decisions.of(many, NAMES, False), 0)["accuracy"]
    deviation = math.sqrt(0.8 * 0.2 / 100)
    assert low == pytest.approx(0.8 - 1.96 * deviation, abs=0.02)
    assert high == pytest.approx(0.8 + 1.96 * deviation, abs=0.02)
    low, high = interval(np.random.default_rng(0).normal(3, 1, 400))
    assert (low, high) == pytest.approx((3 - 0.098, 3 + 0.098), abs=0.06)


def test_quality_of_several_labels() -> None:
    rows = [
        Prediction("a", ("가", "나"), (0.9, 0.8, 0.1), 1, 1),
        Prediction("b", (), (0.2, 0.6, 0.1), 1, 1),
        Prediction("c", ("다",), (0.2, 0.1, 0.3), 1, 1),
    ]
    found = measure(Decisions.of(rows, NAMES, True), NAMES)
    assert found["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert found["micro_f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert found["subset_accuracy"] == pytest.approx(1 / 3)
    assert "confusion" not in found
