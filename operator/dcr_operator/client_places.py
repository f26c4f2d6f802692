"""clientPolicy.maxClientsPerNamespace: which clients have a place at their provider.

Pure but for its own memory. Decided at once and in one process, so that of two clients for the
last place one gets it; what another process decides at the same moment is not seen here.
"""

from dataclasses import dataclass, field

from dcr_operator.kube import Key
from dcr_operator.ports import Place
from dcr_operator.provider_users import ClientUse, discard

_Quarter = tuple[Key, str]  # provider and namespace


@dataclass(slots=True)
class ClientPlaces:
    _taken: dict[_Quarter, set[Key]] = field(default_factory=dict)
    _promised: dict[Key, _Quarter] = field(default_factory=dict)  # until the watch shows it taken
    _waiting: dict[_Quarter, set[Key]] = field(default_factory=dict)

    def take(self, provider: Key, client: Key, limit: int) -> Place:
        """Let the client in unless all places are taken; it keeps the place that it has."""
        quarter = (provider, client.namespace)
        promised = {each for each, there in self._promised.items() if there == quarter}
        others = (self._taken.get(quarter, set()) | promised) - {client}
        if len(others) >= limit:
            self._waiting.setdefault(quarter, set()).add(client)
            return Place.FULL
        self._promised[client] = quarter
        return Place.TAKEN

    def note(self, client: Key, before: ClientUse, now: ClientUse) -> frozenset[Key]:
        """Take note of a change; returns the clients that may have a place now."""
        freed: frozenset[Key] = frozenset()
        if before.place is not None and before.place != now.place:
            quarter = (before.place, client.namespace)
            discard(self._taken, quarter, client)
            freed = frozenset(self._waiting.pop(quarter, ()))
        if now.place is not None:
            quarter = (now.place, client.namespace)
            self._taken.setdefault(quarter, set()).add(client)
            if self._promised.get(client) == quarter:
                del self._promised[client]
        return freed - {client}

    def gone(self, client: Key) -> frozenset[Key]:
        """Forget a client that is no more; returns those that may have its place now."""
        quarter = self._promised.pop(client, None)
        freed = frozenset() if quarter is None else frozenset(self._waiting.pop(quarter, ()))
        for waiting in self._waiting.values():
            waiting.discard(client)
        return freed - {client}
