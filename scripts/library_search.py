"""Fill a library with articles made of real sentences and report how fast it is searched.

    python scripts/library_search.py --articles 100000 --queries 500

Sentences come from a table with a column `text` (default: data/petitions/train.jsonl) and are mixed anew, so
that words are as frequent as in real text; categories are drawn at random, since searching needs no model.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.result import add_json, record

from hdoc.library import Article, Library, search
from hdoc.tables import open_table

_LABELS = [f"분류 {number}" for number in range(16)]
# What a query is: its name, its words, the characters of each, whether only one category is searched.
_KINDS: list[tuple[str, int, int | None, bool]] = [
    ("one word", 1, None, False),
    ("two characters", 1, 2, False),
    ("two words", 2, None, False),
    ("one word in a category", 1, None, True),
    ("no word, a category", 0, None, True),
]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--library", type=Path, help="keep the library here, and go on with it")
    parser.add_argument("--sentences", default="data/petitions/train.jsonl")
    add_json(parser)
    options = parser.parse_args()
    choose = random.Random(0)  # noqa: S311 (no secrets here)
    rows = open_table(Path(options.sentences)).rows(["text"])
    sentences = [
        part for row in rows for part in re.split(r"(?<=[.!?])\s+|\n", row.values.get("text") or "") if part
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = options.library or Path(folder) / "library.sqlite"
        library = Library(path, create=True)
        start, n_before = time.perf_counter(), len(library)
        for first in range(n_before, options.articles, 1_000):
            library.add(_articles(first, min(1_000, options.articles - first), sentences, choose))
        seconds = time.perf_counter() - start
        size = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*")) / 2**20
        print(
            f"{len(library):,} articles, {len(library) - n_before:,} added in {seconds:.0f} s, {size:,.0f} MB"
        )
        rows = _measure(library, sentences, choose, options.queries // len(_KINDS))
        about = {"library": f"{len(library):,} articles, {size:,.0f} MB"}
        library.close()
    record(options.json, {"search": rows}, about)
    return 0


def _measure(
    library: Library, sentences: list[str], choose: random.Random, n_queries: int
) -> list[dict[str, str | float]]:
    words = [
        word for sentence in choose.choices(sentences, k=5_000) for word in re.findall(r"\w{2,}", sentence)
    ]
    everything, rows = [], []
    for kind, n_words, cut, filtered in _KINDS:
        times = []
        for _ in range(n_queries):
            query = " ".join(word[:cut] for word in choose.sample(words, n_words))
            start = time.perf_counter()
            search(library, query, choose.choice(_LABELS) if filtered else None)
            times.append((time.perf_counter() - start) * 1000)
        rows.append(_report(kind, times))
        everything += times
    return [*rows, _report("all", everything)]


def _report(kind: str, times: list[float]) -> dict[str, str | float]:
    marks = statistics.quantiles(times, n=100)
    print(f"{kind:24} p50 {marks[49]:6.1f} ms  p95 {marks[94]:6.1f} ms  max {max(times):6.1f} ms")
    return {"query": kind, "p50": marks[49], "p95": marks[94], "worst": max(times)}


def _articles(first: int, n_articles: int, sentences: list[str], choose: random.Random) -> Iterator[Article]:
    for number in range(first, first + n_articles):
        chosen = choose.choices(sentences, k=25)
        text = " ".join([*chosen, f"{number}번 글."])
        yield Article(chosen[0][:80], text, "made", choose.choice(_LABELS), choose.random(), "none")


if __name__ == "__main__":
    sys.exit(main())
