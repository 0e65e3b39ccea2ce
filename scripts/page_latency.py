"""How long a reader waits in a real Chromium, from pressing 분석하기 to the highlighted article.

    python scripts/page_latency.py --browser chromium --articles 60

needs a running `hdoc serve`. Each article is another one; the first few are not counted, as the server and
the browser are to be warm. The end is the frame after the article has its shades.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from itertools import islice

from benchmarks.result import add_json, record
from playwright.sync_api import sync_playwright
from serve_load import articles

_UNCOUNTED = 5
_WAIT = """
async (text) => {
  const box = document.getElementById("text");
  box.value = text;
  box.dispatchEvent(new Event("input"));
  await new Promise((done) => setTimeout(done, 100));
  const shaded = new Promise((done) => {
    new MutationObserver((_, observer) => {
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => done(performance.now())));
    }).observe(document.getElementById("article"), { childList: true });
  });
  const start = performance.now();
  document.getElementById("analyse").click();
  return await shaded - start;
}
"""


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--browser", metavar="CHROMIUM", required=True, help="its path")
    parser.add_argument("--articles", type=int, default=60)
    parser.add_argument("--characters", type=int, default=1_500)
    add_json(parser)
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(options.url)
        page.wait_for_selector("#samples button")
        texts = islice(articles(options.characters, 0), options.articles + _UNCOUNTED)
        seconds = [float(page.evaluate(_WAIT, text)) for text in texts][_UNCOUNTED:]
        shaded = page.locator("#article .s.f, #article .s.a").count()
        browser.close()
    marks = statistics.quantiles(seconds, n=20)
    print(
        f"{len(seconds)} articles of {options.characters:,} characters, {shaded} sentences shaded: "
        f"p50 {statistics.median(seconds):.0f} ms, p95 {marks[18]:.0f} ms, worst {max(seconds):.0f} ms"
    )
    row = {"n_articles": len(seconds), "n_characters": options.characters}
    row |= {"p50": statistics.median(seconds), "p95": marks[18], "worst": max(seconds)}
    record(options.json, {"latency": [row]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
