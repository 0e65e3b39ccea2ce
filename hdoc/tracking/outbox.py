"""What a run logs while its tracking server is away: kept in a file, delivered in order when it is back.

A training must not end because a server did. Entries are plain data, one JSON line each, so that what a
process could not deliver before its end can be delivered by another.
"""

from __future__ import annotations

import atexit
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hdoc.console import say

Entry = dict[str, Any]
"""`kind` says what it is; the rest is what `RunLogger` needs to send it."""

# Seconds until the next try; doubled after each, so that a dead server costs little time.
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 120.0


class ServerAwayError(Exception):
    """The server could not be reached, or could not take an entry now."""


class Outbox:
    """Sends entries at once while the server answers, and keeps them while it does not.

    Args:
        send: sends one entry.
        server: its name, for messages.
        path: where entries are kept; those that another process left there go first.

    Attributes:
        waiting: entries that were not delivered yet, oldest first.
    """

    def __init__(self, send: Callable[[Entry], None], server: str, path: Path) -> None:
        self._send, self._server, self._path = send, server, path
        self._pause = _FIRST_PAUSE
        self._next_try = 0.0
        self._reports = False
        self.waiting: list[Entry] = _read(path)

    def put(self, entry: Entry) -> None:
        """Send an entry, or keep it if the server is away."""
        if not self.waiting:
            try:
                self._send(entry)
                return
            except ServerAwayError as error:
                say(
                    f"{self._server} does not answer ({error}); the training goes on, and what it logs is "
                    f"kept in {self._path} until the server is back"
                )
                self._put_off()
        self.waiting.append(entry)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        if not self._reports:
            self._reports = True
            atexit.register(self.report)
        if time.monotonic() >= self._next_try:
            self.deliver()

    def deliver(self) -> bool:
        """Try to send all that waits; returns whether nothing is left."""
        n_before = len(self.waiting)
        try:
            while self.waiting:
                self._send(self.waiting[0])
                del self.waiting[0]
        except ServerAwayError:
            self._put_off()
        if n_before and len(self.waiting) < n_before:
            self._rewrite()
        if n_before and not self.waiting:
            self._pause = _FIRST_PAUSE
            say(f"{self._server} is back: {n_before} entries that were kept have been delivered")
        return not self.waiting

    def report(self) -> None:
        """Try a last time, and say what could not be delivered."""
        if self.waiting and not self.deliver():
            say(
                f"not delivered to {self._server}: {contents(self.waiting)}; it is kept in {self._path}. "
                f"When the server is back: hdoc runs --deliver {self._path.parent}"
            )

    def _put_off(self) -> None:
        self._next_try = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _rewrite(self) -> None:
        if not self.waiting:
            self._path.unlink(missing_ok=True)
            return
        draft = self._path.with_name(f".{self._path.name}")
        draft.write_text(
            "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in self.waiting), encoding="utf-8"
        )
        draft.replace(self._path)


def contents(entries: list[Entry]) -> str:
    """Say what some entries are: how many of each kind, and of which steps."""
    counts = Counter(str(entry["kind"]) for entry in entries)
    said = ", ".join(f"{count} × {kind}" for kind, count in counts.items())
    steps = [entry["step"] for entry in entries if entry["kind"] == "metrics"]
    return f"{said} (metrics of steps {min(steps)} to {max(steps)})" if steps else said


def _read(path: Path) -> list[Entry]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except ValueError:
            break  # the line that a kill cut short
    return entries
