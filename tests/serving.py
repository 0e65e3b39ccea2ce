"""A real server on a free port, for the tests of the API and of the page."""

import contextlib
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import uvicorn

from hdoc.cli.serve import _listen
from hdoc.library import Library
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.web.app import Settings, create_app


@dataclass
class Answer:
    status: int
    body: bytes
    headers: Message

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        return self.json["error"]["kind"]

    @property
    def message(self) -> str:
        return self.json["error"]["message"]


@dataclass
class Served:
    url: str
    classifier: DocumentClassifier
    library: Library | None

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, content: Any, **headers: str) -> Answer:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"Content-Type": "application/json", **headers}
        return self._ask(urllib.request.Request(self.url + path, data=data, headers=headers))

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answer(response.status, response.read(), response.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(), error.headers)


@contextlib.contextmanager
def serving(
    model: Path | DocumentClassifier, library: Library | None = None, settings: Settings | None = None
) -> Iterator[Served]:
    """Serve a model until the block ends, with one process that splits."""
    classifier = DocumentClassifier.load(model, device="cpu") if isinstance(model, Path) else model
    app = create_app(classifier, library, settings or Settings(workers=1))
    address = _listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [address]})
    thread.start()
    served = Served(f"http://127.0.0.1:{address.getsockname()[1]}", classifier, library)
    try:
        deadline = time.monotonic() + 60
        while served.get("/readyz").status != 200:
            assert time.monotonic() < deadline, "the server did not become ready"
            time.sleep(0.05)
        yield served
    finally:
        server.should_exit = True
        thread.join()
