"""The benchmark of speed: its arithmetic, and one real run of all its parts at tiny sizes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from benchmarks.speed.cost import Cost, compared
from benchmarks.speed.documents import n_tokens, random_document, sentence
from benchmarks.speed.explaining import explain_by_lime
from benchmarks.speed.lengths import Peak, peak
from benchmarks.speed.rate import RATE, n_operations
from benchmarks.speed.report import markdown
from benchmarks.speed.shape import Shape
from benchmarks.speed.whole import _over_the_dearer
from torch.utils.flop_counter import FlopCounterMode

from hdoc import DocumentClassifier
from hdoc.encoders.bert import Bert, BertShape
from hdoc.encoders.memory import trim_heap
from tests.known import AGAINST, FOR, document, save_known_model
from tests.places import ROOT


def test_costs_are_medians_of_rounds_beside_the_first_and_the_first_round_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter([90.0, 10.0, 1.0, 4.0, 2.0, 4.0, 1.0, 3.0])
    monkeypatch.setattr("benchmarks.speed.cost.seconds", lambda _action: next(times))
    floor, other = compared("few", {"floor": list, "other": list}, 12, 3)
    assert floor == Cost("few", "floor", 1.0, 1.0, 1.0, 1.0, 12)
    assert other == Cost("few", "other", 4.0, 3.0, 2.0, 4.0, 12)


def test_the_whole_is_set_beside_the_dearer_part_and_beside_both() -> None:
    split = Cost("", "splitting", 2.0, 1.0, 1.0, 1.0, 10)
    encode = Cost("", "encoding", 4.0, 2.0, 1.8, 2.2, 10)
    whole = Cost("", "whole", 5.0, 2.5, 2.4, 2.6, 10)
    found = _over_the_dearer([split, encode, whole])
    assert [(cost.name, cost.ratio, cost.seconds) for cost in found] == [
        ("encoding", 1.0, 4.0),
        ("splitting", 0.5, 2.0),
        ("splitting, then encoding", 1.5, 6.0),
        ("whole", 1.25, 5.0),
    ]


def test_random_documents_are_the_same_each_time_and_have_no_equal_sentences() -> None:
    classifier = DocumentClassifier.load(device="cpu")
    found = random_document(classifier, 300)
    assert found == random_document(classifier, 300)
    assert len({window.ids for window in found}) == 300
    assert all(5 <= len(window.ids) <= 45 for window in found)
    assert n_tokens(classifier, [[sentence([7, 8, 9])], [sentence([7])]]) == 3 + 2 + 1 + 2


def test_operations_of_an_encoder_are_those_of_its_matrix_products() -> None:
    shape = BertShape(10, 8, 3, 2, 32)
    with FlopCounterMode(display=False) as counter:
        Bert(shape).eval()(torch.zeros(2, 5, dtype=torch.long), torch.ones(2, 5, dtype=torch.bool))
    assert n_operations(shape, [5, 5]) == counter.get_total_flops()


def test_lime_finds_the_words_that_decide(tmp_path: Path) -> None:
    classifier = DocumentClassifier.load(save_known_model(tmp_path / "model"), device="cpu")
    text = document([f"오늘 {FOR} 학교", f"사람 {AGAINST} 저녁"])
    weights = explain_by_lime(classifier, text, 200)
    words = text.split()
    assert len(weights) == len(words)
    target = classifier.explain(text).target
    strongest = words[max(range(len(words)), key=lambda i: abs(weights[i]))]
    assert strongest in (FOR, AGAINST), (target, weights)


def test_tables_say_what_was_measured() -> None:
    costs = [
        Cost("letters", "floor", 2.0, 1.0, 1.0, 1.0, 1000),
        Cost("letters", "hdoc", 2.2, 1.1, 1.05, 12.3, 1000),
    ]
    found = markdown(costs, [Peak("training", 2000, 3 * 2**20, 1.25)])
    assert "**letters**" in found
    assert "| floor | 1 | 500 |" in found
    assert "| hdoc | 1.10 (1.05 to 12) | 455 |" in found
    assert "| training | 2,000 | 3 MiB | 1.2 s |" in found


@pytest.mark.slow
@pytest.mark.skipif(not trim_heap(), reason="needs glibc")
def test_a_training_step_takes_no_more_memory_for_ten_times_the_sentences() -> None:
    short, long = (peak("training", count, Shape(device="cpu")) for count in (200, 2000))
    assert long.n_bytes < 1.2 * short.n_bytes


@pytest.mark.slow
def test_the_command_measures_all_parts(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "benchmark.py"), "speed", "-o", str(tmp_path)]
    command += ["--statutes", str(ROOT / "hdoc" / "assets" / "samples"), "--documents", "2", "--whole", "2"]
    command += ["--counts", "4", "--lime-samples", "8", "--rounds", "1", "--device", "cpu"]
    command += ["--single", "3"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))
    mixes = {cost["mix"] for cost in report["costs"]}
    assert {"2 petitions", "1 statutes", "one of 3 sentences"} <= mixes
    assert {"by length", "explaining one petition", "one document of 4,096 tokens"} <= mixes
    names = {cost["name"] for cost in report["costs"]}
    assert {
        "hdoc classify",
        "Longformer, window 512",
        "occlusion, word by word",
        "4 sentences",
        RATE,
    } <= names
    assert "LIME, 5,000 samples (8 measured, times 625)" in names
    assert all(
        cost["seconds"] > 0 and cost["low"] <= cost["ratio"] <= cost["high"] for cost in report["costs"]
    )
    assert [(peak["task"], peak["n_sentences"]) for peak in report["peaks"]] == [
        (task, count) for task in ("reading", "training") for count in (4,)
    ]
    assert all(peak["n_bytes"] > 2**27 for peak in report["peaks"])  # torch alone needs as much
    assert "hdoc classify" in result.stdout
    assert "| hdoc classify |" in (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")
