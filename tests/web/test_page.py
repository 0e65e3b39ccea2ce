"""The page in a real Chromium. Nothing it does may break its own content security policy."""

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from hdoc.library import Article, Library
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.web.app import Settings
from hdoc.web.server.gate import Rules
from tests.known import AGAINST, FOR, known_model
from tests.places import ROOT
from tests.serving import Served, serving

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
expect.set_options(timeout=30_000)  # the machine may be busy
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
SCRIPT = "<img src=x onerror=alert(1)><script>alert('버스')</script>"
TEXT = f"""버스 노선이 바뀌어 출근 시간이 두 배로 늘었습니다. 시장은 새 도서관을 내년 봄에 열겠다고 밝혔다.
둘째 줄 🚌 입니다. {SCRIPT}

법원은 원고의 청구를 모두 받아들이지 않았습니다. 환율이 오르자 수입 과일의 가격도 올랐다.
\u202e뒤집힌 글."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: scripts/system_packages.sh")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = Library(tmp_path_factory.mktemp("library") / "library.sqlite", create=True)
    library.add(Article(f"공장 {i}", f"{TEXT} {i}번째.", "a", "사회", 0.7, "m") for i in range(25))
    library.add([Article(f"도서관 {SCRIPT}", TEXT, "b", f"문화{SCRIPT}", 0.8, "m")])
    yield library
    library.close()


@pytest.fixture(scope="module")
def server(tiny_model: Path, library: Library) -> Iterator[Served]:
    with serving(tiny_model, library) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Served) -> Iterator[Page]:
    yield from opened(browser, server.url)


def opened(browser: Browser, url: str, expected: str = "", **options: object) -> Iterator[Page]:
    """Open the page; whatever it complains about, but for what is expected, fails the test."""
    context = browser.new_context(locale="ko-KR", **options)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type in ("error", "warning") else None)
    page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda asked: faults.append(asked.url) if not asked.url.startswith((url, "blob:")) else None,
    )
    page.goto(url)
    expect(page.locator("#samples button").or_(page.locator("dialog[open]")).first).to_be_visible()
    yield page
    context.close()
    assert [fault for fault in faults if not (expected and expected in fault)] == []


def analyse(page: Page, text: str = TEXT) -> None:
    page.fill("#text", text)
    page.click("#analyse")
    expect(page.locator("#article .s").first).to_be_visible()


def accessible(page: Page) -> None:
    found = Axe().run(page, options=WCAG).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in found] == []


def test_an_article_is_shown_as_it_was_written_with_its_category(page: Page, server: Served) -> None:
    analyse(page)
    expected = server.classifier.explain(TEXT)
    expect(page.locator("#verdict")).to_have_text(expected.label)
    expect(page.locator("#probability")).to_have_text(f"{expected.probability:.1%}")
    shown = page.locator("#article").evaluate(
        "box => [...box.querySelectorAll('p')].map(p => [...p.childNodes].map(node => {"
        " const copy = node.cloneNode(true); copy.querySelectorAll?.('.rank').forEach(each => each.remove());"
        " return copy.textContent; }).join('')).join('\\n\\n')"
    )
    assert shown == TEXT.replace("\u202e", "\ufffd")
    spans = page.locator("#article .s")
    assert spans.count() == len(expected.sentences)


def test_shades_and_weights_are_those_of_the_explanation(page: Page, server: Served) -> None:
    analyse(page)
    expected = server.classifier.explain(TEXT).sentences
    total = sum(abs(sentence.contribution) for sentence in expected)
    peak = max(range(len(expected)), key=lambda i: abs(expected[i].contribution))
    strongest = page.locator(f'#article .s[data-i="{peak}"]')
    assert ("f" if expected[peak].contribution > 0 else "a") in strongest.get_attribute("class").split()
    strongest.focus()
    tip = page.locator("#tip")
    expect(tip).to_be_visible()
    share = f"{abs(expected[peak].contribution) / total:.1%}"
    assert share in tip.inner_text()
    assert f"{abs(expected[peak].contribution):.4f}" in tip.inner_text()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_pointing_at_a_word_tells_its_weight(page: Page, server: Served) -> None:
    analyse(page)
    words = [word for s in server.classifier.explain(TEXT).sentences for word in s.words]
    strongest = max(words, key=lambda word: abs(word.contribution))
    page.locator("#article mark").first.scroll_into_view_if_needed()
    page.locator("#article mark").filter(has_text=TEXT[strongest.start : strongest.end]).first.hover()
    expect(page.locator("#tip")).to_contain_text(f"{abs(strongest.contribution):.4f}")


def test_the_slider_says_how_much_is_highlighted(page: Page) -> None:
    analyse(page)
    shaded = page.locator("#article .s.f, #article .s.a")
    slider = page.locator("#amount")
    counts = []
    for amount in (0, 40, 100):
        slider.fill(str(amount))
        counts.append(shaded.count())
        assert f"{amount}%" in slider.get_attribute("aria-valuetext")
    assert counts[0] == 0 < counts[1] < counts[2]
    assert counts[2] == page.locator("#article .s").count()


def test_a_label_shows_its_evidence_and_two_are_compared(page: Page, server: Served) -> None:
    analyse(page)
    labels = list(server.classifier.explain(TEXT).probabilities)
    page.locator("#labels button").nth(1).click()
    expect(page.locator("#labels button").nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#other")).to_contain_text(labels[1])
    first = server.classifier.explain(TEXT, labels[1])
    expect(page.locator("#facts")).to_contain_text(f"{abs(first.logit):.3f}")
    page.select_option("#versus", labels[0])
    expect(page.locator("#verdict")).to_contain_text(f"왜 ‘{labels[1]}’이고 ‘{labels[0]}’")
    expect(page.locator("#probability")).to_contain_text(" 대 ")
    compared = server.classifier.explain(TEXT, labels[1], labels[0])
    expect(page.locator("#facts")).to_contain_text(f"{abs(compared.logit):.3f}")
    strongest = max(compared.sentences, key=lambda sentence: abs(sentence.contribution))
    shown = TEXT[strongest.start : strongest.end].replace("\u202e", "\ufffd")
    expect(page.locator("#sentences bdi").first).to_contain_text(shown[:20])


def test_attention_is_another_view(page: Page, server: Served) -> None:
    analyse(page)
    page.get_by_text("주의", exact=True).click()
    attention = max(sentence.attention for sentence in server.classifier.explain(TEXT).sentences)
    expect(page.locator("#sentences .share").first).to_have_text(f"{attention:.1%}")
    assert page.locator("#article .s.f, #article .s.a").count() == 0


def test_the_ranked_list_jumps_and_the_badge_leads_back(page: Page) -> None:
    analyse(page, "\n\n".join([TEXT] * 30))
    page.locator("#sentences button").nth(1).click()
    focused = page.locator("#article .s:focus")
    expect(focused).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#rank-2")).to_be_focused()


def test_the_trust_check_compares_with_chance(page: Page) -> None:
    analyse(page, " ".join([TEXT] * 3))
    page.click("#check")
    expect(page.locator("#checked .outcome")).to_have_text(re.compile(r"^[<>]?[\d.]+% → [<>]?[\d.]+%$"))
    assert page.locator("#checked .outcomes li").count() == 3
    page.locator("#checked .removed button").first.click()
    expect(page.locator("#article .s:focus")).to_be_in_viewport()


def test_json_is_copied_and_html_saved(browser: Browser, server: Served) -> None:
    for page in opened(browser, server.url, permissions=["clipboard-read", "clipboard-write"]):
        analyse(page)
        page.click("#copy")
        expect(page.locator("#status")).to_have_text("JSON을 복사했습니다.")
        copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
        assert copied["label"] == server.classifier.explain(TEXT).label
        assert "by_label" not in copied
        with page.expect_download() as started:
            page.click("#download")
        content = started.value.path().read_text("utf-8")
        assert content.startswith("<!doctype html>")
        assert "<script" not in content


def test_files_are_dropped_and_opened(page: Page, tmp_path: Path) -> None:
    file = tmp_path / f"편지 {SCRIPT[:12]}.txt".replace("/", "")
    file.write_bytes("버스 노선이 바뀌었다.".encode("cp949"))
    page.set_input_files("#file", file)
    expect(page.locator("#text")).to_have_value("버스 노선이 바뀌었다.")
    page.evaluate(
        "() => { const carried = new DataTransfer();"
        " carried.items.add(new File(['놓인 글입니다.'], 'b.txt'));"
        " document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: carried, bubbles: true})); }"
    )
    expect(page.locator("#text")).to_have_value("놓인 글입니다.")
    page.click("#analyse")
    expect(page.locator("#name")).to_have_text("b.txt")


def test_a_file_that_cannot_be_read_is_told(browser: Browser, server: Served, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4 broken")
    for page in opened(browser, server.url, expected="422"):
        page.set_input_files("#file", tmp_path / "a.pdf")
        expect(page.locator("#problem")).to_contain_text("a.pdf: 본문을 읽을 수 없는 파일입니다")


def test_the_library_is_searched_filtered_and_opened(page: Page) -> None:
    page.click("#tab-search")
    expect(page.locator("#articles li")).to_have_count(20)
    page.click("#more")
    expect(page.locator("#articles li")).to_have_count(26)
    page.select_option("#filter", index=2)
    expect(page.locator("#articles li")).to_have_count(1)
    page.select_option("#filter", "")
    page.fill("#query", "청구")
    expect(page.locator("#articles .hit").first).to_have_text("청구")
    page.fill("#query", "도서관 버스")
    expect(page.locator("#articles .title .hit").first).to_have_text("도서관")
    page.locator("#articles a").filter(has_text="도서관 <img").first.click()
    expect(page.locator("#name")).to_have_text(f"도서관 {SCRIPT}")
    expect(page.locator("#article .s").first).to_be_visible()
    page.go_back()
    expect(page.locator("#query")).to_have_value("도서관 버스")
    expect(page.locator('#articles a[aria-current="true"]')).to_have_count(0)


def test_no_script_of_a_model_a_file_or_a_title_runs(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    labels = (f"체육{SCRIPT}", f"경제'\"><svg/onload=alert(1)>{SCRIPT}")
    classifier = DocumentClassifier(dataclasses.replace(known_model(), labels=labels), "cpu")
    library = Library(tmp_path_factory.mktemp("scripts") / "library.sqlite", create=True)
    library.add([Article(SCRIPT, f"{FOR} {SCRIPT}", SCRIPT, label, 0.8, "m") for label in labels[:1]])
    with serving(classifier, library) as server:
        for page in opened(browser, server.url):
            page.click("#tab-search")
            expect(page.locator("#articles .title")).to_have_text(SCRIPT)
            expect(page.locator("#articles .chip")).to_have_text(labels[0])
            assert labels[0] in page.locator("#filter").inner_text()
            page.locator("#articles a").click()
            expect(page.locator("#verdict")).to_have_text(labels[0])
            page.select_option("#versus", labels[1])
            expect(page.locator("#verdict")).to_contain_text(labels[1])
            name = f"{SCRIPT}.txt"
            page.set_input_files(
                "#file", {"name": name, "mimeType": "text/plain", "buffer": AGAINST.encode()}
            )
            expect(page.locator("#text")).to_have_value(AGAINST)
            page.click("#analyse")
            expect(page.locator("#name")).to_have_text(name)
            with page.expect_download() as started:
                page.click("#download")
            report = tmp_path_factory.mktemp("report") / "report.html"
            started.value.save_as(report)
            content = report.read_text("utf-8")
            assert "<script" not in content
            assert "<img" not in content
            assert "&lt;svg/onload" in content
    library.close()


def test_everything_works_by_keyboard(page: Page) -> None:
    page.locator("#tab-paste").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-search")).to_be_focused()
    expect(page.locator("#panel-search")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.insert_text(TEXT)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#result")).to_be_focused()
    page.locator('#article .s[tabindex="0"]').focus()
    # Keys go from one highlighted sentence to the next: let there be several, whatever the model finds.
    page.locator("#amount").evaluate("e => { e.value = e.max; e.dispatchEvent(new Event('input')); }")
    page.locator('#article .s[tabindex="0"]').focus()
    reached = []
    for key in ("Home", "End", "Home"):
        page.keyboard.press(key)
        reached.append(int(page.locator("#article .s:focus").get_attribute("data-i") or -1))
    assert reached[0] == reached[2] < reached[1]


def test_the_page_speaks_english_and_remembers(page: Page) -> None:
    analyse(page)
    page.click("#language")
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.locator("#analyse")).to_have_text("Analyse")
    expect(page.locator("#sentences-title")).to_have_text("Strongest sentences")
    page.reload()
    expect(page.locator("#tab-search")).to_have_text("Search articles")


def test_both_languages_say_everything(page: Page) -> None:
    missing = page.evaluate(
        "async () => { const {words, speak} = await import('/page/wording.js');"
        " speak('ko'); const ko = Object.keys(words());"
        " speak('en'); const en = Object.keys(words()); speak('ko');"
        " return [ko.filter(x => !en.includes(x)), en.filter(x => !ko.includes(x))]; }"
    )
    assert missing == [[], []]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_accessible(browser: Browser, server: Served, scheme: str, width: int) -> None:
    viewport = {"width": width, "height": 900}
    for page in opened(browser, server.url, color_scheme=scheme, viewport=viewport):
        accessible(page)
        analyse(page)
        page.click("#check")
        expect(page.locator("#checked .outcome")).to_be_visible()
        page.locator('#article .s[tabindex="0"]').focus()
        accessible(page)
        page.select_option("#versus", index=1)
        page.click("#tab-search")
        expect(page.locator("#articles li").first).to_be_visible()
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_document_of_100_000_characters_stays_responsive(page: Page) -> None:
    long = "\n\n".join([TEXT] * (100_000 // len(TEXT) + 1))
    assert len(long) >= 100_000
    page.locator("#text").evaluate("(box, text) => { box.value = text; }", long)
    page.click("#analyse")
    expect(page.locator("#article .s").first).to_be_visible(timeout=60_000)
    longest = page.evaluate(
        "async () => { const times = []; const slider = document.getElementById('amount');"
        " for (const amount of [20, 100, 60]) { const start = performance.now(); slider.value = amount;"
        "  slider.dispatchEvent(new Event('input'));"
        "  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));"
        "  times.push(performance.now() - start); } return Math.max(...times); }"
    )
    assert longest < 1_000  # typically 40 ms; the machine may be busy


def test_a_token_is_asked_for(browser: Browser, tiny_model: Path) -> None:
    with serving(tiny_model, settings=Settings(Rules(token="key"), workers=1)) as server:
        for page in opened(browser, server.url, expected="401"):
            page.fill("#token", "key")
            page.click("#gate button")
            expect(page.locator("#samples button").first).to_be_visible()


def test_the_documentation_works_without_the_network(browser: Browser, server: Served) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.url}/docs")
    expect(page.get_by_text("/api/v1/explain", exact=True)).to_be_visible()
    assert [url for url in asked if not url.startswith((server.url, "data:"))] == []
    page.close()


def test_the_page_and_the_report_share_their_colours() -> None:
    root = ROOT / "hdoc"
    report = (root / "rendering" / "style.css").read_text("utf-8")
    page = (root / "web" / "page" / "style.css").read_text("utf-8")
    for name in ("for", "against"):
        light, dark = re.findall(rf"--{name}: (\d+ \d+ \d+)", report)[:2]
        assert f"--{name}: light-dark(rgb({light}), rgb({dark}))" in page
