import pytest

from hdoc.evaluation.summary import summarise


def test_summary_takes_means_over_documents() -> None:
    curves = {"without": [0.5, 0.1], "only": [0.8, 0.6]}
    other = {"without": [0.9, 0.9], "only": [0.2, 0.2]}

    def row(name: str, probability: float, seconds: float, curve: dict, seeds: list[float]) -> dict:
        method = {"seconds": seconds, "word": curve, "sentence": curve}
        return {"id": name, "probability": probability, "seeds": seeds, "methods": {"contribution": method}}

    rows = [row("a", 0.9, 1.0, curves, [0.5]), row("b", 1.0, 3.0, other, [])]
    found = summarise(rows)
    words = found["methods"]["contribution"]["word"]
    assert words["comprehensiveness"] == pytest.approx(((0.4 + 0.8) / 2 + 0.1) / 2)
    assert words["sufficiency"] == pytest.approx(((0.1 + 0.3) / 2 + 0.8) / 2)
    assert found["methods"]["contribution"]["seconds"] == 2
    assert found["seeds"] == {"kendall": 0.5, "pairs": 1}
