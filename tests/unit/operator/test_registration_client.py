import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import pytest
from pydantic import SecretStr

from dcr_operator.outcomes import (
    CannotTell,
    CredentialsAccepted,
    CredentialsRejected,
    Deleted,
    Discovered,
    DiscoveryRefused,
    InitialAccessTokenRejected,
    Malformed,
    NotSupported,
    Outcome,
    ProbeOutcome,
    RateLimited,
    Refused,
    Registered,
    RegistrationAccessTokenRejected,
    Unreachable,
)
from dcr_operator.ports import Management, ProviderConnection
from dcr_operator.registration_client import HttpRegistrationClient
from tests.fakes.virtual_time import VirtualTime

ISSUER = "https://id.example.com"
ENDPOINT = f"{ISSUER}/register"
MANAGEMENT = Management(f"{ENDPOINT}/c1", SecretStr("registration-token"))
CONNECTION = ProviderConnection("ClusterOAuthProvider/main", ISSUER, timeout=0.2)

Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class Provider:
    """A provider that answers as the test says and remembers what it was sent."""

    answer: Answer
    requests: list[httpx.Request] = field(default_factory=list)
    time: VirtualTime = field(default_factory=VirtualTime)
    observed: list[tuple[str, str, int]] = field(default_factory=list)

    def client(self) -> HttpRegistrationClient:
        return HttpRegistrationClient(
            observe=lambda provider, operation, code, _: self.observed.append(
                (provider, operation, code)
            ),
            make_transport=self._transport,
            clock=self.time.time,
            jitter=lambda: 0.0,
        )

    def _transport(
        self, _connection: ProviderConnection, _tls: ssl.SSLContext
    ) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)


class Body(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content


def answering(
    status: int, document: object = None, *, body: bytes | None = None, **headers: str
) -> Answer:
    content = body if body is not None else json.dumps(document).encode()
    sent = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return lambda _: httpx.Response(status, stream=Body(content), headers=sent)


def failing(error: type[Exception]) -> Answer:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise error("boom")

    return fail


async def register(
    provider: Provider, token: str | None = "initial-token", endpoint: str = ENDPOINT
) -> Outcome:
    return await provider.client().register(
        CONNECTION,
        endpoint,
        b'{"client_name":"x"}',
        initial_access_token=None if token is None else SecretStr(token),
        idempotency_key="key-1",
    )


CLIENT = {
    "client_id": "c1",
    "client_secret": "s3cret",
    "client_secret_expires_at": 0,
    "registration_access_token": "rat",
    "registration_client_uri": f"{ENDPOINT}/c1",
    "client_name": "x",
}


async def test_a_registration_carries_token_key_and_json() -> None:
    provider = Provider(answering(201, CLIENT))
    outcome = await register(provider)
    (request,) = provider.requests
    assert isinstance(outcome, Registered)
    assert outcome.information.client_id == "c1"
    assert (request.method, str(request.url)) == ("POST", ENDPOINT)
    assert request.headers["Authorization"] == "Bearer initial-token"
    assert request.headers["Idempotency-Key"] == "key-1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Accept"] == "application/json"
    assert request.content == b'{"client_name":"x"}'


async def test_without_an_initial_access_token_none_is_sent() -> None:
    provider = Provider(answering(201, CLIENT))
    await register(provider, token=None)
    assert "Authorization" not in provider.requests[0].headers


REGISTRATION = [
    ("200 is tolerated", answering(200, CLIENT), Registered),
    ("401", answering(401, {"error": "invalid_token"}), InitialAccessTokenRejected),
    ("a refusal", answering(400, {"error": "invalid_redirect_uri"}), Refused),
    ("a refusal in HTML", answering(400, body=b"<html>no</html>"), Refused),
    ("404", answering(404, body=b"not here"), NotSupported),
    ("405", answering(405, body=b""), NotSupported),
    ("429", answering(429, {}, Retry_After="7"), RateLimited),
    ("a redirect", answering(307, body=b"", Location="https://evil.example.com"), Malformed),
    ("a success that is not JSON", answering(201, body=b"welcome"), Malformed),
    ("a success without client_id", answering(201, {"client_secret": "s"}), Malformed),
    ("a success that is an array", answering(201, ["c1"]), Malformed),
    ("a huge success", answering(201, body=b"[" * 300_000), Malformed),
    ("a huge refusal", answering(400, body=b"x" * 300_000), Malformed),
    ("500", answering(500, body=b"oops"), Unreachable),
    ("503", answering(503, body=b""), Unreachable),
    ("no connection", failing(httpx.ConnectError), Unreachable),
    ("the connection breaks", failing(httpx.ReadError), Unreachable),
]


@pytest.mark.parametrize(
    ("answer", "expected"), [row[1:] for row in REGISTRATION], ids=[row[0] for row in REGISTRATION]
)
async def test_every_answer_to_a_registration_is_an_outcome(
    answer: Answer, expected: type[Outcome]
) -> None:
    assert isinstance(await register(Provider(answer)), expected)


ARRIVED = [
    ("no connection", failing(httpx.ConnectError), False),
    ("no connection in time", failing(httpx.ConnectTimeout), False),
    ("503", answering(503, body=b""), False),
    ("no answer in time", failing(httpx.ReadTimeout), True),
    ("the connection breaks", failing(httpx.ReadError), True),
    ("the connection breaks while sending", failing(httpx.WriteError), True),
    ("the server hangs up", failing(httpx.RemoteProtocolError), True),
    ("500", answering(500, body=b""), True),
    ("502", answering(502, body=b""), True),
    ("an unreadable success", answering(201, body=b"welcome"), True),
    ("an unreadable refusal", answering(302, body=b""), False),
]


@pytest.mark.parametrize(
    ("answer", "arrived"), [row[1:] for row in ARRIVED], ids=[row[0] for row in ARRIVED]
)
async def test_whether_a_request_may_have_been_acted_on(answer: Answer, *, arrived: bool) -> None:
    outcome = await register(Provider(answer))
    assert isinstance(outcome, Unreachable | Malformed)
    assert outcome.may_have_arrived is arrived


async def test_403_without_a_token_asks_for_one() -> None:
    """Keycloak: 403 insufficient_scope where an initial access token is missing."""
    forbidden = answering(403, {"error": "insufficient_scope"})
    assert isinstance(await register(Provider(forbidden), None), InitialAccessTokenRejected)
    assert isinstance(await register(Provider(forbidden), "token"), Refused)


async def test_retry_after_is_passed_on() -> None:
    assert await register(Provider(answering(429, {}, Retry_After="7"))) == RateLimited(7.0)


async def test_redirects_are_not_followed() -> None:
    provider = Provider(answering(307, body=b"", Location=f"{ISSUER}/other"))
    await register(provider)
    assert len(provider.requests) == 1


async def test_a_token_never_goes_to_an_origin_that_is_not_configured() -> None:
    provider = Provider(answering(201, CLIENT))
    outcome = await register(provider, endpoint="https://evil.example.com/register")
    assert isinstance(outcome, Malformed)
    assert not outcome.may_have_arrived
    assert provider.requests == []


class Trickle(httpx.AsyncByteStream):
    """An answer of which every read is quick, but which never ends."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b" "


async def test_an_answer_that_trickles_is_cut_off() -> None:
    provider = Provider(lambda _: httpx.Response(201, stream=Trickle()))
    outcome = await register(provider)
    assert outcome == Unreachable("no answer within 0.2 s", may_have_arrived=True)


async def test_outcomes_hold_no_secret() -> None:
    outcome = await register(Provider(answering(201, CLIENT)))
    assert "s3cret" not in repr(outcome)
    assert "rat'" not in repr(outcome)


async def test_management_requests_carry_the_registration_access_token() -> None:
    provider = Provider(answering(200, CLIENT))
    client = provider.client()
    await client.read(CONNECTION, MANAGEMENT)
    await client.update(CONNECTION, MANAGEMENT, b"{}", idempotency_key="key-2")
    await client.delete(CONNECTION, MANAGEMENT)
    assert [request.method for request in provider.requests] == ["GET", "PUT", "DELETE"]
    for request in provider.requests:
        assert request.headers["Authorization"] == "Bearer registration-token"
        assert str(request.url) == MANAGEMENT.registration_client_uri
    assert provider.requests[1].headers["Idempotency-Key"] == "key-2"


@pytest.mark.parametrize(
    ("status", "document"), [(401, {"error": "invalid_token"}), (400, {"error": "access_denied"})]
)
async def test_a_rejected_registration_access_token_is_a_fact(
    status: int, document: dict[str, str]
) -> None:
    """401 of RFC 7592 §2; Authlib says 400 access_denied."""
    client = Provider(answering(status, document)).client()
    for outcome in (
        await client.read(CONNECTION, MANAGEMENT),
        await client.update(CONNECTION, MANAGEMENT, b"{}", idempotency_key="k"),
        await client.delete(CONNECTION, MANAGEMENT),
    ):
        assert outcome == RegistrationAccessTokenRejected()


DELETION = [
    (204, Deleted()),
    (200, Deleted()),
    (202, Deleted()),
    (404, Deleted()),
    (405, NotSupported(405)),
]


@pytest.mark.parametrize(("status", "expected"), DELETION)
async def test_answers_to_a_deletion(status: int, expected: Outcome) -> None:
    client = Provider(answering(status, body=b"")).client()
    assert await client.delete(CONNECTION, MANAGEMENT) == expected


async def test_404_on_read_is_not_taken_for_gone() -> None:
    client = Provider(answering(404, body=b"")).client()
    assert await client.read(CONNECTION, MANAGEMENT) == NotSupported(404)


async def probe(answer: Answer, method: str = "client_secret_basic") -> ProbeOutcome:
    return (
        await Provider(answer)
        .client()
        .probe(
            CONNECTION,
            f"{ISSUER}/token",
            client_id="c1",
            client_secret=SecretStr("s3cret"),
            auth_method=method,
        )
    )


PROBES = [
    ("a token", answering(200, {"access_token": "t"}), CredentialsAccepted),
    ("401 invalid_client", answering(401, {"error": "invalid_client"}), CredentialsRejected),
    ("400 invalid_client", answering(400, {"error": "invalid_client"}), CredentialsRejected),
    ("grant not allowed", answering(400, {"error": "unauthorized_client"}), CredentialsAccepted),
    ("scope not allowed", answering(400, {"error": "invalid_scope"}), CredentialsAccepted),
    ("Keycloak, wrong secret", answering(401, {"error": "unauthorized_client"}), CannotTell),
    ("invalid_request", answering(400, {"error": "invalid_request"}), CannotTell),
    ("HTML", answering(401, body=b"<html>"), CannotTell),
    ("500", answering(500, body=b""), CannotTell),
    ("no connection", failing(httpx.ConnectError), CannotTell),
]


@pytest.mark.parametrize(
    ("answer", "expected"), [row[1:] for row in PROBES], ids=[row[0] for row in PROBES]
)
async def test_what_the_token_endpoint_says_of_credentials(
    answer: Answer, expected: type[ProbeOutcome]
) -> None:
    assert isinstance(await probe(answer), expected)


async def test_keys_cannot_be_tried() -> None:
    outcome = await probe(answering(200, {}), "private_key_jwt")
    assert isinstance(outcome, CannotTell)


METADATA = {"issuer": ISSUER, "registration_endpoint": ENDPOINT}


def document_at(path: str, document: object) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        found = request.url.path == path
        return answering(200 if found else 404, document if found else None)(request)

    return answer


@pytest.mark.parametrize(
    "path", ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
)
async def test_either_form_of_discovery_will_do(path: str) -> None:
    outcome = await Provider(document_at(path, METADATA)).client().discover(CONNECTION)
    assert isinstance(outcome, Discovered)
    assert outcome.metadata.registration_endpoint == ENDPOINT


async def test_discovery_is_remembered_for_ten_minutes() -> None:
    provider = Provider(answering(200, METADATA))
    client = provider.client()
    for seconds in (0, 599, 1):
        provider.time.advance(seconds)
        await client.discover(CONNECTION)
    assert len(provider.requests) == 2


async def test_many_clients_of_a_dead_provider_ask_once() -> None:
    provider = Provider(failing(httpx.ConnectError))
    client = provider.client()
    outcomes = await asyncio.gather(*(client.discover(CONNECTION) for _ in range(50)))
    assert all(isinstance(outcome, Unreachable) for outcome in outcomes)
    assert len(provider.requests) == 1


async def test_discovery_heals_as_soon_as_the_provider_does() -> None:
    provider = Provider(failing(httpx.ConnectError))
    client = provider.client()
    await client.discover(CONNECTION)
    provider.answer = answering(200, METADATA)
    provider.time.advance(1)
    assert isinstance(await client.discover(CONNECTION), Discovered)


async def test_a_changed_provider_is_discovered_anew() -> None:
    provider = Provider(answering(200, METADATA))
    client = provider.client()
    await client.discover(CONNECTION)
    other = ProviderConnection(CONNECTION.provider, ISSUER, timeout=0.3)
    await client.discover(other)
    assert len(provider.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        answering(200, {**METADATA, "issuer": "https://evil.example.com"}),
        answering(200, body=b"<html>"),
        answering(404, body=b""),
        answering(200, body=b"x" * 300_000),
    ],
    ids=["another issuer", "HTML", "none", "huge"],
)
async def test_what_is_no_discovery_document_is_refused(answer: Answer) -> None:
    assert isinstance(await Provider(answer).client().discover(CONNECTION), DiscoveryRefused)


async def test_a_broken_ca_bundle_is_told() -> None:
    broken = ProviderConnection("p", ISSUER, ca_bundle="no certificate")
    outcome = await Provider(answering(200, METADATA)).client().discover(broken)
    assert outcome == DiscoveryRefused("the CA certificates in tls are not PEM")


async def test_a_dead_provider_is_not_asked_over_and_over() -> None:
    provider = Provider(failing(httpx.ConnectError))
    client = provider.client()
    outcomes = [await client.read(CONNECTION, MANAGEMENT) for _ in range(20)]
    assert len(provider.requests) == 5
    last = outcomes[-1]
    assert isinstance(last, Unreachable)
    assert not last.may_have_arrived
    assert "not asked again for" in last.detail


async def test_requests_are_counted_by_provider_operation_and_code() -> None:
    provider = Provider(answering(201, CLIENT))
    await register(provider)
    assert provider.observed == [("ClusterOAuthProvider/main", "register", 201)]


async def test_no_more_requests_at_once_than_the_provider_allows() -> None:
    busy = most = 0

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0.005)
            busy -= 1
            return answering(200, CLIENT)(request)

    client = HttpRegistrationClient(make_transport=lambda _c, _t: Slow())
    narrow = ProviderConnection("p", ISSUER, max_concurrent=3)
    await asyncio.gather(*(client.read(narrow, MANAGEMENT) for _ in range(12)))
    assert most == 3


async def test_closing_closes_the_connections() -> None:
    client = Provider(answering(201, CLIENT)).client()
    await client.read(CONNECTION, MANAGEMENT)
    await client.close()
