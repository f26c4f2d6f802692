import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from dcr_operator.outcomes import (
    CannotTell,
    CredentialsAccepted,
    CredentialsRejected,
    Deleted,
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
from tests.fakes.scripted_provider import (
    CLIENT,
    CONNECTION,
    ENDPOINT,
    ISSUER,
    MANAGEMENT,
    Answer,
    ScriptedProvider,
    answering,
    failing,
)


async def register(
    provider: ScriptedProvider, token: str | None = "initial-token", endpoint: str = ENDPOINT
) -> Outcome:
    return await provider.client().register(
        CONNECTION,
        endpoint,
        b'{"client_name":"x"}',
        initial_access_token=None if token is None else SecretStr(token),
        idempotency_key="key-1",
    )


async def test_a_registration_carries_token_key_and_json() -> None:
    provider = ScriptedProvider(answering(201, CLIENT))
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
    provider = ScriptedProvider(answering(201, CLIENT))
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
    assert isinstance(await register(ScriptedProvider(answer)), expected)


ARRIVED = [
    ("no connection", failing(httpx.ConnectError), False),
    ("no connection in time", failing(httpx.ConnectTimeout), False),
    ("503", answering(503, body=b""), True),
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
    outcome = await register(ScriptedProvider(answer))
    assert isinstance(outcome, Unreachable | Malformed)
    assert outcome.may_have_arrived is arrived


async def test_403_without_a_token_asks_for_one() -> None:
    """Keycloak: 403 insufficient_scope where an initial access token is missing."""
    forbidden = answering(403, {"error": "insufficient_scope"})
    assert isinstance(await register(ScriptedProvider(forbidden), None), InitialAccessTokenRejected)
    assert isinstance(await register(ScriptedProvider(forbidden), "token"), Refused)


async def test_retry_after_is_passed_on() -> None:
    assert await register(ScriptedProvider(answering(429, {}, Retry_After="7"))) == RateLimited(7.0)


async def test_redirects_are_not_followed() -> None:
    provider = ScriptedProvider(answering(307, body=b"", Location=f"{ISSUER}/other"))
    await register(provider)
    assert len(provider.requests) == 1


async def test_a_token_never_goes_to_an_origin_that_is_not_configured() -> None:
    provider = ScriptedProvider(answering(201, CLIENT))
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
    provider = ScriptedProvider(lambda _: httpx.Response(201, stream=Trickle()))
    outcome = await register(provider)
    assert outcome == Unreachable("no answer within 0.2 s", may_have_arrived=True, ours=True)


async def test_outcomes_hold_no_secret() -> None:
    outcome = await register(ScriptedProvider(answering(201, CLIENT)))
    assert "s3cret" not in repr(outcome)
    assert "rat'" not in repr(outcome)


async def test_management_requests_carry_the_registration_access_token() -> None:
    provider = ScriptedProvider(answering(200, CLIENT))
    client = provider.client()
    await client.read(CONNECTION, MANAGEMENT)
    await client.update(CONNECTION, MANAGEMENT, b"{}", idempotency_key="key-2")
    await client.delete(CONNECTION, MANAGEMENT)
    assert [request.method for request in provider.requests] == ["GET", "PUT", "DELETE"]
    for request in provider.requests:
        assert request.headers["Authorization"] == "Bearer registration-token"
        assert str(request.url) == MANAGEMENT.registration_client_uri
    assert provider.requests[1].headers["Idempotency-Key"] == "key-2"


async def test_a_rotation_is_asked_for_below_the_registration() -> None:
    provider = ScriptedProvider(answering(200, CLIENT))
    client = provider.client()
    outcome = await client.rotate(
        CONNECTION, MANAGEMENT, b'{"overlap":60}', idempotency_key="key-3"
    )
    (request,) = provider.requests
    assert isinstance(outcome, Registered)
    assert (request.method, str(request.url)) == (
        "POST",
        f"{MANAGEMENT.registration_client_uri}/secret",
    )
    assert request.headers["Authorization"] == "Bearer registration-token"
    assert request.headers["Idempotency-Key"] == "key-3"
    assert request.content == b'{"overlap":60}'
    assert provider.observed == [(CONNECTION.provider, "rotate", 200)]


@pytest.mark.parametrize(
    ("status", "document"), [(401, {"error": "invalid_token"}), (400, {"error": "access_denied"})]
)
async def test_a_rejected_registration_access_token_is_a_fact(
    status: int, document: dict[str, str]
) -> None:
    """401 of RFC 7592 §2; Authlib says 400 access_denied."""
    client = ScriptedProvider(answering(status, document)).client()
    for outcome in (
        await client.read(CONNECTION, MANAGEMENT),
        await client.update(CONNECTION, MANAGEMENT, b"{}", idempotency_key="k"),
        await client.rotate(CONNECTION, MANAGEMENT, b"{}", idempotency_key="k"),
        await client.delete(CONNECTION, MANAGEMENT),
    ):
        assert outcome == RegistrationAccessTokenRejected()


DELETION = [
    (204, Deleted()),
    (200, Deleted()),
    (202, Deleted()),
    (404, NotSupported(404)),
    (405, NotSupported(405)),
]


@pytest.mark.parametrize(("status", "expected"), DELETION)
async def test_answers_to_a_deletion(status: int, expected: Outcome) -> None:
    client = ScriptedProvider(answering(status, body=b"")).client()
    assert await client.delete(CONNECTION, MANAGEMENT) == expected


async def test_404_on_read_is_not_taken_for_gone() -> None:
    client = ScriptedProvider(answering(404, body=b"")).client()
    assert await client.read(CONNECTION, MANAGEMENT) == NotSupported(404)


async def probe(answer: Answer, method: str = "client_secret_basic") -> ProbeOutcome:
    return (
        await ScriptedProvider(answer)
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
    ("nested without end", answering(401, body=b"[" * 100_000), CannotTell),
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
