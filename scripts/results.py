"""Render the tables and plots of docs/results from the JSON in docs/results/data: python scripts/results.py.

In a page a block between `<!-- results: NAME -->` and `<!-- end -->` shows data/NAME.json: its tables, the
command that gives them, date and machine, and its plots. What stands outside such blocks is written by hand.
With `--check` nothing is written; the exit status is 1 if a page or a plot differs from its JSON.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from benchmarks.columns import markdown
from benchmarks.plots import draw, is_current, plots
from benchmarks.result import Result

FOLDER = Path(__file__).parents[1] / "docs" / "results"
_BLOCK = re.compile(r"(<!-- results: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_UNMEASURED = "*Not measured with the model that comes with hdoc now.*"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the pages; default: docs/results")
    parser.add_argument("--check", action="store_true", help="write nothing; say what differs")
    options = parser.parse_args(arguments)
    wrong = differences(options.folder) if options.check else []
    for line in wrong:
        sys.stderr.write(f"{line}; run: python scripts/results.py\n")
    if not options.check:
        render(options.folder)
    return 1 if wrong else 0


def render(folder: Path) -> None:
    """Write all pages and plots anew from their JSON."""
    for page in sorted(folder.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if (found := rendered(text, folder)) != text:
            page.write_text(found, encoding="utf-8")
    for name, result in results(folder).items():
        draw(name, result, folder / "pictures")


def differences(folder: Path) -> list[str]:
    """Return what is not as its JSON says, a line each."""
    pages = {page: page.read_text(encoding="utf-8") for page in sorted(folder.glob("*.md"))}
    wrong = [
        f"{page.name} differs from its JSON" for page, text in pages.items() if rendered(text, folder) != text
    ]
    shown = {name for text in pages.values() for _, name, _ in _BLOCK.findall(text)}
    for name, result in results(folder).items():
        if name not in shown:
            wrong.append(f"data/{name}.json is on no page")
        if not is_current(name, result, folder / "pictures"):
            wrong.append(f"the plot of data/{name}.json is missing, or of other figures")
    return wrong


def results(folder: Path) -> dict[str, Result]:
    """Return all results by name."""
    return {path.stem: Result.read(path) for path in sorted((folder / "data").glob("*.json"))}


def rendered(text: str, folder: Path) -> str:
    """Return a page's text with each block as its JSON says."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{block(found[2], folder)}\n\n{found[3]}", text)


def block(name: str, folder: Path) -> str:
    """Return what a page shows of a result, in Markdown."""
    path = folder / "data" / f"{name}.json"
    if not path.is_file():
        return _UNMEASURED
    result = Result.read(path)
    about = "".join(f"; {key}: {value}" for key, value in result.about.items())
    parts = [markdown(kind, rows) for kind, rows in result.tables.items()]
    parts += [f"    {result.command}", f"*{result.date}; {result.machine}{about}*"]
    parts += [f"![{shows}](pictures/{picture.name})" for picture, shows in plots(name, result, folder)]
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
