"""The edges of the core: what reconciling asks of the outside, defined beside its user.

Adapters implement these protocols; tests put fakes there. `kube.KubernetesApi` is the
remaining port. Nothing here may raise for what a provider does: that is an `Outcome`.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import SecretStr

from dcr_operator.client_keys import KeyPair
from dcr_operator.kube import JsonObject, Key, KubernetesApi, Resource
from dcr_operator.outcomes import DiscoveryOutcome, Outcome, ProbeOutcome


@dataclass(frozen=True, slots=True)
class ProviderConnection:
    """How to reach a provider; comparable, so adapters can key caches and limits by it."""

    provider: str  # metric label and key of limits: "ClusterOAuthProvider/main"
    issuer: str
    registration_endpoint: str | None = None  # overrides discovery
    backchannel_origin: str | None = None
    ca_bundle: str | None = None  # PEM
    allowed_origins: tuple[str, ...] = ()
    timeout: float = 10.0  # seconds
    max_concurrent: int = 16
    requests_per_second: float = 0.0  # 0 is no limit
    burst: float = 0.0
    allow_loopback: bool = False
    hardened: bool = False  # a namespaced provider: tenants must not reach inside


@dataclass(frozen=True, slots=True)
class Management:
    """RFC 7592 §3: where and with what a registration is managed."""

    registration_client_uri: str
    registration_access_token: SecretStr


class RegistrationClient(Protocol):
    """RFC 7591 and 7592 towards one provider; never raises for what the provider does."""

    async def discover(self, connection: ProviderConnection) -> DiscoveryOutcome:
        """Read the provider's discovery document, at most every ten minutes."""
        ...

    async def register(
        self,
        connection: ProviderConnection,
        endpoint: str,
        body: bytes,
        *,
        initial_access_token: SecretStr | None,
        idempotency_key: str,
    ) -> Outcome: ...

    async def read(self, connection: ProviderConnection, management: Management) -> Outcome: ...

    async def update(
        self,
        connection: ProviderConnection,
        management: Management,
        body: bytes,
        *,
        idempotency_key: str,
    ) -> Outcome: ...

    async def rotate(
        self,
        connection: ProviderConnection,
        management: Management,
        body: bytes,
        *,
        idempotency_key: str,
    ) -> Outcome:
        """Ask for another client secret, by the extension of `dcr_protocol.secret_rotation`."""
        ...

    async def delete(self, connection: ProviderConnection, management: Management) -> Outcome: ...

    async def probe(
        self,
        connection: ProviderConnection,
        token_endpoint: str,
        *,
        client_id: str,
        client_secret: SecretStr,
        auth_method: str,
    ) -> ProbeOutcome:
        """Ask the token endpoint whether it still knows these credentials."""
        ...


class EventType(StrEnum):
    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Regarding:
    """The object that an Event is about."""

    key: Key
    uid: str
    resource_version: str = ""


class EventRecorder(Protocol):
    """Writes Kubernetes Events, aggregated and rate-limited, in the background."""

    def record(
        self, regarding: Regarding, event_type: EventType, reason: str, message: str
    ) -> None: ...


class ReconcileMetrics(Protocol):
    """What reconciling reports beside status: gauges and counters without object labels."""

    def possible_orphan(self, provider: str) -> None: ...

    def rotation_ended(self, result: str) -> None:
        """Count a rotation by how it ended: `rotated`, `refused` or `unanswered`."""
        ...

    def intent_opened(self, client: str) -> None: ...

    def intent_closed(self, client: str) -> None: ...

    def client_seen(
        self, client: str, provider: str, *, ready: bool, secret_expires_at: int | None
    ) -> None: ...

    def client_gone(self, client: str) -> None: ...

    def unregistered_by_record(self, provider: str) -> None:
        """Count a client that outlived its OAuthClient and was unregistered all the same."""
        ...

    def records_in_doubt(self, count: int) -> None:
        """Say how many records are left whose OAuthClients are not there, as a start found them."""
        ...


class Place(StrEnum):
    """Whether a client may be registered at a provider that limits their number."""

    TAKEN = "taken"
    FULL = "full"
    UNKNOWN = "unknown"  # the first listing is not complete


class ProviderUse(Protocol):
    """The clients that refer to a provider, from what the watch has shown."""

    def clients_of(self, provider: Key) -> int | None:
        """Return how many are registered, or None while the first listing is not complete."""
        ...

    def holders_of(self, provider: Key) -> Collection[Key] | None:
        """Return the clients that the provider must not go before; None as above."""
        ...

    def was_left(self, provider: Key) -> bool:
        """Whether the last of them was seen to go."""
        ...

    def take_place(self, provider: Key, client: Key, limit: int) -> Place:
        """Take one of the places that the provider has for the client's namespace."""
        ...

    def left_by(self, client: Key, uid: str | None) -> Collection[str]:
        """Return the uids of clients of that name that went, to be looked at by who asks.

        `uid`: of the one that is there now.
        """
        ...

    def discovered(self, provider: Key, shown: str, before: str | None) -> None:
        """Take note of what of the provider goes into Secrets; a change concerns its clients.

        `before`: what its status said of it, before a restart too.
        """
        ...


class ReferenceReader(Protocol):
    """Reads what many clients refer to: providers, namespaces, their tokens and certificates.

    Not older than a few seconds, nor than the last event about it; raises an `ApiError`.
    """

    async def get(
        self, resource: Resource, namespace: str | None, name: str
    ) -> JsonObject | None: ...


class ResyncSchedule(Protocol):
    """Remembers, in memory, when a registration is to be read again; see `resync`."""

    def is_due(self, uid: str, every: float, now: datetime) -> bool: ...

    def seconds_until_due(self, uid: str, every: float, now: datetime) -> float: ...

    def done(self, uid: str, every: float, now: datetime) -> None: ...

    def forget(self, uid: str) -> None: ...


# By algorithm, such as ES256.
NewKeyPair = Callable[[str], Awaitable[KeyPair]]


@dataclass(frozen=True, slots=True)
class Context:
    """Everything `reconcile` may use; built once in `main`."""

    kubernetes: KubernetesApi
    references: ReferenceReader
    registrations: RegistrationClient
    events: EventRecorder
    metrics: ReconcileMetrics
    provider_use: ProviderUse
    enqueue: Callable[[Key], None]  # another key, to be passed over soon
    resync: ResyncSchedule
    namespace: str  # the operator's own: records live here
    served_namespaces: tuple[str, ...]  # whose resources are watched; none: all
    default_resync: float  # seconds; 0 is never
    allow_loopback: bool
    namespaced_providers: bool  # whether OAuthProviders are served
    operator_class: str  # providers of this class are ours, and their clients
    now: Callable[[], datetime]  # aware, UTC
    new_id: Callable[[], str]
    new_key_pair: NewKeyPair
    sleep: Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Result:
    """What the work queue does next with the key.

    `failed`: give it back with the queue's own back-off, or `requeue_after` if that is longer.
    Otherwise the next pass is due after `requeue_after` seconds, if any.
    """

    reason: str
    requeue_after: float | None = None
    failed: bool = False
    provider: str | None = None  # for per-provider limits and the circuit breaker


class Reconcile(Protocol):
    """`reconcile.reconcile`: one pass for one key. Raises nothing but cancellation."""

    async def __call__(self, key: Key, context: Context) -> Result: ...
