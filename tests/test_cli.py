import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hdoc import DocumentClassifier
from hdoc.cli import main

ARTICLE = "버스 노선이 바뀌어 출근 시간이 두 배로 늘었습니다.\n\n시장은 새 도서관을 열겠다고 밝혔다.\n"


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


def run(*arguments: str | Path, given: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "hdoc", *map(str, arguments)]
    return subprocess.run(
        command,
        input=given,
        capture_output=True,
        check=False,
        env={**os.environ, "COLUMNS": "100", **environment},
    )


def line(result: subprocess.CompletedProcess[bytes]) -> str:
    """Return the one line that an error is."""
    text = result.stderr.decode()
    assert text.count("\n") == 1, text
    assert result.stdout == b""
    return text


def test_help_names_the_commands_at_once() -> None:
    start = time.perf_counter()
    result = run("--help")
    assert time.perf_counter() - start < 2  # typically 0.1 s; the figure in docs/results is measured apart
    assert result.returncode == 0
    for command in ("explain", "classify", "train", "export"):
        assert command in result.stdout.decode()


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom hdoc.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        "print('LOADED', [m for m in ('torch', 'numpy', 'kss', 'rich', 'pyarrow') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "LOADED []" in result.stdout


def test_an_article_is_shown_with_its_category(tiny_model: Path, article: Path) -> None:
    result = run("explain", article, "-m", tiny_model, LC_ALL="ko_KR.UTF-8")
    label = DocumentClassifier.load(tiny_model).explain(ARTICLE).label
    assert result.returncode == 0, result.stderr.decode()
    assert label in result.stdout.decode()
    assert "분류" in result.stdout.decode()
    assert "Category" in run("explain", article, "-m", tiny_model, "--language", "en").stdout.decode()


def test_json_is_the_contract_and_the_same_bytes_each_time(tiny_model: Path, article: Path) -> None:
    result = run("explain", article, "-m", tiny_model, "--format", "json")
    value = json.loads(result.stdout)
    assert list(value)[:4] == ["schema_version", "model", "label", "probability"]
    assert value["n_characters"] == len(ARTICLE)
    first = value["sentences"][0]
    assert ARTICLE[first["start"] : first["end"]] == "버스 노선이 바뀌어 출근 시간이 두 배로 늘었습니다."
    from_input = run("explain", "-", "-m", tiny_model, "--format", "json", given=ARTICLE.encode("cp949"))
    assert from_input.stdout == result.stdout


def test_html_goes_to_a_file(tiny_model: Path, article: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "page.html"
    assert main(["explain", str(article), "-m", str(tiny_model), "--format", "html", "-o", str(page)]) == 0
    assert "출근" in page.read_text(encoding="utf-8")


def test_several_documents_go_to_a_folder(tiny_model: Path, article: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("짧은 글이다.", encoding="utf-8")
    arguments = ["explain", str(article), str(other), "-m", str(tiny_model), "--format", "json"]
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert main([*arguments, "-o", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "article.txt.json",
        "other.txt.json",
    ]


def test_another_class_a_comparison_and_a_list(
    tiny_model: Path, article: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["explain", str(article), "-m", str(tiny_model), "--format", "json"]
    assert main([*base, "--label", "문화", "--versus", "경제"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["target"], value["versus"]) == ("문화", "경제")
    assert main(["explain", str(article), "-m", str(tiny_model), "--top", "1", "--language", "en"]) == 0
    listed = capsys.readouterr().out
    assert ("도서관을" in listed) != ("출근" in listed)


def test_bad_input_is_one_line_and_exit_code_1(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "binary.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    for file, expected in {
        "none.txt": "none.txt",
        "empty.txt": "empty",
        "binary.txt": "PNG",
        ".": "folder",
    }.items():
        result = run("explain", tmp_path / file, "-m", tiny_model)
        assert result.returncode == 1
        assert line(result).startswith("hdoc: error: ")
        assert expected in line(result)


def test_a_folder_that_is_no_model_is_one_line_and_exit_code_1(article: Path, tmp_path: Path) -> None:
    result = run("explain", article, "-m", tmp_path)
    assert result.returncode == 1
    assert "has no config.json" in line(result)
    result = run("classify", article, "-m", tmp_path / "nowhere", "-o", tmp_path / "out.jsonl")
    assert result.returncode == 1
    assert "is not there" in line(result)
    assert not (tmp_path / "out.jsonl").exists()


def test_an_unknown_label_is_one_line_and_exit_code_1(tiny_model: Path, article: Path) -> None:
    result = run("explain", article, "-m", tiny_model, "--label", "스포츠")
    assert result.returncode == 1
    assert "the model has no class '스포츠'" in line(result)


def test_wrong_usage_exits_with_2(article: Path) -> None:
    assert run("explain").returncode == 2
    assert run("explain", article, "--top", "0").returncode == 2
    assert run("explain", article, "--format", "pdf").returncode == 2
    assert run("conjure").returncode == 2


def test_one_bad_document_does_not_hide_the_others(tiny_model: Path, article: Path, tmp_path: Path) -> None:
    result = run("explain", tmp_path / "none.txt", article, "-m", tiny_model)
    assert result.returncode == 1
    assert "none.txt" in result.stderr.decode()
    assert "출근" in result.stdout.decode()


def test_a_table_is_classified_row_by_row_in_order(tiny_model: Path, tmp_path: Path) -> None:
    texts = [f"{i}번째 글입니다. 도서관을 열겠다고 밝혔다." for i in range(150)]
    rows = [{"번호": i, "본문": text} for i, text in enumerate(texts)]
    rows[3]["본문"] = "  "
    table = tmp_path / "in.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    lines.insert(5, "{broken")
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    options = ["--text-column", "본문", "--id-column", "번호", "-m", str(tiny_model), "--top", "1"]
    assert main(["classify", str(table), "-o", str(out), *options]) == 0
    result = [json.loads(row) for row in out.read_text(encoding="utf-8").splitlines()]
    assert len(result) == 151
    assert [row["id"] for row in result if row["error"] is None] == [str(i) for i in range(150) if i != 3]
    assert [i for i, row in enumerate(result) if row["error"]] == [3, 5]
    assert result[3]["label"] is None
    classifier = DocumentClassifier.load(tiny_model)
    expected = classifier.explain(texts[0])
    assert result[0]["label"] == expected.label
    assert result[0]["probability"] == pytest.approx(expected.probability, abs=1e-5)
    assert result[0]["probabilities"] == pytest.approx(expected.probabilities, abs=1e-5)
    [sentence] = result[0]["sentences"]
    assert texts[0][sentence["start"] : sentence["end"]] == sentence["text"]


def test_unsure_documents_are_left_without_a_label(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["버스가 늦게 옵니다.", "금리가 올랐습니다.", "새 영화를 보았습니다. 음악이 좋았습니다."]
    for i, text in enumerate(texts):
        (tmp_path / f"{i}.txt").write_text(text, encoding="utf-8")
    chances = sorted(one.probability for one in DocumentClassifier.load(tiny_model).classify(texts))
    between = (chances[0] + chances[1]) / 2
    out = tmp_path / "out.jsonl"
    inputs = [str(tmp_path / f"{i}.txt") for i in range(3)]
    common = ["-o", str(out), "-m", str(tiny_model), "--workers", "0"]
    assert main(["classify", *inputs, *common, "--abstain-below", str(between)]) == 0
    rows = [json.loads(row) for row in out.read_text(encoding="utf-8").splitlines()]
    [unsure] = [row for row in rows if row["label"] is None]
    assert unsure["probability"] == pytest.approx(chances[0], abs=1e-5)
    assert unsure["error"] is None
    assert unsure["probabilities"]
    assert "1 of 3 documents were left without a label" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["classify", *inputs, *common, "--abstain-below", "1.5"])
    assert "expected a probability from 0 to 1, got 1.5" in capsys.readouterr().err


def test_files_folders_and_tables_go_to_any_format(tiny_model: Path, article: Path, tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "a.txt").write_text("첫 글이다.", encoding="utf-8")
    (folder / "b.txt").write_bytes("둘째 글입니다. 한글 완성형으로 저장했습니다.".encode("cp949"))
    table = tmp_path / "more.csv"
    table.write_text("id,text\n7,셋째 글이다.\n", encoding="utf-8")
    inputs = [str(article), str(folder), str(table)]
    for name in ("out.parquet", "out.csv", "out.jsonl"):
        assert (
            main(["classify", *inputs, "-o", str(tmp_path / name), "-m", str(tiny_model), "--workers", "0"])
            == 0
        )
    ids = pq.read_table(tmp_path / "out.parquet").column("id").to_pylist()
    assert ids == [str(article), f"{folder}/a.txt", f"{folder}/b.txt", "7"]
    assert (tmp_path / "out.csv").read_text(encoding="utf-8-sig").count("\n") == 5


def test_results_can_go_to_standard_output(tiny_model: Path, article: Path) -> None:
    result = run("classify", article, "-m", tiny_model)
    assert json.loads(result.stdout)["id"] == str(article)


def test_all_documents_bad_is_exit_code_1(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(" ", encoding="utf-8")
    result = run("classify", tmp_path / "a.txt", "-m", tiny_model, "-o", tmp_path / "out.jsonl")
    assert result.returncode == 1
    assert "1 of 1 documents have no label" in result.stderr.decode()


def test_a_reader_that_goes_away_is_no_error(tiny_model: Path, article: Path) -> None:
    command = f"{sys.executable} -m hdoc explain {article} -m {tiny_model} --format json | head -c 10"
    result = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert result.stderr == b""


def test_the_training_side_says_how_to_install_it(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['pytorch_lightning'] = None\n"
        "from hdoc.cli import main; sys.exit(main(['train', 'fit']))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "pip install 'hdoc[train]'" in result.stderr
