"""The command `hdoc serve`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from hdoc.console import say
from hdoc.errors import HdocError

if TYPE_CHECKING:
    from hdoc.web.server.model import ServedModel

TOKEN = "HDOC_TOKEN"  # noqa: S105 (the name of a variable)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def main(arguments: Sequence[str]) -> int:
    """Serve the page and the API until interrupted.

    Raises:
        HdocError: the model, the library or the address cannot be used, or the extra is not installed.
    """
    options = _parser().parse_args(arguments)
    try:
        import uvicorn

        from hdoc.web.app import Settings, create_app
        from hdoc.web.server.gate import Rules
    except ModuleNotFoundError as error:
        raise HdocError(f"'hdoc serve' needs {error.name}; run: pip install 'hdoc[serve]'") from error
    from hdoc.library import Library, default_path
    from hdoc.models import load

    address = _listen(options.host, options.port)
    port = address.getsockname()[1]
    model = load(options.model, options.device)
    library = None
    if options.library or default_path().exists():
        library = Library(options.library or default_path())
    hosts = frozenset({*_LOOPBACK, "[::1]"}) if options.host in _LOOPBACK else None
    rules = Rules(token=os.environ.get(TOKEN) or None, hosts=hosts)
    app = create_app(cast("ServedModel[Any]", model), library, Settings(rules))
    _log_to(sys.stderr)
    shown = f"[{options.host}]" if ":" in options.host else options.host
    say(f"hdoc: serving {model.identity.name} at http://{shown}:{port}/ (Ctrl-C ends it)")
    if hosts is None and rules.token is None:
        say(f"hdoc: whoever reaches this address can use it; set {TOKEN} to ask for a token")
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[address])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hdoc serve",
        description="Serves the page and the JSON API. Nothing that is analysed leaves this machine.",
        epilog=f"With a token in the environment variable {TOKEN} the API wants it as a bearer token.",
    )
    parser.add_argument(
        "-m", "--model", type=Path, metavar="FOLDER", help="default: the one that comes with hdoc"
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s, this machine only")
    parser.add_argument("--port", type=int, default=8000, help="default: %(default)s; 0 for any that is free")
    parser.add_argument(
        "--library",
        type=Path,
        metavar="FOLDER|FILE",
        help="to search; default: that of hdoc library",
    )
    parser.add_argument("--device", help="cpu or cuda; default: a GPU if there is one")
    return parser


def _listen(host: str, port: int) -> socket.socket:
    """Open the address before the model is loaded, so that a taken port is said at once."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HdocError(
            f"cannot listen on {host} port {port}: {reason}; choose another with --port"
        ) from error


def _log_to(stream: TextIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_JsonLines())
    for name in ("hdoc.web", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.INFO if name == "hdoc.web" else logging.WARNING)


class _JsonLines(logging.Formatter):
    """Writes what is JSON already as it is, and all else as an event of the server."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.name == "hdoc.web":
            return message
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        return json.dumps({"time": at, "event": "server", "level": record.levelname, "message": message})
