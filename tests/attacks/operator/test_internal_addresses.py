"""A tenant's provider is aimed at what only the operator reaches: nothing is connected there.

The listener is a real one on loopback, and the names and numbers are resolved as the operator
resolves them; what would have to come from a name server is answered by the test.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from dcr_operator.kube import OAUTH_PROVIDERS, JsonObject
from dcr_operator.outcomes import Discovered, Outcome, Registered
from dcr_operator.ports import Management, ProviderConnection
from dcr_operator.provider_dialer import HardenedTransport
from dcr_operator.provider_session import transport_for
from dcr_operator.registration_client import HttpRegistrationClient
from dcr_operator.resources import InvalidSpecError, parse_provider
from tests.fakes.operator_world import NAMESPACE, World, document
from tests.fakes.scripted_provider import MANAGEMENT, Answer, answering

NAME = "https://id.example.com"
PUBLIC, METADATA = "93.184.215.14", "169.254.169.254"


@dataclass(slots=True)
class Listener:
    """Something inside: it counts who connects."""

    port: int = 0
    connections: list[object] = field(default_factory=list)

    def connected(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer.get_extra_info("peername"))
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.connected, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
        await server.wait_closed()


def tenants(issuer: str, **changes: object) -> ProviderConnection:
    values = {"provider": "OAuthProvider/team-a/own", "issuer": issuer, "hardened": True}
    return ProviderConnection(**{**values, "timeout": 1.0, **changes})  # type: ignore[arg-type]  # fields


HOSTS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",  # noqa: S104  # nothing is bound
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
    "127.0.0.1%2eexample.com",
    "127。0。0。1",
]


@pytest.mark.parametrize("host", HOSTS)
async def test_no_spelling_of_loopback_is_connected_to(host: str) -> None:
    async with listening() as listener:
        client = HttpRegistrationClient()
        try:
            outcome = await client.discover(tenants(f"https://{host}:{listener.port}"))
        finally:
            await client.close()
        assert not isinstance(outcome, Discovered)
        assert listener.connections == []


async def test_the_listener_is_reached_by_a_provider_of_administrators() -> None:
    """Else the tests above would show nothing."""
    async with listening() as listener:
        client = HttpRegistrationClient()
        connection = tenants(f"https://127.0.0.1:{listener.port}", hardened=False)
        try:
            await client.discover(connection)
        finally:
            await client.close()
        assert listener.connections


@dataclass(slots=True)
class Network:
    """A name server that answers in turn, and who was connected to."""

    answers: list[list[str]]
    answer: Answer = field(default_factory=lambda: answering(404, {}))
    connected: list[str] = field(default_factory=list)

    async def resolve(self, _host: str, _port: int) -> list[str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def client(self) -> HttpRegistrationClient:
        return HttpRegistrationClient(make_transport=self._transport)

    def _transport(
        self, connection: ProviderConnection, _tls: ssl.SSLContext
    ) -> httpx.AsyncBaseTransport:
        assert connection.hardened
        inner = httpx.MockTransport(self._handle)
        return HardenedTransport(inner, resolve=self.resolve)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.connected.append(request.url.host)
        return self.answer(request)


@pytest.mark.parametrize(
    "addresses",
    [
        [METADATA],
        ["10.96.0.1"],
        ["192.168.0.1"],
        ["fd00:ec2::254"],
        ["::ffff:169.254.169.254"],
        ["64:ff9b::a9fe:a9fe"],
        ["2002:a9fe:a9fe::"],
        ["100.100.100.200"],
        [PUBLIC, METADATA],
        [METADATA, PUBLIC],
        [],
    ],
)
async def test_a_name_that_leads_inside_is_not_connected_to(addresses: list[str]) -> None:
    network = Network([addresses])
    outcome = await network.client().discover(tenants(NAME))
    assert not isinstance(outcome, Discovered)
    assert network.connected == []


async def test_a_name_that_changes_between_look_and_connection_gains_nothing() -> None:
    network = Network([[PUBLIC], [METADATA]])
    await network.client().discover(tenants(NAME))
    # The connection went to the address that was checked; the next name is checked anew.
    assert network.connected == [PUBLIC]


REDIRECTS = [
    f"https://{METADATA}/latest/meta-data/iam",
    "http://127.0.0.1:8080/",
    "//10.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", REDIRECTS)
async def test_redirects_are_not_followed(status: int, target: str) -> None:
    network = Network([[PUBLIC]], answering(status, {}, Location=target))
    client = network.client()
    assert not isinstance(await client.discover(tenants(NAME)), Discovered)
    for outcome in await everything(client, tenants(NAME), MANAGEMENT):
        assert not isinstance(outcome, Registered)
    assert set(network.connected) == {PUBLIC}


async def everything(
    client: HttpRegistrationClient, connection: ProviderConnection, management: Management
) -> list[Outcome]:
    return [
        await client.register(
            connection,
            f"{NAME}/register",
            b"{}",
            initial_access_token=None,
            idempotency_key="key",
        ),
        await client.read(connection, management),
        await client.update(connection, management, b"{}", idempotency_key="key"),
        await client.delete(connection, management),
    ]


@pytest.mark.parametrize(
    "connection",
    [
        tenants(f"http://{METADATA}"),
        tenants("http://kubernetes.default.svc"),
        tenants(NAME, registration_endpoint="http://vault.vault.svc:8200/v1/sys"),
        tenants(NAME, registration_endpoint="http://127.0.0.1:2379/v2/keys"),
        tenants(NAME, allowed_origins=("http://10.0.0.1",)),
        tenants(NAME, backchannel_origin="http://vault.vault.svc:8200"),
    ],
    ids=[
        "metadata service",
        "the API server",
        "endpoint in the cluster",
        "endpoint on loopback",
        "origin inside",
        "backchannel",
    ],
)
async def test_nothing_is_sent_without_tls_or_by_a_backchannel(
    connection: ProviderConnection,
) -> None:
    network = Network([[PUBLIC]])
    client = network.client()
    inside = Management("http://10.0.0.1/register/c", MANAGEMENT.registration_access_token)
    await client.discover(connection)
    if connection.registration_endpoint is not None:
        await client.register(
            connection,
            connection.registration_endpoint,
            b"{}",
            initial_access_token=None,
            idempotency_key="key",
        )
    await client.read(connection, inside)
    assert set(network.connected) <= {PUBLIC}


@pytest.mark.parametrize(
    "endpoint",
    [
        f"https://{METADATA}/register",
        "https://vault.vault.svc:8200/register",
        "https://id.example.com:8443/register",
        "https://id.example.com@10.0.0.1/register",
        "https://id.example.com.evil.example.net/register",
        "http://id.example.com/register",
    ],
)
async def test_a_discovered_endpoint_elsewhere_gets_no_registration(endpoint: str) -> None:
    network = Network(
        [[PUBLIC]], answering(200, {"issuer": NAME, "registration_endpoint": endpoint})
    )
    world = World(registrations=network.client())
    spec: JsonObject = {"issuer": NAME}
    world.cluster.create(OAUTH_PROVIDERS, document(OAUTH_PROVIDERS, NAMESPACE, "own", spec=spec))
    world.add_client(providerRef={"kind": "OAuthProvider", "name": "own"})
    await world.run_pass()
    assert world.condition("ProviderReady") == ("False", "DiscoveryFailed")
    # What is the tenant's own text is not repeated.
    assert "169.254" not in str(world.status)
    assert len(network.connected) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", METADATA, "kubernetes.default.svc"])
def test_a_backchannel_of_a_tenants_provider_is_no_field(host: str) -> None:
    spec: JsonObject = {"issuer": NAME, "backchannelOrigin": f"http://{host}"}
    with pytest.raises(InvalidSpecError, match=r"spec\.backchannelOrigin is not a known field"):
        parse_provider(document(OAUTH_PROVIDERS, NAMESPACE, "own", spec=spec))


@pytest.mark.parametrize("hardened", [True, False])
def test_every_provider_of_a_tenant_is_dialled_so(*, hardened: bool) -> None:
    transport = transport_for(tenants(NAME, hardened=hardened), ssl.create_default_context())
    assert isinstance(transport, HardenedTransport) is hardened
