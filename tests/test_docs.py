"""README, its Korean twin and the documentation: short, alike, whole, and nothing of other hosts."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from tests.places import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [ROOT / name for name in ("README.md", "README.ko.md", "CONTRIBUTING.md")]
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def headings(text: str) -> list[str]:
    return re.findall(r"^(#+) ", without_code(text), re.MULTILINE)


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$|^    .*$", "", text, flags=re.DOTALL | re.MULTILINE)


def commands(text: str) -> list[str]:
    """Return the lines of code without their comments and formulas."""
    lines = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    blocks = re.findall(r"^```\w+\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    lines += [line for block in blocks for line in block.splitlines()]
    return [line.partition("#")[0].rstrip() for line in lines if "Σ" not in line]


def links(text: str) -> list[str]:
    """Return where links and pictures lead that stay in the repository."""
    return [to for to in re.findall(r"\]\(([^)\s]+)\)", text) if not to.startswith(("http", "#"))]


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_readme_is_at_most_10_kb(name: str) -> None:
    assert (ROOT / name).stat().st_size <= 10_000


def test_the_korean_readme_says_the_same() -> None:
    english, korean = read("README.md"), read("README.ko.md")
    assert headings(korean) == headings(english)
    assert commands(korean) == commands(english)
    assert len(commands(english)) > 20
    swapped = [{"README.md": "README.ko.md"}.get(to, to) for to in links(korean)]
    assert swapped == links(english)
    rows = re.compile(r"^\|", re.MULTILINE)
    assert len(rows.findall(korean)) == len(rows.findall(english))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    assert [
        to for to in links(path.read_text(encoding="utf-8")) if not (ROOT / to.partition("#")[0]).exists()
    ] == []


@pytest.mark.parametrize("path", [*TEXTS, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_named_files_exist(path: Path) -> None:
    named = re.findall(
        r"\b((?:scripts|configs|tests|hdoc)/[a-z_/0-9-]+\.(?:py|yaml|md|sh))\b", path.read_text("utf-8")
    )
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_each_picture_is_used_small_and_not_too_wide() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in (*TEXTS, *PAGES))
    pictures = sorted(DOCS.rglob("*.png"))
    assert pictures
    for path in pictures:
        assert path.name in shown, f"{path} is on no page"
        assert path.stat().st_size < 300_000
        with Image.open(path) as image:
            assert image.width <= 1200


def test_each_page_is_in_the_navigation() -> None:
    def paths(entry: Any) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        return [path for one in (entry.values() if isinstance(entry, dict) else entry) for path in paths(one)]

    assert sorted(paths(CONFIG["nav"])) == sorted(str(path.relative_to(DOCS)) for path in PAGES)


def test_each_room_has_a_page_of_reference() -> None:
    rooms = {path.parent.name for path in (ROOT / "hdoc").glob("*/__init__.py")}
    pages = {path.stem for path in (DOCS / "reference").glob("*.md")} - {"index"}
    assert pages == rooms
    for room in rooms:
        assert f"::: hdoc.{room}\n" in read(f"docs/reference/{room}.md")


def test_the_site_needs_nothing_of_other_hosts() -> None:
    assert CONFIG["theme"]["font"] is False
    assert "extra_javascript" not in CONFIG
    for style in CONFIG["extra_css"]:
        assert "url(" not in read(f"docs/{style}")
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        assert "```mermaid" not in text  # its script would come from a CDN
        assert not re.search(r"!\[[^\]]*\]\(http|<script|<iframe|<img", text)
