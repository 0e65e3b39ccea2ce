"""Load a running server (`hdoc serve`) and report throughput, latencies, errors and its memory.

    python scripts/serve_load.py --clients 1 8 64 --seconds 20
    python scripts/serve_load.py --clients 1 64 --classify 240                    # beside `hdoc classify`
    python scripts/serve_load.py --clients 64 --requests 10000 --characters 300   # does its memory stay flat?

Articles are sentences of the samples, mixed anew for each request. With `--classify N`, `hdoc classify` reads
N such articles before and after, and its rate (without its start, which a smaller run tells) is the
comparison. Memory is that of the server's main process, from its own metrics.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.result import add_json, record

SAMPLES = Path(__file__).parents[1] / "hdoc" / "assets" / "samples"
_JSON = {"Content-Type": "application/json"}
_FEW = 40


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--requests", type=int, help="end after so many instead")
    parser.add_argument("--characters", type=int, default=1_500)
    parser.add_argument("--route", choices=("classify", "explain"), default="classify")
    parser.add_argument("--classify", type=int, metavar="N", help=f"more than {_FEW}")
    add_json(parser)
    options = parser.parse_args()
    rates = [_classify(options)] if options.classify else []
    rows = [Load(options, n_clients).run() for n_clients in options.clients]
    if options.classify:
        rates.append(_classify(options))
        print(f"hdoc classify: {' and '.join(f'{rate:.1f}' for rate in rates)} articles/s, before and after")
    record(options.json, {"load": rows, "classify": [{"rate": rate} for rate in rates]})
    return 1 if any(row["n_errors"] for row in rows) else 0


class Load:
    """Clients that each send one request after the other.

    Args:
        options: of the command line.
        n_clients: how many at once.
    """

    def __init__(self, options: argparse.Namespace, n_clients: int) -> None:
        self.options = options
        self.n_clients = n_clients
        self.seconds: list[float] = []
        self.statuses: Counter[int] = Counter()
        self._numbers = count()
        self._lock = threading.Lock()

    def run(self) -> dict[str, float]:
        """Run the clients, and print and return what they met."""
        url = self.options.url
        before = memory(url)
        start = time.perf_counter()
        with ThreadPoolExecutor(self.n_clients) as pool:
            list(pool.map(self._client, range(self.n_clients)))
        rate = len(self.seconds) / (time.perf_counter() - start)
        marks = statistics.quantiles(self.seconds, n=100) if len(self.seconds) > 1 else [0.0] * 99
        p50, p95, p99 = (marks[i] * 1000 for i in (49, 94, 98))
        after = memory(url)
        print(
            f"{self.n_clients:3} clients: {rate:.1f} answers/s, "
            f"p50 {p50:,.0f} ms, p95 {p95:,.0f} ms, p99 {p99:,.0f} ms, "
            f"statuses {dict(self.statuses)}, memory {before:.0f} -> {after:.0f} MB",
            flush=True,
        )
        return {
            "n_clients": self.n_clients,
            "rate": rate,
            "p50": p50,
            "p95": p95,
            "p99": p99,
            "n_errors": sum(n for status, n in self.statuses.items() if status not in (200, 503)),
            "memory_before": before,
            "memory_after": after,
        }

    def _client(self, seed: int) -> None:
        connection = connect(self.options.url)
        texts = articles(self.options.characters, seed)
        end = time.perf_counter() + self.options.seconds
        for number in self._numbers:
            if number >= self.options.requests if self.options.requests else time.perf_counter() >= end:
                break
            body = json.dumps({"text": next(texts)}).encode()
            start = time.perf_counter()
            status, _ = send(connection, "POST", f"/api/v1/{self.options.route}", body, _JSON)
            with self._lock:
                self.statuses[status] += 1
                if status == 200:
                    self.seconds.append(time.perf_counter() - start)
            if self.options.requests and number % max(self.options.requests // 10, 1) == 0:
                print(f"    {number:6,} requests: memory {memory(self.options.url):.0f} MB", flush=True)
        connection.close()


def _classify(options: argparse.Namespace) -> float:
    """Return how many articles a second `hdoc classify` takes once it has started."""
    texts = articles(options.characters, 0)
    seconds = []
    for n_articles in (_FEW, options.classify):
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "articles.jsonl"
            rows = [json.dumps({"text": next(texts)}) for _ in range(n_articles)]
            table.write_text("\n".join(rows), "utf-8")
            command = [
                sys.executable,
                "-m",
                "hdoc",
                "classify",
                str(table),
                "-o",
                str(table.with_name("out.jsonl")),
            ]
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 (nothing from outside)
            seconds.append(time.perf_counter() - start)
    return float((options.classify - _FEW) / (seconds[1] - seconds[0]))


def articles(
    n_characters: int, seed: int, names: Sequence[str] = ("transport", "pets", "childcare")
) -> Iterator[str]:
    """Yield articles of about so many characters, in paragraphs, each another one."""
    samples = [(SAMPLES / f"{name}.txt").read_text("utf-8") for name in names]
    sentences = [line for sample in samples for line in sample.replace("\n", " ").split(". ")]
    choose = random.Random(seed)  # noqa: S311 (no secrets here)
    while True:
        text = ""
        while len(text) < n_characters:
            text += choose.choice(sentences) + choose.choice([". ", ". ", ". ", ".\n\n"])
        yield text


def connect(url: str) -> http.client.HTTPConnection:
    """Return a connection to a server."""
    place = urlsplit(url)
    return http.client.HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=120)


def send(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
) -> tuple[int, bytes]:
    """Return the status and the body of an answer."""
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def memory(url: str) -> float:
    """Return the megabytes that a server's process occupies."""
    connection = connect(url)
    _, body = send(connection, "GET", "/metrics", None, {})
    connection.close()
    name = "process_resident_memory_bytes "
    line = next(line for line in body.decode().splitlines() if line.startswith(name))
    return float(line.split()[1]) / 2**20


if __name__ == "__main__":
    sys.exit(main())
