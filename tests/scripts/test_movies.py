import json
import lzma
import subprocess
import sys
from pathlib import Path

from hdoc.encoders.pretrained import load_encoder, load_tokenizer
from tests.places import ROOT

LINES = ["a fine film , well acted .", "the plot is thin and the jokes are old .", "we left early ."]


def test_reviews_are_converted_and_an_encoder_is_made_from_those_of_train(tmp_path: Path) -> None:
    source = tmp_path / "movies.jsonl.xz"
    evidences = [[{"start_token": 0, "end_token": 3, "text": "a fine film"}]]
    with lzma.open(source, "wt", encoding="utf-8") as file:
        for i in range(60):
            text = "\n".join([*LINES[i % 3 :], *(["zyzzyva zyzzyva zyzzyva"] * 9 if i == 59 else [])])
            split = ("train", "dev", "test")[max(0, i - 57)]
            row = {"id": f"r{i}", "split": split, "label": "POS", "text": text, "evidences": evidences}
            file.write(json.dumps(row | {"query": "?"}) + "\n")
    folder = tmp_path / "out"
    command = [sys.executable, ROOT / "scripts" / "movies.py", source, "-o", folder]
    result = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == 58
    assert rows[0]["evidences"] == evidences
    assert "query" not in rows[0]
    encoder, config = load_encoder(str(folder / "encoder"))
    pieces = load_tokenizer(str(folder / "encoder"), 128).tokenizer.get_vocab()
    assert config["vocab_size"] == len(pieces)
    assert "film" in pieces
    assert not any("zyz" in piece for piece in pieces)  # a test review's word
    table = encoder.embeddings.word_embeddings.weight
    assert 0.01 < float(table[pieces["film"]].detach().std()) < 0.04
