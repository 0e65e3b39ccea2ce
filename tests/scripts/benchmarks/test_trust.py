"""The benchmark of trust: what it says of figures, and one real run of it."""

import copy
import json
import subprocess
import sys

import pytest
from benchmarks.trust import Target, targets

from tests.known import AGAINST, FOR, document, save_known_model
from tests.places import ROOT


def figures(comprehensiveness: float, sufficiency: float, seconds: float = 1.0) -> dict:
    unit = {
        "comprehensiveness": comprehensiveness,
        "comprehensiveness_interval": [comprehensiveness - 0.02, comprehensiveness + 0.02],
        "sufficiency": sufficiency,
    }
    return {"word": unit, "sentence": copy.deepcopy(unit), "seconds": seconds}


GOOD = {
    "contribution": figures(0.33, -0.19, 0.1),
    "attention": figures(0.25, 0.04),
    "integrated-gradients": figures(0.30, -0.15, 9.0),
    "occlusion": figures(0.35, -0.20, 5.0),
    "random": figures(0.03, 0.22),
    "random weights": figures(0.04, 0.24),
}


def missed(methods: dict) -> list[str]:
    return [t.name for t in targets("faithfulness", {"explanations": {"methods": methods}}) if not t.reached]


def test_figures_as_they_should_be_reach_all_targets() -> None:
    assert missed(GOOD) == []
    assert len(targets("faithfulness", {"explanations": {"methods": GOOD}})) == 2 * (2 * 3 + 1) + 2


@pytest.mark.parametrize(
    ("method", "unit", "figure", "value", "name"),
    [
        ("contribution", "word", "comprehensiveness", 0.31, "beside 10 % off the best slow method"),
        ("contribution", "sentence", "sufficiency", -0.17, "beside 10 % off the best slow method"),
        ("attention", "word", "comprehensiveness", 0.34, "comprehensiveness by words, beside attention"),
        ("random", "sentence", "sufficiency", -0.3, "sufficiency by sentences, beside random"),
        ("random weights", "word", "comprehensiveness", 0.06, "with random weights"),
    ],
)
def test_a_figure_that_falls_short_is_named(method, unit, figure, value, name) -> None:
    methods = copy.deepcopy(GOOD)
    methods[method][unit][figure] = value
    [found] = missed(methods)
    assert name in found
    assert unit in found


def test_a_slow_contribution_is_named() -> None:
    methods = copy.deepcopy(GOOD)
    methods["occlusion"]["seconds"] = 4.9
    assert missed(methods) == ["times as fast as occlusion"]


def test_below_0_a_tenth_off_is_still_worse() -> None:
    assert Target("", -0.18, -0.18, -1).reached
    assert not Target("", -0.17, -0.18, -1).reached


def test_the_command_measures_and_says_what_is_reached(tmp_path) -> None:
    model = save_known_model(tmp_path / "model")
    rows = [
        {"text": document([f"오늘 {word} 학교", f"{label} 버스 도로", "사람 저녁"]), "label": label}
        for word, label in ((FOR, "체육"), (AGAINST, "경제"))
    ]
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    command = [sys.executable, ROOT / "scripts" / "benchmark.py", "trust", "--known-evidence", model, data]
    result = subprocess.run(
        list(map(str, [*command, "-o", tmp_path / "out"])),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    # The model knows its words, not the names of its classes.
    assert result.returncode == 1, result.stderr
    assert "MISSED     0.000, at least    0.900: the class's own name holds the top word" in result.stdout
    assert "Known evidence" in result.stdout
