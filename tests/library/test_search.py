import json
import sqlite3
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from hdoc import DocumentClassifier, InputError
from hdoc.cli import main
from hdoc.library import Article, Library, search
from hdoc.library.adding import add_inputs


def article(text: str, title: str = "제목", label: str = "사회") -> Article:
    return Article(title, text, "source", label, 0.5, "model")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path / "library.sqlite", create=True)
    yield library
    library.close()


@pytest.fixture(scope="module")
def classifier(tiny_model: Path) -> DocumentClassifier:
    return DocumentClassifier.load(tiny_model, device="cpu")


def titles(library: Library, query: str = "", label: str | None = None, **options: int) -> list[str]:
    return [hit.article.title for hit in search(library, query, label, **options).hits]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("버스", ["정류장", "노선"]),  # two characters, with any particle, inside a word, at the very end
        ("버스가", ["노선"]),
        ("시내버스", ["정류장"]),
        ("내버", ["정류장"]),
        ("노선", ["노선"]),
        ("버스 바뀌", ["노선"]),
        ("버스 안개", []),
        ("정류", ["정류장"]),
        ("ktx", ["기차"]),
        ("KTX", ["기차"]),
        ("없는말", []),
        ("가나다", []),  # its trigram is in one article, but only across other words
        ('"', None),
        ("a", None),
        ('버스" OR "', []),
        ("버스*", []),
        ("title : 버스", []),
        ("100%", ["기차"]),
        ("\x00버스\n", ["정류장", "노선"]),
    ],
)
def test_words_are_found_whatever_stands_around_them(
    library: Library, query: str, found: list[str] | None
) -> None:
    library.add(
        [
            article("오늘부터 버스가 다니는 길이 바뀌었다.", "노선"),
            article("아침마다 기다린다: 시내버스", "정류장"),
            article("KTX를 탔다. 100% 만족, 가나 다라.", "기차"),
        ]
    )
    if found is None:
        with pytest.raises(InputError, match="at least two characters"):
            titles(library, query)
    else:
        assert titles(library, query) == found


def test_decomposed_text_is_found_by_composed_words_and_the_other_way_round(library: Library) -> None:
    library.add(
        [article(unicodedata.normalize("NFD", "도서관이 문을 열었다"), "가"), article("도서관 소식", "나")]
    )
    assert titles(library, "도서관") == ["나", "가"]
    assert titles(library, unicodedata.normalize("NFD", "도서관")) == ["나", "가"]


def test_titles_come_first_then_the_newest(library: Library) -> None:
    library.add([article("하나", "버스 이야기"), article("버스 둘", "둘"), article("버스 셋", "셋")])
    assert titles(library, "버스") == ["버스 이야기", "셋", "둘"]
    assert titles(library) == ["셋", "둘", "버스 이야기"]


def test_results_come_in_pages(library: Library) -> None:
    library.add([article(f"버스 {i:02}번", f"{i:02}") for i in range(25)])
    first, second = search(library, "버스", limit=10), search(library, "버스", offset=20, limit=10)
    assert (len(first.hits), first.more) == (10, True)
    assert (len(second.hits), second.more) == (5, False)
    assert titles(library, "버스", limit=100) == [f"{i:02}" for i in reversed(range(25))]


def test_articles_are_filtered_by_class(library: Library) -> None:
    library.add([article(f"버스 {i}", str(i), ("사회", "경제", "사회/경제")[i % 3]) for i in range(9)])
    assert titles(library, "버스", "경제") == ["7", "4", "1"]
    assert titles(library, "", "경제") == ["7", "4", "1"]
    assert titles(library, "버스", "없는 분류") == []
    assert library.labels() == {"경제": 3, "사회": 3, "사회/경제": 3}


def test_a_snippet_shows_and_marks_the_words(library: Library) -> None:
    library.add([article("앞말 " * 60 + "시내버스가 왔다. " + "뒷말 " * 60)])
    hit = search(library, "버스 왔다").hits[0]
    assert [hit.snippet[start:end] for start, end in hit.marks] == ["버스", "왔다"]
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")
    assert len(hit.snippet) < 130


@pytest.mark.parametrize(
    ("title", "text", "query", "snippet"),
    [
        ("버스 소식", "버스 소식\n\n노선이 바뀐다.", "", "노선이 바뀐다."),
        ("버스 소식", "버스 소식\n\n버스 노선이 바뀐다.", "버스", "버스 노선이 바뀐다."),
        ("버스 소식", "버스 소식\n\n노선이 바뀐다.", "버스", "버스 소식 노선이 바뀐다."),
        ("버스 소식", "버스 소식", "", "버스 소식"),
        ("긴 제목…", "긴 제목이 끝나지 않는다.", "", "…이 끝나지 않는다."),
        ("제목", "다른 글이다.", "", "다른 글이다."),
    ],
)
def test_a_snippet_does_not_repeat_the_title(
    library: Library, title: str, text: str, query: str, snippet: str
) -> None:
    library.add([article(text, title)])
    hit = search(library, query).hits[0]
    assert hit.snippet == snippet
    assert all(hit.snippet[start:end] == query for start, end in hit.marks)


def test_a_query_has_a_limit(library: Library) -> None:
    with pytest.raises(InputError, match="at most 200 characters, got 201"):
        search(library, "가" * 201)


def test_the_same_text_is_kept_once(library: Library) -> None:
    assert library.add([article("버스가 왔다.\n모두 탔다.")]) == 1
    assert library.add([article("버스가  왔다. 모두 탔다. ", "다른 제목")]) == 0
    assert library.add([article(unicodedata.normalize("NFD", "버스가 왔다. 모두 탔다."))]) == 0
    assert len(library) == 1
    assert library.has("버스가 왔다. 모두\n탔다.")


def test_a_failing_import_adds_nothing_of_its_transaction(library: Library) -> None:
    def articles() -> Iterator[Article]:
        yield article("첫째")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.add(articles())
    assert len(library) == 0
    assert library.add([article("첫째")]) == 1
    assert titles(library, "첫째") == ["제목"]


def test_reading_goes_on_while_articles_are_added(library: Library) -> None:
    library.add([article(f"버스 {i}") for i in range(50)])
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(30):
                assert len(search(library, "버스").hits) == 20
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(50, 80):
        library.add([article(f"버스 {i}")])
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(library) == 80


def test_what_is_no_library_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="hdoc library add FILES"):
        Library(tmp_path / "missing.sqlite")
    (tmp_path / "text.sqlite").write_text("버스 " * 100, encoding="utf-8")
    with pytest.raises(InputError, match="cannot be used as a library"):
        Library(tmp_path / "text.sqlite")
    with sqlite3.connect(tmp_path / "other.sqlite") as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
    connection.close()
    with pytest.raises(InputError, match="another database"):
        Library(tmp_path / "other.sqlite")


def test_a_library_of_the_future_is_told(library: Library) -> None:
    library.connection().execute("PRAGMA user_version = 9")
    with pytest.raises(InputError, match="format 9, this hdoc knows 1"):
        Library(library.path)


def test_a_folder_holds_its_library(tmp_path: Path) -> None:
    made = Library(tmp_path, create=True)
    made.add([article("버스")])
    assert made.path == tmp_path / "library.sqlite"
    assert len(Library(tmp_path)) == 1


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
        "def stop(tally):\n    if tally.added >= 128: os._exit(9)\n"
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


def test_the_command_adds_searches_and_informs(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HDOC_LIBRARY", str(tmp_path / "mine.sqlite"))
    text = tmp_path / "a.txt"
    text.write_text("버스가 왔다.", encoding="utf-8")
    assert main(["library", "add", str(text), "-m", str(tiny_model)]) == 0
    assert "added 1, already there 0, failed 0" in capsys.readouterr().err
    assert main(["library", "search", "버스"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "버스가 왔다."
    assert main(["library", "info"]) == 0
    assert json.loads(capsys.readouterr().out)["articles"] == 1
    assert main(["library", "search", "버"]) == 1
    assert "at least two characters" in capsys.readouterr().err
    assert main(["library", "add", str(tmp_path / "none.txt"), "-m", str(tiny_model)]) == 1
    assert "none.txt: expected a file" in capsys.readouterr().err
