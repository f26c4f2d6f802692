"""What is counted about clients, by provider and readiness, never by object.

The last state of each live client is kept here and summed up when Prometheus asks.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class _Seen:
    provider: str
    ready: bool
    secret_expires_at: int | None


@dataclass(slots=True, eq=False)  # the registry keeps collectors by identity
class ClientMetrics(Collector):
    """Implements `ports.ReconcileMetrics`."""

    _clients: dict[str, _Seen] = field(default_factory=dict)
    _intents: set[str] = field(default_factory=set)
    _orphans: Counter[str] = field(default_factory=Counter)
    _rotations: Counter[str] = field(default_factory=Counter)
    _by_record: Counter[str] = field(default_factory=Counter)
    _in_doubt: int = 0

    def possible_orphan(self, provider: str) -> None:
        self._orphans[provider] += 1

    def rotation_ended(self, result: str) -> None:
        self._rotations[result] += 1

    def intent_opened(self, client: str) -> None:
        self._intents.add(client)

    def intent_closed(self, client: str) -> None:
        self._intents.discard(client)

    def client_seen(
        self, client: str, provider: str, *, ready: bool, secret_expires_at: int | None
    ) -> None:
        self._clients[client] = _Seen(provider, ready, secret_expires_at)

    def client_gone(self, client: str) -> None:
        self._clients.pop(client, None)
        self._intents.discard(client)

    def unregistered_by_record(self, provider: str) -> None:
        self._by_record[provider] += 1

    def records_in_doubt(self, count: int) -> None:
        self._in_doubt = count

    def collect(self) -> Iterable[Metric]:
        yield self._by_readiness()
        yield self._by_expiry()
        yield GaugeMetricFamily(
            "dcr_pending_intents",
            "Requests to providers whose outcome is not recorded yet.",
            value=len(self._intents),
        )
        orphans = CounterMetricFamily(
            "dcr_orphans", "Clients that may have been left at a provider.", labels=["provider"]
        )
        for provider, count in sorted(self._orphans.items()):
            orphans.add_metric([provider], count)
        yield orphans
        rotations = CounterMetricFamily(
            "dcr_rotations", "Rotations of credentials by how they ended.", labels=["result"]
        )
        for result, count in sorted(self._rotations.items()):
            rotations.add_metric([result], count)
        yield rotations
        yield from self._gone()

    def _gone(self) -> Iterable[Metric]:
        by_record = CounterMetricFamily(
            "dcr_unregistered_by_record",
            "Clients that outlived their OAuthClient and were unregistered by their record.",
            labels=["provider"],
        )
        for provider, count in sorted(self._by_record.items()):
            by_record.add_metric([provider], count)
        yield by_record
        yield GaugeMetricFamily(
            "dcr_records_in_doubt",
            "Records whose OAuthClient was not there at the start, deleted or not restored yet.",
            value=self._in_doubt,
        )

    def _by_readiness(self) -> Metric:
        family = GaugeMetricFamily(
            "dcr_clients", "OAuthClients by provider and readiness.", labels=["provider", "ready"]
        )
        counts = Counter((seen.provider, seen.ready) for seen in self._clients.values())
        for (provider, ready), count in sorted(counts.items()):
            family.add_metric([provider, "true" if ready else "false"], count)
        return family

    def _by_expiry(self) -> Metric:
        family = GaugeMetricFamily(
            "dcr_client_secret_expiry_seconds",
            "When the first client secret of the provider expires, in seconds since 1970.",
            labels=["provider"],
        )
        first: dict[str, int] = {}
        for seen in self._clients.values():
            if seen.secret_expires_at:
                earlier = first.get(seen.provider, seen.secret_expires_at)
                first[seen.provider] = min(earlier, seen.secret_expires_at)
        for provider, expiry in sorted(first.items()):
            family.add_metric([provider], expiry)
        return family
