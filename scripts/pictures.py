"""Make the pictures of the documentation anew: python scripts/pictures.py [page explanation mlflow].

Everything shown is of the sample articles that come with hdoc. Needs Chromium and a font with Hangul
(`scripts/system_packages.sh`); `mlflow` trains twice on sentences of the samples, which takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from serve_load import SAMPLES, articles

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"]
_HDOC = [sys.executable, "-m", "hdoc"]
_SECONDS = 300
_LABELS = {"transport": "교통/건축/국토", "pets": "반려동물", "childcare": "육아/교육"}


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pictures", nargs="*", help=f"of {', '.join(PICTURES)}; default: page explanation")
    parser.add_argument("--browser", default=shutil.which("chromium") or shutil.which("google-chrome"))
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="folder; default: docs/pictures")
    options = parser.parse_args()
    chosen = options.pictures or ["page", "explanation"]
    if unknown := sorted(set(chosen) - set(PICTURES)):
        parser.error(f"expected pictures of {', '.join(PICTURES)}, got {', '.join(unknown)}")
    if options.browser is None:
        parser.error("found no Chromium; name one with --browser")
    options.output.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.browser, args=_FLAGS)
        for name in chosen:
            for path in PICTURES[name](browser, options.output):
                smaller(path)
                print(f"{path}: {path.stat().st_size / 1000:.0f} KB")
        browser.close()
    return 0


def draw_page(browser: Browser, folder: Path) -> Iterator[Path]:
    """Show an article in the page of `hdoc serve`, as a reader has it after 분석하기."""
    with (
        tempfile.TemporaryDirectory() as home,
        served("serve", "--port", "{port}", XDG_DATA_HOME=home) as url,
    ):
        page = opened(browser, url, height=1040)
        page.locator("#samples button").first.click()
        page.click("#analyse")
        page.wait_for_selector("#article .s")
        page.wait_for_timeout(800)
        page.evaluate("window.scrollTo(0, document.querySelector('#result').offsetTop - 24)")
        page.wait_for_timeout(300)
        yield shot(page, folder / "page.png")


def draw_explanation(browser: Browser, folder: Path) -> Iterator[Path]:
    """Show the file that `hdoc explain --format html` writes."""
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "childcare.html"
        sample = SAMPLES / "childcare.txt"
        run([*_HDOC, "explain", str(sample), "--format", "html", "--language", "en", "-o", str(report)])
        yield shot(opened(browser, report.as_uri(), height=864), folder / "explanation.png")


def draw_mlflow(browser: Browser, folder: Path) -> Iterator[Path]:
    """Show two small trainings beside each other in MLflow."""
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / "articles.jsonl"
        table.write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows()), encoding="utf-8"
        )
        store = f"sqlite:///{place}/mlflow.db"
        for name, dropout in (("all-sentences", "0.0"), ("fewer-sentences", "0.4")):
            run(
                [*_HDOC, "train", "fit", "--data.train_file", str(table), "--run.experiment", "articles",
                 "--run.name", name, "--model.deletion.sentences", dropout, "--trainer.max_epochs", "3"],
                cwd=place, MLFLOW_TRACKING_URI=store,
            )  # fmt: skip
        given = ["server", "--backend-store-uri", store, "--port", "{port}"]
        with served(*given, program=[sys.executable, "-m", "mlflow"], ready="/health") as url:
            page = compared(browser, url, store)
            box = page.get_by_text("Run details").first.bounding_box() or {"x": 0, "y": 0}
            area = {"x": box["x"] - 14, "y": max(box["y"] - 100, 0), "width": 690, "height": 856}
            yield shot(page, folder / "mlflow-compare.png", area)


def compared(browser: Browser, url: str, store: str) -> Page:
    """Return MLflow's page that compares the runs of the experiment."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("articles")
    if experiment is None:
        raise RuntimeError(f"expected the experiment articles in {store}, found none")
    found = [
        run.info.run_id for run in client.search_runs([experiment.experiment_id], order_by=["start_time"])
    ]
    query = f"runs={json.dumps(found)}&experiments={json.dumps([experiment.experiment_id])}"
    page = opened(browser, f"{url}/#/compare-runs?{query}", height=1200, locale="en-US")
    page.get_by_text("Show diff only").first.wait_for()
    for leave in (page.get_by_role("button", name="Close"), page.get_by_text("Visualizations")):
        if leave.count():
            leave.first.click()
    page.locator("[role=switch]").first.click()
    page.wait_for_timeout(1500)
    return page


def rows() -> Iterator[dict[str, str]]:
    """Yield labelled articles: some sentences of the label's own sample, and more of all."""
    for seed, (name, label) in enumerate(_LABELS.items()):
        own, others = articles(100, seed, names=(name,)), articles(400, seed + len(_LABELS))
        for first, more in islice(zip(own, others, strict=False), 24):
            yield {"text": f"{first}\n\n{more}", "label": label}


def opened(browser: Browser, url: str, height: int, locale: str = "ko-KR") -> Page:
    """Open an address in a browser of 1,200 pixels' width."""
    page = browser.new_context(
        locale=locale, color_scheme="light", viewport={"width": 1200, "height": height}
    ).new_page()
    page.goto(url)
    return page


def shot(page: Page, path: Path, area: dict[str, float] | None = None) -> Path:
    """Write what a page shows, or an area of it."""
    page.screenshot(path=path, clip=area)  # type: ignore[arg-type]
    return path


def smaller(path: Path) -> None:
    """Give a PNG a palette of 256 colours: a third of the size, and no difference to be seen."""
    from PIL import Image

    with Image.open(path) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


@contextmanager
def served(
    *arguments: str, program: list[str] = _HDOC, ready: str = "/readyz", **environment: str
) -> Iterator[str]:
    """Run a server on a free port until the block ends; gives its address once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*program, *(argument.format(port=port) for argument in arguments)]
    process = subprocess.Popen(  # noqa: S603 (our own interpreter)
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + _SECONDS
        while not _answers(url + ready):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{' '.join(command)} does not answer")
            time.sleep(0.3)
        yield url
    finally:
        process.terminate()
        process.wait()


def run(command: list[str], cwd: str | None = None, **environment: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True, cwd=cwd, env=os.environ | environment, stdout=subprocess.DEVNULL)  # noqa: S603


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 (our own server)
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


PICTURES: dict[str, Callable[[Browser, Path], Iterator[Path]]] = {
    "page": draw_page,
    "explanation": draw_explanation,
    "mlflow": draw_mlflow,
}

if __name__ == "__main__":
    sys.exit(main())
