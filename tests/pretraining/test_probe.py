"""Probing encoders: what their states tell of a task, without fine-tuning."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="probing needs scikit-learn")

from hdoc.cli.pretrain import main
from hdoc.pretraining.probe import document_states
from tests.conftest import SENTENCES


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes told apart by their sentences, and one of too few documents."""
    rows = [
        {"text": " ".join(SENTENCES[first + n % 3 : first + 5]) + f" {n}", "label": label}
        for label, first in (("가", 0), ("나", 5))
        for n in range(10)
    ]
    path = tmp_path / "data.jsonl"
    lines = [json.dumps(row) for row in [*rows, {"text": "하나", "label": "다"}]]
    path.write_text("\n".join(lines), encoding="utf8")
    return path


def test_documents_that_differ_are_told_apart(
    tiny_encoder: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", str(tiny_encoder), str(tiny_encoder), "--data", str(data)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second  # the same folds, whatever came before
    assert first.startswith(f"{tiny_encoder}: macro-F1 1.000 ± 0.000 over 5 folds, accuracy 1.000 (ridge")


def test_a_document_is_the_mean_over_its_pieces_however_many_windows_it_takes(tiny_encoder: Path) -> None:
    long, short = "\n".join(SENTENCES[:1] * 40), SENTENCES[0]
    states = document_states(str(tiny_encoder), [short, long, short])
    assert np.array_equal(states[0], states[2])
    assert np.isfinite(states).all()
    assert not np.allclose(states[0], states[1], atol=1e-3)


def test_too_few_classes_are_an_error(
    tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text("\n".join([json.dumps({"text": "버스", "label": "가"})] * 9), encoding="utf8")
    assert main(["probe", str(tiny_encoder), "--data", str(path)]) == 1
    assert "expected two classes or more with at least 5 documents each, got 1" in capsys.readouterr().err
