"""One request: the headers of its answer, its metrics and its line in the log.

A line is a JSON object without bodies, queries and error messages, since these can quote a document.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

from hdoc.web.server.metrics import Metrics

LOGGER = logging.getLogger("hdoc.web")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Visit:
    """One request: adds headers to its answer, counts it and logs it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.status: int | None = None
        self.fault: str | None = None
        self.n_bytes = 0
        self._send = send
        self._start = time.perf_counter()

    def blame(self, error: BaseException) -> None:
        """Remember where an error was raised; its message could quote a document."""
        self.fault = _place(error)

    async def send(self, message: Message) -> None:
        """Send a part of the answer; its head gets the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Security-Policy", POLICY)
            headers.setdefault("Cache-Control", "no-store")
        elif message["type"] == "http.response.body":
            self.n_bytes += len(message.get("body", b""))
        await self._send(message)

    def note(self, metrics: Metrics) -> None:
        """Count the visit, and log it."""
        seconds = time.perf_counter() - self._start
        route = getattr(self.scope.get("route"), "path", "other")
        given = self.scope["method"]
        method = given if given in _METHODS else "other"
        metrics.requests.labels(method, route, str(self.status)).inc()
        metrics.seconds.labels(route).observe(seconds)
        entry: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "event": "request",
            "method": method,
            "route": route,
            "status": self.status,
            "milliseconds": round(seconds * 1000, 1),
            "bytes": self.n_bytes,
        }
        if self.fault:
            entry["fault"] = self.fault
        LOGGER.log(logging.ERROR if self.fault else logging.INFO, "%s", json.dumps(entry))


def _place(error: BaseException) -> str:
    """Return the class of an error and where it was raised, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames[-5:]))
    return f"{type(error).__name__} at {places}"
