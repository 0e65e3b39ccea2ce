"""The benchmark of runtimes: one real run of it over all of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

pytest.importorskip("onnx", reason="8 bit needs onnx")

SAMPLES = {"childcare": "육아/교육", "pets": "반려동물", "transport": "교통/건축/국토"}


def test_all_runtimes_are_set_beside_torch(tmp_path: Path) -> None:
    rows = [
        {"text": (ROOT / "hdoc/assets/samples" / f"{name}.txt").read_text(encoding="utf8"), "label": label}
        for name, label in SAMPLES.items()
    ]
    data = tmp_path / "data.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    command = [sys.executable, str(ROOT / "scripts" / "benchmark.py"), "runtimes", "--data", str(data)]
    found = tmp_path / "runtimes.json"
    command += ["--rounds", "1", "--json", str(found)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    cells = {
        parts[1].strip(): [part.strip() for part in parts[2:-1]]
        for line in result.stdout.splitlines()
        if len(parts := line.split("|")) > 3
    }
    assert cells["torch float32"] == [
        "1.00 (1.00–1.00)", *cells["torch float32"][1:3], "0", "0.0e+00", "0.0e+00", "1.0000", "100.0%",
    ]  # fmt: skip
    same, int8 = cells["onnx float32"], cells["onnx int8"]
    assert same[1:4] == cells["torch float32"][1:4]
    assert float(same[5]) < 1e-4  # the agreement that is promised
    assert 1e-4 < float(int8[5]) < 1
    assert 0.9 < float(int8[6]) < 1
    content = json.loads(found.read_text(encoding="utf-8"))
    assert [row["name"] for row in content["tables"]["runtimes"]] == list(cells)[-4:]
    assert content["command"] == f"python scripts/benchmark.py runtimes --data {data} --rounds 1"
