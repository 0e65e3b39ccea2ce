import sqlite3
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from hdoc import InputError
from hdoc.library import Article, Library, search
from tests.library.articles import article, titles


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
