"""A process of its own, with bounded memory and time, for documents that nobody has looked at."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from hdoc.errors import HdocError, InputError
from hdoc.text.extraction.extract import extract

_SECONDS = 30
_MEMORY = 2 * 2**30


def extract_in_process(data: bytes, name: str) -> str:
    """Do the same as `extract` in a process that is ended when it takes too long or too much memory.

    Raises:
        InputError: the same, or that.
    """
    try:
        done = subprocess.run(  # noqa: S603 (nothing of the arguments comes from outside but a suffix)
            [
                sys.executable,
                "-m",
                "hdoc.text.extraction.sandbox",
                f"document{Path(name).suffix.lower()[:8]}",
            ],
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{name}: expected a document that is read within {_SECONDS} s") from None
    if done.returncode == 0:
        return done.stdout.decode("utf-8")
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode == 1 and said.startswith("hdoc: "):
        raise InputError(name + said.removeprefix("hdoc: "))
    raise InputError(f"{name}: expected a document of ordinary size, this one takes too much to read")


def _bound() -> None:
    """Bound this process, where the system can."""
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))


def _main() -> int:
    import logging

    logging.disable()  # the parsers warn about the document, with parts of it
    _bound()
    try:
        text = extract(sys.stdin.buffer.read(), sys.argv[1])
    except HdocError as error:
        sys.stderr.write(f"hdoc: {str(error).removeprefix(sys.argv[1])}")
        return 1
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
