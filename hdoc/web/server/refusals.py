"""The form of every error that the server answers with."""

from __future__ import annotations

from pydantic_core import to_json
from starlette.responses import JSONResponse

from hdoc.errors import HdocError, LabelError

_RETRY_SECONDS = "2"
# What is left of a body that came too late or too large is not read, so the connection ends.
_EXTRA = {
    401: {"WWW-Authenticate": "Bearer"},
    408: {"Connection": "close"},
    413: {"Connection": "close"},
    503: {"Retry-After": _RETRY_SECONDS},
}


class Refused(Exception):  # noqa: N818 (it is an answer, not a fault)
    """A request that is answered with an error."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message

    def response(self) -> JSONResponse:
        """Return the answer."""
        return error_response(self.status, self.kind, self.message)


def error_response(status: int, kind: str, message: str) -> JSONResponse:
    """Return an error in the form that all have."""
    return JSONResponse({"error": {"kind": kind, "message": message}}, status, headers=_EXTRA.get(status))


def failed(error: HdocError) -> bytes:
    """Answer with an error in the place of a document."""
    return to_json({"error": fault(error)})


def fault(error: HdocError) -> dict[str, str]:
    """Return the kind and message of an error."""
    return {"kind": "label" if isinstance(error, LabelError) else "input", "message": str(error)}
