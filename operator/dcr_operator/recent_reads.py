"""What many passes read in the same second is read once: providers and what they refer to.

A provider, its token and its certificates are the same for each of its clients; asking for them
anew would be half of the requests that a registration costs. What is read here is a few seconds
old at most, and never older than the last event about it. Resources and records are read live.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from dcr_operator.kube import JsonObject, Resource
from dcr_operator.ports import ReferenceReader

MAX_AGE: Final = 2.0  # seconds
_SWEEP_AT: Final = 1_000  # entries

_Place = tuple[Resource, str, str]


@dataclass(slots=True)
class RecentReads:
    """The `ReferenceReader` of one process; raises what a read of the API server raises."""

    live: ReferenceReader
    clock: Callable[[], float]  # monotonic, seconds
    _read: dict[_Place, tuple[float, JsonObject | None]] = field(default_factory=dict)
    _reading: dict[_Place, object] = field(default_factory=dict)  # who may keep what it reads

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JsonObject | None:
        """Return the object as it was read lately; what is changed in place is changed for all."""
        place = (resource, namespace or "", name)
        known = self._read.get(place)
        began = self.clock()
        if known is not None and began - known[0] < MAX_AGE:
            return known[1]
        mine = self._reading[place] = object()
        document = await self.live.get(resource, namespace, name)
        # An event since then is about a change that this answer may not show.
        if self._reading.get(place) is mine:
            del self._reading[place]
            self._keep(place, began, document)
        return document

    def forget(self, resource: Resource, namespace: str, name: str) -> None:
        """The object has changed: the next read is a live one."""
        place = (resource, namespace, name)
        self._read.pop(place, None)
        self._reading.pop(place, None)

    def _keep(self, place: _Place, began: float, document: JsonObject | None) -> None:
        if len(self._read) >= _SWEEP_AT:
            self._read = {
                each: known for each, known in self._read.items() if began - known[0] < MAX_AGE
            }
        self._read[place] = (began, document)
