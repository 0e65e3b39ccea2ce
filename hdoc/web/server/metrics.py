"""What `/metrics` shows, in the Prometheus text format. No label ever holds anything of a document."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60)
_DOCUMENTS = (1, 2, 4, 8, 16, 32)


class Metrics:
    """The counters of one server, in a registry of their own.

    Attributes:
        registry: what `/metrics` writes out.
        requests: answered requests, by method, route and status.
        seconds: from a request's arrival to the end of its answer, by route.
        batch_documents: documents that shared a batch.
        waiting_documents: documents that have come and are not answered yet.
        characters: characters of analysed documents.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "hdoc_requests", "Answered requests", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "hdoc_request_seconds",
            "From a request's arrival to the end of its answer",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.batch_documents = Histogram(
            "hdoc_batch_documents", "Documents read together", buckets=_DOCUMENTS, registry=self.registry
        )
        self.waiting_documents = Gauge(
            "hdoc_waiting_documents", "Documents that are not answered yet", registry=self.registry
        )
        self.characters = Counter(
            "hdoc_characters", "Characters of analysed documents", registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
