import json
import subprocess
import sys
from pathlib import Path

import pytest

from hdoc import DocumentClassifier
from hdoc.cli import main
from hdoc.library import Library, search
from hdoc.library.adding import add_inputs
from tests.library.articles import titles


@pytest.fixture(scope="module")
def classifier(tiny_model: Path) -> DocumentClassifier:
    return DocumentClassifier.load(tiny_model, device="cpu")


def test_files_and_tables_come_in_classified(
    library: Library, classifier: DocumentClassifier, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "a.txt").write_text("버스가 왔다\n모두 탔다.", encoding="utf-8")
    (folder / "b.html").write_text("<html><body><p>도서관이 열렸다.</p></body></html>", encoding="utf-8")
    (folder / "c.txt").write_text("   ", encoding="utf-8")
    (folder / "d.jpg").write_bytes(b"\xff\xd8")
    table = tmp_path / "table.jsonl"
    rows = [
        {"title": "<b>공장</b>", "text": "소음 때문에 잠을 못 잔다."},
        {"text": "버스가 왔다 모두 탔다."},
        {"text": 7},
        {"text": "\ud800제목 없는 글"},
    ]
    table.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    pytest.importorskip("trafilatura", reason="needs the extra serve")
    tally = add_inputs(library, classifier, [str(folder), str(table)])
    assert (tally.added, tally.known, tally.failed) == (4, 1, 2)
    assert "c.txt" in caplog.text
    assert "table.jsonl:3: expected a text in column 'text', got int" in caplog.text
    assert titles(library) == ["?제목 없는 글", "<b>공장</b>", "도서관이 열렸다.", "버스가 왔다"]
    for hit in search(library).hits:
        expected = classifier.classify([hit.article.text])[0]
        assert hit.article.label == expected.label
        assert hit.article.probability == pytest.approx(expected.probability, abs=1e-5)
        assert hit.article.model == classifier.identity.checksum
    again = add_inputs(library, classifier, [str(folder), str(table)])
    assert (again.added, again.known, again.failed) == (0, 5, 2)


def test_an_import_that_was_killed_goes_on_without_loss_or_doubles(tiny_model: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    texts = [f"{i}번째 버스가 정류장에 왔다. 주민들이 탔다." for i in range(400)]
    table.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    path = tmp_path / "library.sqlite"
    program = (
        "import os, sys\nfrom hdoc.library import Library\nfrom hdoc.library.adding import add_inputs\n"
        "from hdoc import DocumentClassifier\n"
        "def stop(counts):\n    if counts.added >= 128: os._exit(9)\n"
        f"library = Library(__import__('pathlib').Path({str(path)!r}), create=True)\n"
        f"classifier = DocumentClassifier.load({str(tiny_model)!r})\n"
        f"add_inputs(library, classifier, [{str(table)!r}], on_progress=stop)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
    before = len(Library(path))
    assert 128 <= before < 400
    assert main(["library", "add", str(table), "--library", str(path), "-m", str(tiny_model)]) == 0
    library = Library(path)
    assert len(library) == 400
    numbers = {hit.article.text.split("번째")[0] for hit in search(library, "정류장", limit=500).hits}
    assert len(numbers) == 400
