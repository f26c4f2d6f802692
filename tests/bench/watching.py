"""When things happened, as a watch shows them: the clock stops when the event arrives."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.bench.system import NAMESPACE
from tests.cluster.client import JsonObject, KubernetesClient

_LONGEST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Sighting:
    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Watched:
    """The first time that each object was seen as wanted."""

    sightings: "queue.SimpleQueue[Sighting]"

    def next(self, *, seconds: float) -> Sighting:
        return self.sightings.get(timeout=seconds)

    def wait_for(self, name: str, *, seconds: float) -> Sighting:
        deadline = time.monotonic() + seconds
        while True:
            seen = self.next(seconds=max(0.0, deadline - time.monotonic()))
            if seen.name == name:
                return seen


@contextmanager
def watched(
    admin: KubernetesClient, kind: str, wanted: Callable[[JsonObject], bool]
) -> Iterator[Watched]:
    """Watch objects of one kind in the namespace of the benchmark, from now on."""
    listed = admin.request("GET", admin.path(kind, NAMESPACE))
    version = listed["metadata"]["resourceVersion"]
    sightings: queue.SimpleQueue[Sighting] = queue.SimpleQueue()
    ended = threading.Event()

    def follow() -> None:
        seen: set[str] = set()
        until = time.monotonic() + _LONGEST_SECONDS
        for event in admin.watch(kind, NAMESPACE, resource_version=version, until=until):
            now = time.perf_counter()
            name = event.object["metadata"]["name"]
            if name not in seen and wanted(event.object):
                seen.add(name)
                sightings.put(Sighting(now, name))

    def follow_to_the_end() -> None:
        try:
            follow()
        except httpx.HTTPError:
            if not ended.is_set():
                raise

    # A daemon: it ends with the stream, which ends with the cluster.
    threading.Thread(target=follow_to_the_end, daemon=True).start()
    try:
        yield Watched(sightings)
    finally:
        ended.set()
