"""Documents: classified, explained, shown and checked."""

from hdoc.web.tasks.document.routes import add_routes

__all__ = ["add_routes"]
