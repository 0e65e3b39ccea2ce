"""`scripts/calibrate.py`: a finished model gets a new temperature and origin, and nothing else changes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hdoc import DocumentClassifier
from hdoc.tasks.document.folder.loading import load_model
from tests.known import AGAINST, FOR, document, save_known_model
from tests.places import ROOT


def calibrate(model: Path, data: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "calibrate.py"), str(model), str(data)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Documents of which a quarter has another label than the words say, so that nothing is certain."""
    rows = [
        {
            "text": document([f"오늘 {FOR if n % 2 else AGAINST} 학교 {n}"]),
            "label": "체육" if (n % 2) == (n % 8 > 1) else "경제",
        }
        for n in range(40)
    ]
    path = tmp_path / "dev.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    return path


def test_only_the_calibration_changes(tmp_path: Path, data: Path) -> None:
    folder = save_known_model(tmp_path / "model")
    before = load_model(folder)
    text = document([f"오늘 {FOR} 학교"])
    said = DocumentClassifier(before, "cpu").explain(text)
    result = calibrate(folder, data)
    assert result.returncode == 0, result.stderr
    first, second = result.stdout.splitlines()
    assert first.startswith("before: Temperature(base=2.0")
    assert float(second.rpartition("loss ")[2]) < float(first.rpartition("loss ")[2])
    after = load_model(folder)
    assert after.temperature != before.temperature
    assert np.isfinite(after.origin).all()
    assert after.labels == before.labels
    for name, weights in before.network.state_dict().items():
        assert torch.equal(after.network.state_dict()[name], weights)
    now = DocumentClassifier(after, "cpu").explain(text)
    assert (now.label, now.logit) == (said.label, pytest.approx(said.logit))
    assert now.probability != pytest.approx(said.probability, abs=1e-3)


def test_documents_without_words_are_an_error(tmp_path: Path) -> None:
    folder = save_known_model(tmp_path / "model")
    path = tmp_path / "dev.jsonl"
    path.write_text(json.dumps({"text": "\x00", "label": "체육"}), encoding="utf8")
    result = calibrate(folder, path)
    assert result.returncode == 1
    assert "expected" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
