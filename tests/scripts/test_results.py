"""The pages of results are what their JSON says; a benchmark's JSON becomes a table and a plot."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import results
from benchmarks import plots, result
from benchmarks.columns import KINDS, markdown
from benchmarks.result import Result, record

ROWS = [
    {"task": "reading", "n_sentences": 10, "n_bytes": 400 * 2**20, "seconds": 0.5},
    {"task": "reading", "n_sentences": 1000, "n_bytes": 500 * 2**20, "seconds": 2.0},
    {"task": "training", "n_sentences": 10, "n_bytes": 700 * 2**20, "seconds": 1.0},
    {"task": "training", "n_sentences": 1000, "n_bytes": 900 * 2**20, "seconds": 9.0},
]
PAGE = "# Speed\n\nBefore.\n\n<!-- results: memory -->\n<!-- end -->\n\nAfter.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = Result(
        "2026-01-02", "one core", "python scripts/benchmark.py speed", {"peaks": ROWS}, {"model": "m"}
    )
    found.write(tmp_path / "data" / "memory.json")
    (tmp_path / "speed.md").write_text(PAGE, encoding="utf-8")
    results.render(tmp_path)
    return tmp_path


def test_the_pages_of_this_checkout_are_what_their_json_says() -> None:
    assert results.differences(results.FOLDER) == []


def test_every_result_is_of_a_known_kind_and_says_what_it_is_of() -> None:
    found = results.results(results.FOLDER)
    assert found
    for name, one in found.items():
        assert set(one.tables) <= set(KINDS), name
        assert one.command.startswith(("python scripts/", "hdoc ")), name
        assert one.machine, name
        assert len(one.date) == len("2026-01-02"), name


def test_a_page_shows_table_command_machine_and_plot(folder: Path) -> None:
    text = (folder / "speed.md").read_text(encoding="utf-8")
    assert "| reading | 1,000 | 500 MiB | 2.0 |" in text
    assert "\n    python scripts/benchmark.py speed\n" in text
    assert "*2026-01-02; one core; model: m*" in text
    assert "](pictures/memory.png)" in text
    assert (folder / "pictures" / "memory.png").is_file()
    assert text.startswith("# Speed\n\nBefore.\n")
    assert text.endswith("<!-- end -->\n\nAfter.\n")
    assert results.main(["--folder", str(folder), "--check"]) == 0


def test_another_figure_in_the_json_is_noticed_in_page_and_plot(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "data" / "memory.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"seconds": 2.0', '"seconds": 2.1'), encoding="utf-8"
    )
    assert results.main(["--folder", str(folder), "--check"]) == 1
    said = capsys.readouterr().err
    assert "speed.md differs from its JSON; run: python scripts/results.py" in said
    assert "the plot of data/memory.json is missing, or of other figures" in said
    assert results.main(["--folder", str(folder)]) == 0
    assert results.main(["--folder", str(folder), "--check"]) == 0


def test_a_table_changed_by_hand_is_noticed(folder: Path) -> None:
    page = folder / "speed.md"
    page.write_text(page.read_text(encoding="utf-8").replace("500 MiB", "300 MiB"), encoding="utf-8")
    assert results.differences(folder) == ["speed.md differs from its JSON"]


def test_a_result_that_is_on_no_page_is_noticed_and_a_missing_one_is_said(folder: Path) -> None:
    shutil.move(folder / "data" / "memory.json", folder / "data" / "other.json")
    results.render(folder)
    assert results._UNMEASURED in (folder / "speed.md").read_text(encoding="utf-8")
    assert results.differences(folder) == ["data/other.json is on no page"]


def test_a_plot_is_left_alone_while_its_figures_are_the_same(folder: Path) -> None:
    path = folder / "pictures" / "memory.png"
    assert plots.stamp(path) == plots.digest(ROWS)
    before = path.stat().st_mtime_ns
    results.render(folder)
    assert path.stat().st_mtime_ns == before


@dataclass
class Measured:
    name: str
    ratio: float
    low: float
    high: float
    limit: float


def test_a_benchmark_records_what_it_measured_and_with_which_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "core.json"
    monkeypatch.setattr(
        result.sys, "argv", ["scripts/benchmark.py", "core", "--json", str(path), "--pairs", "3"]
    )
    record(
        path, {"ratios": [Measured("explain / classify", 1.04, 0.9, 1.2, 1.15)], "peaks": []}, {"pairs": "3"}
    )
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["command"] == "python scripts/benchmark.py core --pairs 3"
    assert "cores" in content["machine"]
    assert list(content["tables"]) == ["ratios"]
    found = Result.read(path)
    assert found.about == {"pairs": "3"}
    assert "| explain / classify | 1.04 (0.90–1.20) | 1.15 |" in markdown("ratios", found.tables["ratios"])
    record(None, {"ratios": []})  # nothing was asked for


def test_what_no_row_says_has_no_column() -> None:
    table = markdown(
        "costs", [{"mix": "m", "name": "floor", "ratio": 1}, {"mix": "m", "name": "hdoc", "ratio": 12.0}]
    )
    assert table.splitlines()[0] == "| documents | what | cost, lowest to highest |"
    assert table.splitlines()[3] == "| m | hdoc | 12 |"


def test_faithfulness_shows_intervals_and_minus_signs() -> None:
    unit = {"comprehensiveness": 0.4, "comprehensiveness_interval": [0.3, 0.5]}
    unit |= {"sufficiency": -0.2, "sufficiency_interval": [-0.3, -0.1]}
    table = markdown(
        "faithfulness", [{"method": "contribution", "word": unit, "sentence": unit, "leave_one_out": 0.5}]
    )
    assert "| contribution | 0.400 (0.300 to 0.500) | −0.200 (−0.300 to −0.100) |" in table
