"""A cluster, a provider and an operator that can be restarted: all in memory, with a clock."""

import base64
import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dcr_operator.key_pairs import KeyPairs
from dcr_operator.kube import (
    CLUSTER_OAUTH_PROVIDERS,
    OAUTH_CLIENTS,
    SECRETS,
    JsonObject,
    Key,
    Resource,
    member,
    object_meta,
    text,
    texts,
)
from dcr_operator.ports import Context, Place, RegistrationClient, Result
from dcr_operator.reconcile import reconcile
from dcr_operator.record import read_record_secret, record_name
from dcr_operator.resync import InMemoryResync
from dcr_operator.state import Record, StoredRecord
from tests.fakes.faults import Crash, FaultAt, Schedule, Wire
from tests.fakes.kubernetes_api import FakeCluster, FakeKubernetesApi
from tests.fakes.provider import INITIAL_ACCESS_TOKEN, ISSUER, FakeProvider, Numbers
from tests.fakes.providers_by_issuer import ProvidersByIssuer
from tests.fakes.told import Events, Metrics

NAMESPACE, NAME, SYSTEM = "team-a", "dashboard", "dcr-system"
CLIENT = Key("OAuthClient", NAMESPACE, NAME)
PROVIDER = Key("ClusterOAuthProvider", "", "main")
RESYNC = 3600.0
OTHER_ISSUER = "https://other.example.com"
ELSEWHERE: JsonObject = {"kind": PROVIDER.kind, "name": "other"}  # a providerRef
METADATA: JsonObject = {
    "clientName": "Dashboard",
    "redirectUris": ["https://dashboard.example.com/callback"],
    "scope": "openid",
}


def encoded(data: dict[str, str]) -> JsonObject:
    return {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}


def document(resource: Resource, namespace: str, name: str, **members: object) -> JsonObject:
    metadata: JsonObject = {"name": name, "labels": {}}
    if namespace:
        metadata["namespace"] = namespace
    body: JsonObject = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": metadata,
    }
    return {**body, **members}  # type: ignore[dict-item]  # callers pass JSON


def client_spec(**spec: object) -> JsonObject:
    wanted: JsonObject = {
        "providerRef": {"kind": PROVIDER.kind, "name": PROVIDER.name},
        "clientMetadata": dict(METADATA),
    }
    return {**wanted, **spec}  # type: ignore[dict-item]  # callers pass JSON


def provider_spec(**spec: object) -> JsonObject:
    wanted: JsonObject = {
        "issuer": ISSUER,
        "allowedNamespaces": {"names": [NAMESPACE]},
        "initialAccessToken": {"secretRef": {"namespace": SYSTEM, "name": "iat", "key": "token"}},
    }
    return {**wanted, **spec}  # type: ignore[dict-item]  # callers pass JSON


@dataclass(slots=True)
class Use:
    clients: int | None = 1
    holders: Collection[Key] | None = ()
    left: bool = False
    place: Place = Place.TAKEN
    shown: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)  # uids of clients that were seen to go

    def discovered(self, provider: Key, shown: str, before: str | None) -> None:
        assert provider == PROVIDER
        assert before in (None, *self.shown)
        self.shown.append(shown)

    def clients_of(self, provider: Key) -> int | None:
        assert provider == PROVIDER
        return self.clients

    def left_by(self, client: Key, uid: str | None) -> Collection[str]:
        assert client.kind == CLIENT.kind
        assert uid not in self.gone
        gone, self.gone = self.gone, []
        return gone

    def holders_of(self, provider: Key) -> Collection[Key] | None:
        assert provider == PROVIDER
        return self.holders

    def was_left(self, provider: Key) -> bool:
        assert provider == PROVIDER
        return self.left

    def take_place(self, provider: Key, client: Key, limit: int) -> Place:
        assert (provider, client) == (PROVIDER, CLIENT)
        assert limit >= 0
        return self.place


@dataclass(slots=True)
class World:
    provider: FakeProvider = field(default_factory=FakeProvider)
    # Numbers of its own, so that nothing of one works at the other.
    other: FakeProvider = field(
        default_factory=lambda: FakeProvider(issuer=OTHER_ISSUER, numbers=Numbers(100))
    )
    cluster: FakeCluster = field(default_factory=FakeCluster)
    events: Events = field(default_factory=Events)
    metrics: Metrics = field(default_factory=Metrics)
    use: Use = field(default_factory=Use)
    registrations: RegistrationClient | None = None  # in place of the provider in memory
    resync: InMemoryResync = field(default_factory=InMemoryResync)
    wire: Wire = field(default_factory=Wire)
    operator_class: str = ""
    namespaced_providers: bool = True
    allow_loopback: bool = False
    observer: Callable[[str], None] = lambda _name: None
    heard: int = 0  # of the events about clients that went
    queue: list[Key] = field(default_factory=list)  # what a pass asked for beside its key
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    ids: int = 0
    slept: float = 0.0
    foreign: list[str] = field(default_factory=list)  # Secrets of others in the tenant's namespace

    @property
    def context(self) -> Context:
        self.wire.observer = self.observer
        self.cluster.now = self.now
        self.provider.wire = self.other.wire = self.wire
        self.provider.clock = self.other.clock = self.seconds
        kubernetes = FakeKubernetesApi(self.cluster, self.wire)
        return Context(
            kubernetes=kubernetes,
            references=kubernetes,
            registrations=self.registrations or ProvidersByIssuer(self.provider, self.other),
            events=self.events,
            metrics=self.metrics,
            provider_use=self.use,
            enqueue=self.queue.append,
            resync=self.resync,
            namespace=SYSTEM,
            served_namespaces=(),
            default_resync=RESYNC,
            allow_loopback=self.allow_loopback,
            namespaced_providers=self.namespaced_providers,
            operator_class=self.operator_class,
            now=lambda: self.now,
            new_id=self._new_id,
            new_key_pair=KeyPairs(lambda: self.now),
            sleep=self._sleep,
        )

    def seconds(self) -> float:
        return self.now.timestamp()

    def _new_id(self) -> str:
        self.ids += 1
        return f"intent-{self.ids}"

    async def _sleep(self, seconds: float) -> None:
        self.slept += seconds

    # What people do.

    def add_provider(self, **spec: object) -> None:
        self.cluster.create(
            SECRETS,
            document(SECRETS, SYSTEM, "iat", data=encoded({"token": f"{INITIAL_ACCESS_TOKEN}\n"})),
        )
        self.cluster.create(
            CLUSTER_OAUTH_PROVIDERS,
            document(CLUSTER_OAUTH_PROVIDERS, "", "main", spec=provider_spec(**spec)),
        )

    def add_other_provider(self, **spec: object) -> None:
        wanted = provider_spec(issuer=OTHER_ISSUER, **spec)
        self.cluster.create(
            CLUSTER_OAUTH_PROVIDERS, document(CLUSTER_OAUTH_PROVIDERS, "", "other", spec=wanted)
        )

    def set_provider(self, **spec: object) -> None:
        self.cluster.edit(
            CLUSTER_OAUTH_PROVIDERS,
            "",
            "main",
            lambda each: each.update(spec=provider_spec(**spec)),
        )

    def add_client(self, **spec: object) -> None:
        body = document(OAUTH_CLIENTS, NAMESPACE, NAME, spec=client_spec(**spec))
        self.cluster.create(OAUTH_CLIENTS, body)

    def set_client(self, **spec: object) -> None:
        self.cluster.edit(
            OAUTH_CLIENTS, NAMESPACE, NAME, lambda each: each.update(spec=client_spec(**spec))
        )

    def delete_client(self) -> None:
        self.cluster.delete(OAUTH_CLIENTS, NAMESPACE, NAME)

    # What the operator does.

    def restart(self) -> None:
        """Lose what a process has in memory."""
        self.resync = InMemoryResync()
        self.metrics = Metrics()
        self.wire = Wire()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def run_pass(self, key: Key = CLIENT) -> Result:
        """Make one pass; `wire` then holds its calls alone."""
        self.wire = Wire()
        return await reconcile(key, self.context)

    async def run_pass_with(self, fault: FaultAt, key: Key = CLIENT) -> bool:
        """Make one pass with a fault; whether the fault was reached."""
        self.wire = Wire(Schedule([fault]))
        with contextlib.suppress(Crash):
            await reconcile(key, self.context)
        return self.wire.reached

    async def settle(self, passes: int = 12) -> Result:
        """Pass until one has nothing to write."""
        for _ in range(passes):
            result = await self.run_pass()
            if not self.wire.writes and not self.wire.requests:
                return result
            self.advance(400)
        raise AssertionError(f"still busy after {passes} passes: {self.wire.calls}")

    # What can be seen.

    @property
    def client(self) -> JsonObject | None:
        return self.cluster.get(OAUTH_CLIENTS, NAMESPACE, NAME)

    @property
    def status(self) -> JsonObject:
        return member(self.client or {}, "status")

    def condition(self, kind: str = "Ready") -> tuple[str, str]:
        """Return (status, reason)."""
        conditions = self.status.get("conditions")
        assert isinstance(conditions, list)
        for each in conditions:
            if isinstance(each, dict) and each["type"] == kind:
                return text(each, "status"), text(each, "reason")
        return "", ""

    def secret(self, name: str = NAME) -> dict[str, str] | None:
        found = self.cluster.get(SECRETS, NAMESPACE, name)
        if found is None:
            return None
        return {
            key: base64.b64decode(value).decode() for key, value in texts(found, "data").items()
        }

    def opens(self, secret: dict[str, str]) -> bool:
        """Whether the credentials of a Secret would get a token; trying them would change that."""
        at = self.other if secret["issuer"] == self.other.issuer else self.provider
        client = at.clients.get(secret["client_id"])
        return client is not None and secret["client_secret"] in client.secrets

    def records(self) -> list[Record]:
        """Return every record in the operator's namespace."""
        found = []
        for (plural, namespace, name), body in self.cluster.objects.items():
            if (plural, namespace) == ("secrets", SYSTEM) and name.startswith(record_name("")):
                stored = read_record_secret(body)
                assert isinstance(stored, StoredRecord)
                found.append(stored.record)
        return found

    @property
    def record(self) -> Record:
        (record,) = self.records()
        return record

    @property
    def uid(self) -> str:
        return object_meta(self.client or {}).uid


def new_world(provider: FakeProvider | None = None, **spec: object) -> World:
    """Return a world with a provider and a client that nobody has looked at yet."""
    world = World(provider or FakeProvider())
    world.add_provider(**spec)
    world.add_client()
    return world


async def ready_world(provider: FakeProvider | None = None, **spec: object) -> World:
    world = new_world(provider, **spec)
    await world.settle()
    assert world.condition() == ("True", "Ready")
    return world
