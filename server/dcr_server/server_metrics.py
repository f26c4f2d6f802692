"""What is counted once for the server, however many processes answer requests."""

import contextlib
from collections.abc import Sequence
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
)

from dcr_server.storage.protocol import Storage, StorageUnavailable


class ServerMetrics:
    """Of the process that has the admin listener."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # When a counter was made is of no use to anybody, and doubles what is told.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types
        self._clients = Gauge(
            "dcr_server_clients", "Clients that are registered.", ["policy"], registry=registry
        )
        self._cleaned_up = Counter(
            "dcr_server_cleaned_up",
            "Records that had expired and were removed.",
            ["kind"],
            registry=registry,
        )
        self.worker_restarts = Counter(
            "dcr_server_worker_restarts",
            "Worker processes that ended by themselves and were started again.",
            registry=registry,
        )
        build = Gauge(
            "dcr_server_build_info", "What runs here; always 1.", ["version"], registry=registry
        )
        build.labels(version("dcr-operator")).set(1)

    def removed(self, kind: str, count: int) -> None:
        self._cleaned_up.labels(kind).inc(count)

    async def look_at(self, storage: Storage) -> None:
        """Count what is stored; an outage leaves the number out, and the rest is told."""
        self._clients.clear()
        with contextlib.suppress(StorageUnavailable):
            for policy, clients in (await storage.clients.counts()).items():
                self._clients.labels(policy).set(clients)


def exposition(registries: Sequence[CollectorRegistry]) -> bytes:
    """Write the text that Prometheus reads, format 0.0.4."""
    return b"".join(map(generate_latest, registries))
