import unicodedata

import pytest

from hdoc import InputError
from hdoc.library import Library, search
from tests.library.articles import article, titles


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
