"""Load and fuzz a running server (`hdoc serve`) and report figures.

    python scripts/serve_load.py load --clients 1 8 64 --seconds 20
    python scripts/serve_load.py fuzz --requests 10000

`load` sends articles of about 1,500 characters and reports throughput, latencies and errors for each number
of clients; `fuzz` sends broken, huge, binary and script-laden requests and fails if one is answered by a 500
or not at all. Both print the server's memory before and after, from its own metrics.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.resources import files
from urllib.parse import quote, urlsplit

_CHARACTERS = 1_500
_JSON = {"Content-Type": "application/json"}
_SCRIPTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}}",
    "\u202e",
]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    load = commands.add_parser("load")
    load.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    load.add_argument("--seconds", type=float, default=20)
    load.add_argument("--route", choices=("classify", "explain"), default="classify")
    fuzz = commands.add_parser("fuzz")
    fuzz.add_argument("--requests", type=int, default=10_000)
    fuzz.add_argument("--clients", type=int, nargs=1, default=[8])
    fuzz.add_argument("--seed", type=int, default=0)
    for command in (load, fuzz):
        command.add_argument("--url", default="http://127.0.0.1:8000")
    options = parser.parse_args()
    print(f"memory {_memory(options.url):.0f} MB")
    failed = _load(options) if options.command == "load" else _fuzz(options)
    print(f"memory {_memory(options.url):.0f} MB")
    return failed


def _load(options: argparse.Namespace) -> int:
    samples = [
        (files("hdoc") / "assets/samples" / f"{name}.txt").read_text("utf-8")
        for name in ("transport", "pets")
    ]
    sentences = [line for sample in samples for line in sample.replace("\n", " ").split(". ")]
    n_errors = 0
    for n_clients in options.clients:
        end = time.perf_counter() + options.seconds
        with ThreadPoolExecutor(n_clients) as pool:
            runs = list(pool.map(partial(_client, options, sentences, end), range(n_clients)))
        seconds = [second for run, _ in runs for second in run]
        statuses = sum((statuses for _, statuses in runs), Counter())
        n_errors += sum(count for status, count in statuses.items() if status not in (200, 503))
        marks = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
        print(
            f"{n_clients:3} clients: {len(seconds) / options.seconds:7.1f} answers/s, "
            f"p50 {marks[49] * 1000:.0f} ms, p95 {marks[94] * 1000:.0f} ms, p99 {marks[98] * 1000:.0f} ms, "
            f"statuses {dict(statuses)}"
        )
    return 1 if n_errors else 0


def _client(
    options: argparse.Namespace, sentences: list[str], end: float, seed: int
) -> tuple[list[float], Counter[int]]:
    """Send one request after the other; returns the seconds of good answers, and all statuses."""
    choose = random.Random(seed)  # noqa: S311 (no secrets here)
    connection = _connect(options.url)
    seconds: list[float] = []
    statuses: Counter[int] = Counter()
    while time.perf_counter() < end:
        text = ""
        while len(text) < _CHARACTERS:
            text += choose.choice(sentences) + ". "
        start = time.perf_counter()
        status, _ = _send(
            connection, "POST", f"/api/v1/{options.route}", json.dumps({"text": text}).encode(), _JSON
        )
        statuses[status] += 1
        if status == 200:
            seconds.append(time.perf_counter() - start)
    connection.close()
    return seconds, statuses


def _fuzz(options: argparse.Namespace) -> int:
    def run(seed: int) -> Counter[str]:
        choose = random.Random(f"{options.seed} {seed}")  # noqa: S311
        found: Counter[str] = Counter()
        for _ in range(options.requests // options.clients[0]):
            connection = _connect(options.url)
            try:
                status, body = _send(connection, *_made_up(choose))
                found[str(status)] += 1
                if status >= 400 and "error" not in json.loads(body):
                    found["malformed error"] += 1
            except (OSError, http.client.HTTPException):
                found["no answer"] += 1
            finally:
                connection.close()
        return found

    with ThreadPoolExecutor(options.clients[0]) as pool:
        found = sum(pool.map(run, range(options.clients[0])), Counter())
    print(dict(sorted(found.items())))
    return 1 if found["500"] + found["no answer"] + found["malformed error"] else 0


def _made_up(choose: random.Random) -> tuple[str, str, bytes | None, dict[str, str]]:
    """Return method, path, body and headers of one request that a server should survive."""
    script = choose.choice(_SCRIPTS)
    noise = "".join(
        chr(choose.choice([choose.randrange(32), choose.randrange(0xD800), 0x1F600])) for _ in range(40)
    )
    binary = choose.randbytes(choose.randrange(2_000))
    route = f"/api/v1/{choose.choice(['classify', 'explain', 'explain.html', 'check'])}"
    good = json.dumps({"text": f"{script} 버스 노선이 {noise} 바뀌었다."}).encode()
    name = quote(choose.choice(["a.pdf", "a.docx", "a.html", "a.txt", script + ".html", noise[:9]]), safe="")
    return choose.choice(
        [
            ("POST", route, good, _JSON),
            ("POST", route, good[: choose.randrange(len(good))], _JSON),
            ("POST", route, binary, _JSON),
            (
                "POST",
                route,
                json.dumps({"texts": [script, noise, 1, None, [], {}, "\ud800"]}).encode(),
                _JSON,
            ),
            ("POST", route, json.dumps({"text": "버스", "target": script, "versus": noise}).encode(), _JSON),
            ("POST", route, b"[" * choose.randrange(50_000), _JSON),
            ("POST", route, b'{"text":' + b"9" * choose.randrange(10_000) + b"}", _JSON),
            ("POST", route, b"x" * (3 * 2**20) if choose.random() < 0.05 else b"", _JSON),
            ("POST", route, good, {"Content-Type": script.encode("ascii", "ignore").decode()}),
            ("POST", f"/api/v1/extract?name={name}", binary, {"Content-Type": "application/octet-stream"}),
            (
                "GET",
                f"/api/v1/articles?q={quote(choose.choice([script, noise, '버스']))}&label={quote(script)}",
                None,
                {},
            ),
            (
                "GET",
                f"/api/v1/articles/{quote(choose.choice([script, '-1', '9' * 40, noise]), safe='')}",
                None,
                {},
            ),
            ("GET", f"/{quote(noise)}", None, {}),
            (choose.choice(["PUT", "DELETE", "PATCH", "OPTIONS"]), route, good, _JSON),
        ]
    )


def _send(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
) -> tuple[int, bytes]:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def _connect(url: str) -> http.client.HTTPConnection:
    place = urlsplit(url)
    return http.client.HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=120)


def _memory(url: str) -> float:
    connection = _connect(url)
    _, body = _send(connection, "GET", "/metrics", None, {})
    connection.close()
    line = next(
        line for line in body.decode().splitlines() if line.startswith("process_resident_memory_bytes ")
    )
    return float(line.split()[1]) / 2**20


if __name__ == "__main__":
    sys.exit(main())
