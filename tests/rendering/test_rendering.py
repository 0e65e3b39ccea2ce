"""The three views of an explanation: nothing lost, nothing foreign obeyed, the same numbers everywhere."""

from __future__ import annotations

import io
import json
import math
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color
from rich.console import Console
from rich.style import Style

from hdoc.explanation import Explanation, ModelIdentity, SentenceShare, WordShare
from hdoc.rendering import to_html, to_json, to_terminal
from hdoc.rendering.palette import Palette, bar
from hdoc.rendering.scale import Scale, marked_words, percentage, probability, strongest_words
from hdoc.rendering.symbols import visible
from hdoc.rendering.wording import subject_particle

PROBABILITIES = {
    "교통/건축/국토": 0.874,
    "안전/환경": 0.061,
    "Health & <care>": 0.04,
    "행정": 0.0139,
    "미래": 0.01,
    "농산어촌": 0.00095,
    "일자리": 0.00015,
}
TEXT = "버스가 끊겼다.\n\n아침에 비가 왔다. 도로와 버스가 위험하다.\n아이는 학교에 갔다."
WEIGHTS = {"버스가": 2.0, "도로와": 1.0, "학교에": -1.5}


def explain(text: str, weights: dict[str, float] | None = None, **changes: object) -> Explanation:
    """Build an explanation whose words weigh what `weights` says, others a little, by their length."""
    weights = WEIGHTS if weights is None else weights
    sentences = []
    for found in re.finditer(r"\S[^\n]*?(?:[.?!](?=\s|$)|(?=\s*\n)|$)", text):
        spans = [(word.span(), word.group()) for word in re.finditer(r"\S+", found.group())]
        words = tuple(
            WordShare(
                found.start() + start,
                found.start() + end,
                attention=1 / len(spans),
                contribution=weights.get(word, 0.01 * len(word) * (-1) ** (len(word) % 3)),
            )
            for (start, end), word in spans
        )
        contribution = sum(word.contribution for word in words)
        sentences.append(SentenceShare(found.start(), found.end(), 0.0, contribution, words))
    explanation = Explanation(
        model=ModelIdentity("petitions", "0.1.0", "3f9ab2c4" * 8),
        label="교통/건축/국토",
        probability=0.874,
        probabilities=PROBABILITIES,
        target="교통/건축/국토",
        versus=None,
        logit=0.25 + sum(sentence.contribution for sentence in sentences),
        bias=0.25,
        method="contribution",
        coverage=1.0,
        n_characters=len(text),
        sentences=tuple(sentences),
    )
    return replace(explanation, **changes)


def printed(
    explanation: Explanation,
    text: str,
    *,
    width: int = 100,
    colours: str | None = None,
    no_color: bool = False,
    **options: object,
) -> str:
    """Return what a console of this kind is sent."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colours is not None,
        color_system=colours,
        no_color=no_color,
        _environ={},
    )
    to_terminal(explanation, text, console, **options)
    return console.file.getvalue()


def bare(text: str) -> str:
    """Return text without white space, and without the symbols of control characters that are white space."""
    return re.sub(r"[\s␜␝␞␟]", "", text)


class PageReader(HTMLParser):
    """Reads a page as a browser would: its elements, title, style, and the article without its links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.article = ""
        self.title = ""
        self.style = ""
        self.everything = ""
        self._open: list[tuple[str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.elements.append((tag, values))
        if tag not in ("meta", "rect", "br"):
            self._open.append((tag, values.get("class") or ""))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        opened, _ = self._open.pop()
        assert opened == tag
        if tag == "p" and ("div", "text") in self._open:
            self.article += "\n\n"

    def handle_data(self, data):
        tags = [tag for tag, _ in self._open]
        self.everything += data
        if ("div", "text") in self._open and "a" not in tags:
            self.article += data
        if tags[-1:] == ["title"]:
            self.title += data
        if tags[-1:] == ["style"]:
            self.style += data

    def attributes(self, name: str) -> list[str]:
        return [values[name] or "" for _, values in self.elements if name in values]


# What must never reach a terminal or page as it is: controls, overrides of direction, halves of characters.
RAW = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ud800-\udfff]"
)
SGR = re.compile(r"\x1b\[[0-9;]*m")
NASTY = st.text(
    st.sampled_from(
        "가나다 버스가.\n\r\t\v\f\0\x1b[31m\x07\x9b\x85\u2028\u202e\u2066\u200f\ufeff\ud800"
        "🚌👨\u200d👩ᄒᆞᆫאב<&\"'>*~"
    )
    | st.characters(),
    max_size=80,
)


class TestJson:
    def test_is_the_contract(self):
        explanation = explain(TEXT, versus="안전/환경")
        content = to_json(explanation)
        assert json.loads(content) == json.loads(json.dumps(explanation.to_dict()))
        assert list(json.loads(content)) == [
            "schema_version", "model", "label", "probability", "probabilities", "target", "versus", "logit",
            "bias", "method", "coverage", "n_characters", "sentences",
        ]  # fmt: skip
        assert list(json.loads(content)["probabilities"]) == list(PROBABILITIES)
        assert "교통/건축/국토" in content
        assert content.endswith("}\n")

    def test_keeps_every_digit_and_every_byte(self):
        explanation = explain(TEXT, bias=0.1 + 0.2)
        assert "0.30000000000000004" in to_json(explanation)
        assert to_json(explanation).encode() == to_json(explain(TEXT, bias=0.1 + 0.2)).encode()

    @given(NASTY)
    def test_of_any_text_can_be_written(self, text):
        assert json.loads(to_json(explain(text)).encode()) is not None

    def test_refuses_what_json_cannot_hold(self):
        with pytest.raises(ValueError, match="not JSON compliant"):
            to_json(explain(TEXT, bias=math.nan))


class TestTerminal:
    def test_says_category_probability_and_top_labels(self):
        lines = printed(explain(TEXT), TEXT, language="ko", name="기사.txt").splitlines()
        assert lines[1].strip() == "기사.txt"
        assert lines[2].split() == ["분류", "교통/건축/국토", "87.4%"]
        bars = lines[4:9]
        assert [line.split()[-1] for line in bars] == ["87.4%", "6.1%", "4.0%", "1.4%", "1.0%"]
        assert lines[9].strip() == ""

    def test_labels_align_whatever_their_characters_take(self):
        rows = [line.rstrip() for line in printed(explain(TEXT), TEXT).splitlines()[3:8]]
        assert {cell_len(row[: re.search("[█▏▎▍▌▋▊▉]", row).start()]) for row in rows} == {18}
        assert len({cell_len(row) for row in rows}) == 1

    def test_shows_each_sentence_with_its_share_and_the_lines_of_the_text(self):
        explanation = explain(TEXT)
        lines = [line.rstrip() for line in printed(explanation, TEXT).splitlines()]
        first = next(i for i, line in enumerate(lines) if "끊겼다." in line)
        assert lines[first + 1] == ""
        for line, sentence in zip(
            [lines[first], *lines[first + 2 : first + 5]], explanation.sentences, strict=True
        ):
            share = Scale.over(explanation.sentences).share(sentence.contribution)
            shown = line.replace("**", "").replace("~~", "")
            assert shown.startswith(f"{percentage(share):>7}")
            assert shown.endswith(TEXT[sentence.start : sentence.end])

    @pytest.mark.parametrize(("width", "used"), [(300, 100), (100, 100), (44, 44)])
    def test_keeps_lines_short_enough_to_read(self, width, used):
        text = "버스가 다니지 않는 도로와 정류장 " * 20
        lines = printed(explain(text), text, width=width).splitlines()
        assert used - 8 <= max(cell_len(line.rstrip()) for line in lines) <= used

    def test_marks_words_by_signs_without_colour(self):
        assert "**버스가** 끊겼다." in printed(explain(TEXT), TEXT)
        assert "아이는 ~~학교에~~ 갔다." in printed(explain(TEXT), TEXT)
        no_color = printed(explain(TEXT), TEXT, colours="truecolor", no_color=True)
        assert "**버스가** 끊겼다." in SGR.sub("", no_color)
        assert "38;" not in no_color
        assert "48;" not in no_color

    @pytest.mark.parametrize(
        ("colours", "strongest", "against"),
        [
            ("truecolor", "48;2;26;108;208", "48;2;"),
            ("256", "48;5;26", "48;5;130"),
            ("standard", ";44m", ";41m"),
        ],
    )
    def test_shades_sentences_by_side_in_colour(self, colours, strongest, against):
        view = printed(explain(TEXT, {**WEIGHTS, "학교에": -3.0}), TEXT, colours=colours)
        rows = {
            word: line for line in view.splitlines() for word in ("위험하다", "왔다", "갔다") if word in line
        }
        assert strongest in rows["위험하다"]
        assert against in rows["갔다"]
        assert "48;" not in rows["왔다"]
        assert "**" not in view
        assert re.search(r"\x1b\[1;4[;0-9]*m버스가", view)

    def test_asks_the_question_of_a_comparison(self):
        explanation = explain(TEXT, versus="안전/환경")
        view = printed(explanation, TEXT, language="ko")
        assert "왜 ‘교통/건축/국토’이고 ‘안전/환경’이 아닌가" in view
        assert "█ - ‘안전/환경’ 쪽" in view
        assert "Why “교통/건축/국토” and not “안전/환경”" in printed(explanation, TEXT, language="en")

    def test_says_that_another_class_is_explained(self):
        view = printed(explain(TEXT, target="일자리"), TEXT, language="ko")
        assert "가장 유력한 분류가 아니라 ‘일자리’(<0.1%)의 근거" in view
        assert re.search(r"일자리 +▏ +<0.1%", view)

    def test_warns_of_a_low_probability(self):
        unsure = {
            "probabilities": {"교통/건축/국토": 0.4, "<안전>": 0.35, "일자리": 0.25},
            "probability": 0.4,
        }
        view = printed(explain(TEXT, **unsure), TEXT, language="ko")
        assert "확률이 낮습니다. 다음 후보는 ‘<안전>’(35.0%)이고" in view
        page = to_html(explain(TEXT, **unsure), TEXT, language="en")
        assert "The probability is low. Next comes “&lt;안전&gt;” (35.0%)" in page
        for sure in (
            explain(TEXT),
            explain(TEXT, **unsure, target="일자리"),
            explain(TEXT, **unsure, versus="일자리"),
            explain(TEXT, probabilities={"교통/건축/국토": 0.4}, probability=0.4),
        ):
            assert "확률이 낮습니다" not in printed(sure, TEXT, language="ko")
            assert "probability is low" not in to_html(sure, TEXT, language="en")

    def test_ranks_the_strongest_with_exact_places(self):
        explanation = explain(TEXT)
        lines = printed(explanation, TEXT, top=2, language="en").splitlines()
        sentences = lines[next(i for i, line in enumerate(lines) if "Strongest sentences" in line) :][1:3]
        assert "도로와" in sentences[0]
        assert f"{explanation.sentences[2].contribution:+.3f}" in sentences[0]
        assert "끊겼다" in sentences[1]
        words = lines[next(i for i, line in enumerate(lines) if "Strongest words" in line) :][1:4]
        assert "버스가  [0:3] [25:28]" in words[0]
        assert "+4.000" in words[0]
        assert "-1.500" in words[1]
        assert words[2].strip() == ""
        assert TEXT[0:3] == TEXT[25:28] == "버스가"

    def test_shows_the_strongest_of_a_long_text(self):
        text = " ".join(f"{n}번째 문장이다." for n in range(1999)) + " 버스가 왔다."
        view = printed(explain(text), text, language="en")
        assert "**버스가** 왔다." in view
        shown = [line for line in view.splitlines() if re.search(r"문장이다\.\s*$|왔다\.\s*$", line)]
        left_out = [int(n.replace(",", "")) for n in re.findall(r"⋮ ([\d,]+) sentences left out", view)]
        assert len(shown) == 40
        assert len(shown) + sum(left_out) == 2000
        assert "The 40 strongest of 2,000 sentences are shown." in view

    def test_shows_a_giant_sentence_by_its_strongest_words(self):
        text = "가나다 " * 4000 + "버스가 " + "라마바 " * 1000 + "ㅋ" * 20_000
        view = printed(explain(text, {"버스가": 2.0, "ㅋ" * 20_000: 1.0}), text)
        assert "**버스가**" in view
        assert " … " in view
        assert len(view) < 5_000

    @given(NASTY, st.booleans(), st.integers(20, 120))
    @settings(deadline=None)
    def test_sends_nothing_foreign_to_the_terminal(self, text, ranked, width):
        explanation = explain(text, label=text, probabilities={text: 1.0}, target=text)
        explanation = replace(explanation, model=ModelIdentity(text, text, text), method=text)
        options = {"top": 3} if ranked else {}
        for colours in (None, "truecolor"):
            view = printed(explanation, text, colours=colours, name=text, width=width, **options)
            assert not RAW.search(SGR.sub("", view))
            view.encode()

    @given(NASTY)
    @settings(deadline=None)
    def test_shows_every_character(self, text):
        text = re.sub(r"[*~]", "", text)
        view = printed(explain(text), text, width=200)
        body = "".join(line[15:] for line in view.split("\n"))
        assert bare(visible(text)) in bare(re.sub(r"[*~]", "", body))

    def test_says_so_of_a_text_without_sentences(self):
        assert "문장이 없습니다." in printed(explain(" \n"), " \n", language="ko")

    def test_wants_the_text_that_was_explained(self):
        with pytest.raises(
            ValueError, match=f"of {len(TEXT)} characters, this one has 2; pass the text exactly"
        ):
            printed(explain(TEXT), "버스")


class TestHtml:
    def test_keeps_the_text_and_its_layout(self):
        text = (
            "제목이 버스가 끊겼다\n\n첫 줄이다. 둘째 문장이다.\n  들여 쓴 줄 <b>굵게</b> &amp;\n\n\n끝이다."
        )
        page = PageReader(to_html(explain(text), text))
        assert page.article.rstrip("\n") == text

    @given(NASTY)
    @settings(deadline=None)
    def test_shows_every_character_and_obeys_none(self, text):
        explanation = explain(text, label=text, probabilities={text: 1.0}, target=text, method=text)
        source = to_html(explanation, text, name=text)
        assert not RAW.search(source)
        source.encode()
        page = PageReader(source)
        if explanation.sentences:
            assert bare(page.article) == bare(visible(text))

    def test_runs_and_loads_nothing(self):
        evil = "<script>alert(1)</script><img/src=x/onerror=alert(1)>\"'><style>*{display:none}</style>"
        text = f"{evil} 버스가 왔다.\n{evil}"
        explanation = explain(text, {evil: 9.0}, label=evil, target=evil, versus=f"{evil}2", method=evil)
        probabilities = {evil: 0.9, f"{evil}2": 0.1}
        for versus in (None, f"{evil}2"):
            page = PageReader(
                to_html(replace(explanation, probabilities=probabilities, versus=versus), text, name=evil)
            )
            tags = {tag for tag, _ in page.elements}
            assert not tags & {"script", "img", "link", "iframe", "object", "base", "form"}
            assert sum(tag == "style" for tag, _ in page.elements) == 1
            assert not [name for _, values in page.elements for name in values if name.startswith("on")]
            assert not page.attributes("src") + page.attributes("style")
            assert all(link.startswith("#") for link in page.attributes("href"))
            assert evil in page.article
            assert "url(" not in page.style
            assert "@import" not in page.style

    def test_allows_itself_one_style_sheet_by_its_hash(self):
        page = PageReader(to_html(explain(TEXT), TEXT))
        digest = b64encode(sha256(page.style.encode()).digest()).decode()
        policies = [content for content in page.attributes("content") if "default-src" in content]
        assert policies == [
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        ]

    def test_links_ranks_and_places_both_ways(self):
        page = PageReader(to_html(explain(TEXT), TEXT))
        ids = page.attributes("id")
        assert len(ids) == len(set(ids))
        assert {link[1:] for link in page.attributes("href")} == {
            f"{kind}{rank}" for kind in "rs" for rank in range(1, 5)
        }
        assert {link[1:] for link in page.attributes("href")} <= set(ids)
        assert set(page.attributes("aria-labelledby")) <= set(ids)

    def test_tells_the_same_numbers_as_the_terminal(self):
        explanation = explain(TEXT)
        page = PageReader(to_html(explanation, TEXT))
        titles = [
            values["title"] for tag, values in page.elements if values.get("class", "").startswith("s ")
        ]
        scale = Scale.over(explanation.sentences)
        for title, sentence in zip(
            titles, (s for s in explanation.sentences if abs(s.contribution) > 0.3), strict=True
        ):
            number = f"{sentence.contribution:+.4f}"
            expected = f"{percentage(scale.share(sentence.contribution))} · 기여도 {number}"
            assert title == expected.replace("-", "−")
        assert "87.4%" in page.everything

    def test_speaks_its_language_and_names_the_model(self):
        for language, heading in (("ko", "가장 강한 문장"), ("en", "Strongest sentences")):
            page = PageReader(to_html(explain(TEXT), TEXT, language=language, name="a.txt"))
            assert ("html", {"lang": language}) in page.elements
            assert heading in page.everything
            for fact in ("petitions 0.1.0", "3f9ab2c4" * 8, "100%", "contribution", "+0.250"):
                assert fact in page.everything
            assert page.title == "a.txt · 교통/건축/국토 · hdoc"

    def test_stays_light_for_a_long_text(self):
        sentence = "버스가 끊긴 도로와 정류장 옆에서 아이는 학교에 걸어서 갔다고 여러 이웃이 말했다.\n"
        text = sentence * (100_000 // len(sentence))
        explanation = explain(text)
        n_marked = len(marked_words(explanation))
        page = to_html(explanation, text)
        assert n_marked <= 1_000
        assert len(page.encode()) < 3 * len(text.encode())

    def test_wants_the_text_that_was_explained(self):
        with pytest.raises(ValueError, match="this one has 2; pass the text exactly as it was explained"):
            to_html(explain(TEXT), "버스")


def test_explanations_of_a_model_can_be_shown(tiny_model):
    from hdoc.tasks.document.classifier import DocumentClassifier

    classifier = DocumentClassifier.load(tiny_model, "cpu")
    text = f"{TEXT}\0\n\n\x1b[2J아이들은 운동장에서 축구를 하며 오후를 보냈다."
    for versus in (None, "경제"):
        explanation = classifier.explain(text, "문화", versus)
        assert json.loads(to_json(explanation))["target"] == "문화"
        assert "축구를" in printed(explanation, text)
        assert bare(PageReader(to_html(explanation, text)).article) == bare(visible(text))


class TestScale:
    @given(st.lists(st.floats(-1e6, 1e6), max_size=30))
    def test_shares_add_up_and_the_strongest_has_the_full_shade(self, amounts):
        scale = Scale.over([WordShare(0, 1, 0.0, amount) for amount in amounts])
        shares = [abs(scale.share(amount)) for amount in amounts]
        assert sum(shares) == pytest.approx(1 if any(amounts) else 0)
        levels = [scale.level(amount, 10) for amount in amounts]
        assert max(levels, default=0) == (10 if any(amounts) else 0)

    def test_marks_few_words_of_a_flat_text_and_none_of_nothing(self):
        flat = explain("가나 다라 마바 " * 100, dict.fromkeys(("가나", "다라", "마바"), 0.5))
        assert len(marked_words(flat)) == 30
        assert not marked_words(explain("가나 다라", {"가나": 0.0, "다라": 0.0}))

    def test_counts_equal_words_together(self):
        groups = strongest_words(explain(TEXT), TEXT, 2)
        assert [(group.text, group.contribution) for group in groups] == [("버스가", 4.0), ("학교에", -1.5)]
        assert [TEXT[word.start : word.end] for word in groups[0].occurrences] == ["버스가", "버스가"]

    @pytest.mark.parametrize(
        ("value", "shown"),
        [(1.0, "100.0%"), (0.99999, ">99.9%"), (0.874, "87.4%"), (0.00001, "<0.1%"), (0.0, "0.0%")],
    )
    def test_never_rounds_to_certainty(self, value, shown):
        assert probability(value) == shown

    @pytest.mark.parametrize(
        ("value", "shown"), [(0.1234, "+12.3%"), (-0.5, "-50.0%"), (-0.00001, "0.0%"), (0.0, "0.0%")]
    )
    def test_signs_percentages(self, value, shown):
        assert percentage(value) == shown


@pytest.mark.parametrize(
    ("word", "particle"), [("행정", "이"), ("미래", "가"), ("K-pop", "이(가)"), ("", "이(가)")]
)
def test_particle_follows_the_last_sound(word, particle):
    assert subject_particle(word) == particle


@pytest.mark.parametrize(
    ("share", "shown"), [(0, "    "), (1e-9, "▏   "), (0.5, "██  "), (0.53, "██▏ "), (1, "████")]
)
def test_bars_are_exact_to_an_eighth(share, shown):
    assert bar(share, 4) == shown


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of WCAG 2.1, 1 to 21."""

    def luminance(colour: Color) -> float:
        channels = [value / 255 for value in colour.get_truecolor()]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_colours_are_readable_on_dark_and_light_terminals():
    palette = Palette.of(Console(force_terminal=True, color_system="truecolor", _environ={}))
    styles = [
        palette.faint,
        palette.supports,
        palette.opposes,
        *palette.support_shades,
        *palette.oppose_shades,
    ]
    for style in map(Style.parse, filter(None, styles)):
        grounds = [style.bgcolor] if style.bgcolor else [Color.parse("#000000"), Color.parse("#ffffff")]
        assert min(contrast(style.color, ground) for ground in grounds) >= 4.5


@pytest.mark.parametrize("name", ["transport", "childcare", "pets"])
def test_samples_are_articles(name):
    text = files("hdoc").joinpath(f"assets/samples/{name}.txt").read_text("utf-8")
    assert 700 <= len(text) <= 1_500
    title, blank, *paragraphs = text.split("\n")
    assert title
    assert not blank
    assert len([paragraph for paragraph in paragraphs if paragraph]) >= 4
