"""Send a running server (`hdoc serve`) what it should survive, and look whether it does.

    hdoc library add hdoc/assets/samples --library fuzz.sqlite && hdoc serve --library fuzz.sqlite
    python scripts/serve_fuzz.py --requests 10000 --library fuzz.sqlite --browser chromium

Requests are broken, huge, binary, or hold scripts in texts, labels, file names and queries. With `--library`
(that of the server) articles with scripts as titles, texts, categories and
sources are added meanwhile and must all come back as they were; with `--browser` a Chromium then opens them,
drops files of such names, and saves and opens reports. It fails if an answer is a 500, malformed or missing,
if an article is lost or changed, or if a script runs.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from serve_load import connect, memory, send

from hdoc.library import Article, Library

_JSON = {"Content-Type": "application/json"}
_N_ARTICLES = 300
_N_OPENED = 20
_TEXT = "버스 노선이 바뀌어 출근 시간이 두 배로 늘었습니다. 시장은 새 도서관을 열겠다고 밝혔다."
_SCRIPTS = [
    "<script>ran()</script>",
    '"><img src=x onerror=ran()>',
    "</title></textarea></script><script>ran()</script>",
    "<svg/onload=ran()>",
    "' onmouseover='ran()' autofocus onfocus='ran()",
    "<iframe srcdoc='<script>parent.ran()</script>'></iframe>",
    "javascript:ran()",
    "<a href=javascript:ran()>버스</a>",
    "{{ran()}} ${ran()} <%= ran() %>",
    "<style>@import 'http://127.0.0.1:9/ran'</style>",
    "\u202e<b>\u0000\u2028ran()",
    "]]><!--<script>ran()</script>",
]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--library", type=Path, help="that of the server")
    parser.add_argument("--browser", metavar="CHROMIUM", help="its path or name")
    options = parser.parse_args()
    before = memory(options.url)
    with ThreadPoolExecutor(options.clients + 1) as pool:
        adding = pool.submit(_add, options.library, options.seed) if options.library else None
        found = sum(pool.map(lambda seed: _fuzz(options, seed), range(options.clients)), Counter())
        added = adding.result() if adding else {}
    print(f"answers {dict(sorted(found.items()))}, memory {before:.0f} -> {memory(options.url):.0f} MB")
    problems = [f"{found[name]} x {name}" for name in ("500", "no answer", "malformed error") if found[name]]
    problems += _lost(options.url, added)
    print(f"{len(added):,} articles added meanwhile")
    if options.browser:
        problems += _opened(options)
    print("\n".join(problems) or "nothing failed, nothing is lost, no script ran")
    return 1 if problems else 0


def _fuzz(options: argparse.Namespace, seed: int) -> Counter[str]:
    """Send one client's share of the requests, each on a connection of its own."""
    choose = random.Random(f"{options.seed} {seed}")  # noqa: S311 (no secrets here)
    found: Counter[str] = Counter()
    for _ in range(options.requests // options.clients):
        connection = connect(options.url)
        try:
            status, body = send(connection, *_made_up(choose))
            found[str(status)] += 1
            if status >= 400 and "error" not in json.loads(body):
                found["malformed error"] += 1
        except (OSError, http.client.HTTPException):
            found["no answer"] += 1
        except ValueError:
            found["malformed error"] += 1
        finally:
            connection.close()
    return found


def _made_up(choose: random.Random) -> tuple[str, str, bytes | None, dict[str, str]]:
    """Return method, path, body and headers of one request."""
    script = choose.choice(_SCRIPTS)
    kinds = (choose.randrange(32), choose.randrange(0xD800), 0x1F600)
    noise = "".join(chr(choose.choice(kinds)) for _ in range(40))
    binary = choose.randbytes(choose.randrange(2_000))
    route = f"/api/v1/{choose.choice(['classify', 'explain', 'explain.html', 'check'])}"
    good = json.dumps({"text": f"{script} {_TEXT} {noise}"}).encode()
    named = json.dumps({"text": _TEXT, "name": script, "language": "en"}).encode()
    many = json.dumps({"texts": [script, noise, 1, None, [], {}, "\ud800"]}).encode()
    labels = json.dumps({"text": _TEXT, "target": script, "versus": noise}).encode()
    name = quote(choose.choice(["a.pdf", "a.docx", "a.html", "a.txt", script + ".html", noise[:9]]), safe="")
    file = {"Content-Type": "application/octet-stream"}
    page = f"<p>{_TEXT}</p>{script}".encode()
    query, number = choose.choice([script, noise, "버스"]), choose.choice([script, "-1", "9" * 40, noise])
    return choose.choice(
        [
            ("POST", route, good, _JSON),
            ("POST", route, good[: choose.randrange(len(good))], _JSON),
            ("POST", route, binary, _JSON),
            ("POST", route, many, _JSON),
            ("POST", route, labels, _JSON),
            ("POST", "/api/v1/explain.html", named, _JSON),
            ("POST", route, b"[" * choose.randrange(50_000), _JSON),
            ("POST", route, b'{"text":' + b"9" * choose.randrange(10_000) + b"}", _JSON),
            ("POST", route, b"x" * (3 * 2**20) if choose.random() < 0.05 else b"", _JSON),
            (
                "POST",
                route,
                good,
                {"Content-Type": script.encode("ascii", "ignore").decode().replace("\0", "")},
            ),
            ("POST", f"/api/v1/extract?name={name}", page if choose.random() < 0.1 else binary, file),
            ("GET", f"/api/v1/articles?q={quote(query)}&label={quote(script)}", None, {}),
            ("GET", f"/api/v1/articles?q={quote(query)}", None, {}),
            ("GET", f"/api/v1/articles/{quote(number, safe='')}", None, {}),
            ("GET", f"/{quote(noise)}", None, {}),
            (choose.choice(["PUT", "DELETE", "PATCH", "OPTIONS"]), route, good, _JSON),
        ]
    )


def _add(path: Path, seed: int) -> dict[str, Article]:
    """Add articles that are full of scripts, a few at a time; returns them by their texts."""
    choose = random.Random(f"{seed} articles")  # noqa: S311
    library = Library(path)
    added = {}
    for number in range(_N_ARTICLES):
        title, label, source, part = choose.choices(_SCRIPTS, k=4)
        article = Article(title, f"{part} {_TEXT} {seed} {number}", source, label, 0.5, "none")
        library.add([article])
        added[article.text] = article
    library.close()
    return added


def _lost(url: str, added: dict[str, Article]) -> list[str]:
    """Search for every article and read it; returns what is missing or changed."""
    connection = connect(url)
    problems = []
    given: dict[str, dict[str, Any]] = {}
    for offset in range(0, len(added), 100):
        status, body = send(connection, "GET", f"/api/v1/articles?offset={offset}&limit=100", None, {})
        if status != 200:
            return [f"the library answers {status}"]
        for row in json.loads(body)["articles"]:
            article = json.loads(send(connection, "GET", f"/api/v1/articles/{row['id']}", None, {})[1])
            given[article["text"]] = article
    for text, article in added.items():
        found = given.get(text)
        wanted = (article.title, article.source, article.label)
        if found is None or (found["title"], found["source"], found["label"]) != wanted:
            problems.append(f"lost or changed: {article.title!r}")
    connection.close()
    return problems


def _opened(options: argparse.Namespace) -> list[str]:
    """Let a browser show what the library, files and reports hold; returns what ran or broke."""
    from playwright.sync_api import expect, sync_playwright

    problems: list[str] = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        page = browser.new_page()
        page.expose_function("ran", lambda *_: problems.append("a script ran"))
        page.on("dialog", lambda dialog: (problems.append("a dialog opened"), dialog.dismiss()))
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        page.goto(options.url)
        page.click("#tab-search")
        page.wait_for_selector("#articles li")
        for number in range(min(_N_OPENED, page.locator("#articles a").count())):
            page.locator("#articles a").nth(number).click()
            page.wait_for_selector("#article .s")
            page.locator("#article mark, #article .s").first.hover()
        for number, script in enumerate(_SCRIPTS):
            text = f"{number} {_TEXT} {script}"
            file = {"name": f"{script}.txt", "mimeType": "text/plain", "buffer": text.encode()}
            page.set_input_files("#file", file)  # type: ignore[arg-type]
            page.wait_for_timeout(200)
            page.click("#analyse")
            expect(page.locator("#article")).to_contain_text(f"{number} 버스")
        with page.expect_download() as started:
            page.click("#download")
        report = Path(folder) / "report.html"
        started.value.save_as(report)
        page.goto(report.as_uri())
        page.wait_for_timeout(500)
        print(f"Chromium opened {_N_OPENED} articles, {len(_SCRIPTS)} files and a report")
        browser.close()
    return problems


if __name__ == "__main__":
    sys.exit(main())
