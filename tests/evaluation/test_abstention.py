"""Leaving unsure documents to people: what each threshold does, and documents of no known class."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hdoc import DocumentClassifier
from hdoc.errors import DataError
from hdoc.evaluation.abstention import abstention_table, auroc, measure_abstention, out_of_scope_confidences
from hdoc.evaluation.quality import Decisions

PROBABILITIES = np.array([[0.95, 0.05], [0.55, 0.45], [0.35, 0.65], [0.2, 0.8]])
TRUTH = np.array([[True, False], [False, True], [False, True], [False, True]])


def decisions() -> Decisions:
    given = PROBABILITIES.max(axis=1, keepdims=True) <= PROBABILITIES
    return Decisions(PROBABILITIES, TRUTH, given, np.full(4, 100), False)


def test_thresholds_keep_fewer_documents_and_righter_ones() -> None:
    rows = {row["below"]: row for row in measure_abstention(decisions())["thresholds"]}
    assert (rows[0.0]["kept"], rows[0.0]["accuracy"]) == (1.0, 0.75)
    assert (rows[0.6]["kept"], rows[0.6]["accuracy"]) == (0.75, 1.0)
    assert (rows[0.9]["kept"], rows[0.9]["accuracy"]) == (0.25, 1.0)
    assert "auroc" not in measure_abstention(decisions())


def test_out_of_scope_documents_are_told_apart_by_how_unsure_the_model_is() -> None:
    report = measure_abstention(decisions(), np.array([0.5, 0.6, 0.7]))
    # Unsure of a stranger more than of another: 4 of 4, 3 of 4 and 2 of 4 pairs.
    assert report["auroc"] == pytest.approx((4 + 3 + 2) / 12)
    assert report["thresholds"][4] == {
        "below": 0.6, "kept": 0.75, "accuracy": 1.0, "strangers_left": pytest.approx(1 / 3)
    }  # fmt: skip
    table = abstention_table(report)
    assert "0.750" in table.note
    assert table.rows[4] == ("0.6", "75.0%", "1.000", "33.3%")


def test_ties_count_half() -> None:
    assert auroc(np.array([0.5, 0.5]), np.array([0.5])) == 0.5


def test_out_of_scope_documents_come_from_a_table(tiny_model: Path, tmp_path: Path) -> None:
    classifier = DocumentClassifier.load(tiny_model)
    texts = ["버스가 늦게 옵니다.", "새 영화를 보았습니다. 음악이 좋았습니다."]
    file = tmp_path / "strangers.jsonl"
    file.write_text("".join(json.dumps({"글": text}) + "\n" for text in texts), encoding="utf-8")
    found = out_of_scope_confidences(classifier, file, "글", None, workers=0)
    assert found == pytest.approx([one.probability for one in classifier.classify(texts)], abs=1e-5)
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"글": " "}\n')
    with pytest.raises(DataError, match=r"strangers\.jsonl: "):
        out_of_scope_confidences(classifier, file, "글", None, workers=0)
    file.write_text("글\n", encoding="utf-8")
    file = file.rename(file.with_suffix(".csv"))
    with pytest.raises(DataError, match="expected documents of none of the classes, got none"):
        out_of_scope_confidences(classifier, file, "글", None, workers=0)
