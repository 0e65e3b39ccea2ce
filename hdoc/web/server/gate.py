"""The limits on every request: its host, its token, the size of its body, and how many there are at once.

The gate reads the whole body before the application sees the request, so its limits hold for every route.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hdoc.web.server.metrics import Metrics
from hdoc.web.server.refusals import Refused, error_response
from hdoc.web.server.visits import Visit

_GUARDED = ("/api/", "/metrics")
_MOST_DRAINED = 10


@dataclass(frozen=True)
class Rules:
    """What the gate allows.

    Attributes:
        token: what `Authorization: Bearer` must carry to use the API; None for no token.
        hosts: names that a request may be addressed to; None for any. A server on the loopback needs it:
            a foreign site can have its own name point there and read what the server says.
        body_bytes: largest body of a request.
        file_bytes: largest body where a file is sent.
        body_seconds: longest time a body may take to arrive.
        requests: most requests at once; each may hold a body.
    """

    token: str | None = None
    hosts: frozenset[str] | None = None
    body_bytes: int = 2 * 2**20
    file_bytes: int = 20 * 2**20
    body_seconds: float = 30
    requests: int = 1_000


class Gate:
    """ASGI middleware that lets requests through or refuses them.

    Args:
        app: the application behind the gate.
        rules: what is allowed.
        metrics: counts requests.
    """

    def __init__(self, app: ASGIApp, rules: Rules, metrics: Metrics) -> None:
        self.app = app
        self.rules = rules
        self.metrics = metrics
        self.n_open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = Visit(scope, send)
        self.n_open += 1
        try:
            self._check(Headers(scope=scope), scope["path"])
            body = await self._body(Headers(scope=scope), scope["path"], receive)
            await self.app(scope, _replay(body, receive), visit.send)
        except Refused as refusal:
            await refusal.response()(scope, receive, visit.send)
        except _GoneError:
            visit.status = 499
        except Exception as error:
            visit.blame(error)
            if visit.status is None:
                message = "the server failed at this request; its log says where"
                await error_response(500, "internal", message)(scope, receive, visit.send)
        finally:
            self.n_open -= 1
            visit.note(self.metrics)

    def _check(self, headers: Headers, path: str) -> None:
        rules = self.rules
        if self.n_open > rules.requests:
            raise Refused(503, "queue", "too many requests at once; try again in a few seconds")
        if rules.hosts is not None and _host(headers.get("host", "")) not in rules.hosts:
            raise Refused(421, "host", f"expected a request to one of {', '.join(sorted(rules.hosts))}")
        if rules.token is not None and path.startswith(_GUARDED):
            # As bytes: Starlette reads headers as Latin-1, in which a part of a character can be a space.
            scheme, _, given = headers.get("authorization", "").encode("latin-1").partition(b" ")
            if scheme.lower() != b"bearer" or not hmac.compare_digest(given, rules.token.encode()):
                raise Refused(401, "token", "expected the header 'Authorization: Bearer TOKEN'")

    async def _body(self, headers: Headers, path: str, receive: Receive) -> bytes:
        limit = self.rules.file_bytes if path == "/api/v1/extract" else self.rules.body_bytes
        length = headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length) > _MOST_DRAINED * limit:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.rules.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _GoneError
                    part = message.get("body", b"")
                    size += len(part)
                    if size <= limit:
                        parts.append(part)
                    else:
                        parts.clear()  # the rest is read but not kept: who still sends cannot hear an answer
                    if size > _MOST_DRAINED * limit:
                        raise _too_large(limit)
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            late = f"expected the whole body within {self.rules.body_seconds:g} seconds"
            raise Refused(408, "time", late) from None
        if size > limit:
            raise _too_large(limit)
        return b"".join(parts)


class _GoneError(Exception):
    """The client disconnected before it had sent the whole body."""


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _host(header: str) -> str:
    """Return the name in a Host header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0].lower()


def _too_large(limit: int) -> Refused:
    return Refused(413, "size", f"expected a body of at most {limit:,} bytes; send less at once")
