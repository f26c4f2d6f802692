"""A provider answers to do harm: what it says stays text, and tokens stay with the provider."""

import json
import re
from collections.abc import Callable

import httpx
import pytest

from dcr_operator.kube import OAUTH_PROVIDERS, SECRETS, JsonObject
from tests.fakes.operator_world import NAMESPACE, SYSTEM, World, document, encoded
from tests.fakes.scripted_provider import ENDPOINT, ISSUER, Answer, ScriptedProvider, answering

CLIENT: JsonObject = {
    "client_id": "c1",
    "client_secret": "s3cret",
    "client_secret_expires_at": 0,
    "registration_access_token": "rat",
    "registration_client_uri": f"{ENDPOINT}/c1",
    "client_name": "Dashboard",
    "redirect_uris": ["https://dashboard.example.com/callback"],
    "scope": "openid",
}
DISCOVERY = {
    "issuer": ISSUER,
    "registration_endpoint": ENDPOINT,
    "token_endpoint": f"{ISSUER}/token",
}
FORGED = '{"event": "client_deleted", "forged": true}'
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b\u202e]")


def provider(register: Answer, manage: Answer | None = None) -> ScriptedProvider:
    def answer(request: httpx.Request) -> httpx.Response:
        if "/.well-known/" in request.url.path:
            return answering(200, DISCOVERY)(request)
        if request.method == "POST":
            return register(request)
        return (manage or answering(204, body=b""))(request)

    return ScriptedProvider(answer)


def world_of(scripted: ScriptedProvider, *, tenants: bool = False) -> World:
    world = World(registrations=scripted.client())
    if tenants:
        spec: JsonObject = {"issuer": ISSUER}
        own = document(OAUTH_PROVIDERS, NAMESPACE, "own", spec=spec)
        world.cluster.create(OAUTH_PROVIDERS, own)
        world.add_client(providerRef={"kind": "OAuthProvider", "name": "own"})
    else:
        world.add_provider()
        world.add_client()
    return world


def said(world: World) -> str:
    """Everything that people read: conditions and Events."""
    conditions = world.status.get("conditions", [])
    assert isinstance(conditions, list)
    messages = [str(each["message"]) for each in conditions if isinstance(each, dict)]
    return "\n".join([*messages, *(message for _, _, message in world.events.seen)])


EVIL_TEXT = {
    "lines": f"x\r\n{FORGED}\n",
    "NUL": "x\0y",
    "terminal": "\x1b[2J\x1b]0;owned\x07",
    "C1": "\x9b2J\x85",
    "separators": f"x\u2028{FORGED}\u2029",
    "invisible": "a\u200bb\u202egnol",
    "endless": "x" * 60_000,
    "markup": "<script>alert(1)</script>",
    "format": "%s%n {0.__class__} ${jndi:ldap://127.0.0.1/x}",
}


@pytest.mark.parametrize("kind", EVIL_TEXT)
@pytest.mark.parametrize("member", ["error", "error_description"])
async def test_an_error_is_one_short_line(member: str, kind: str) -> None:
    error = {"error": "invalid_client_metadata", member: EVIL_TEXT[kind]}
    world = world_of(provider(answering(400, error)))
    await world.run_pass()
    assert world.condition()[0] == "False"
    for line in said(world).split("\n"):
        assert CONTROL.search(line) is None
        assert len(line) < 1024


@pytest.mark.parametrize("kind", EVIL_TEXT)
async def test_nothing_of_it_is_shown_where_the_provider_is_a_tenants(kind: str) -> None:
    error = {"error": EVIL_TEXT[kind], "error_description": EVIL_TEXT[kind]}
    world = world_of(provider(answering(400, error)), tenants=True)
    await world.run_pass()
    assert EVIL_TEXT[kind][:20] not in said(world)
    assert FORGED not in said(world)


@pytest.mark.parametrize("kind", EVIL_TEXT)
@pytest.mark.parametrize("member", ["client_id", "client_secret", "scope"])
async def test_what_goes_into_secrets_holds_no_control_characters(member: str, kind: str) -> None:
    answer = {**CLIENT, member: EVIL_TEXT[kind]}
    world = world_of(provider(answering(201, answer), answering(200, answer)))
    await world.run_pass()
    for value in (world.secret() or {}).values():
        assert re.search(r"[\x00-\x1f\x7f-\x9f]", value) is None
    assert CONTROL.search(said(world).replace("\n", "")) is None


PATHS = ["../../../api/v1/secrets", "c1/../c2", "c1?x=1", "c1#", "..", "/", "c1;a=b", "%2e%2e"]


@pytest.mark.parametrize("client_id", PATHS)
async def test_a_client_id_is_never_a_path(client_id: str) -> None:
    answer = {**CLIENT, "client_id": client_id}
    scripted = provider(answering(201, answer), answering(200, answer))
    world = world_of(scripted)
    await world.settle()
    world.delete_client()
    await world.run_pass()
    manage = [str(each.url) for each in scripted.requests if each.method in ("PUT", "DELETE")]
    assert manage
    assert set(manage) == {f"{ENDPOINT}/c1"}


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example.net/register/c1",
        "https://id.example.com.evil.example.net/c1",
        "https://id.example.com@evil.example.net/c1",
        "https://id.example.com:8443/c1",
        "http://id.example.com/c1",
        "http://169.254.169.254/latest/meta-data",
        "//evil.example.net/c1",
        "/register/c1",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://evil.example.net\\@id.example.com/c1",
        "https://id.example.com\r\nX-Evil: 1/c1",
    ],
)
async def test_the_registration_access_token_goes_to_the_provider_alone(uri: str) -> None:
    answer = {**CLIENT, "registration_client_uri": uri}
    scripted = provider(answering(201, answer), answering(200, answer))
    world = world_of(scripted)
    await world.run_pass()
    before = said(world)
    world.delete_client()
    await world.run_pass()
    told = [each for each in scripted.requests if "rat" in each.headers.get("Authorization", "")]
    assert {each.url.host for each in told} <= {"id.example.com"}
    assert all(each.url.scheme == "https" and each.url.port is None for each in told)
    assert re.search(r"\brat\b", before + said(world)) is None


@pytest.mark.parametrize(
    "token",
    ["zzq\r\nX-Evil: 1", "zzq\nb", "zzq b", "zzq\0", "zzqé", "zzq" * 30_000],
    ids=["header", "line", "space", "NUL", "beyond ASCII", "endless"],
)
async def test_a_registration_access_token_cannot_split_headers(token: str) -> None:
    answer = {**CLIENT, "registration_access_token": token}
    scripted = provider(answering(201, answer), answering(200, answer))
    world = world_of(scripted)
    await world.run_pass()
    before = said(world)
    world.delete_client()
    await world.run_pass()
    assert all("x-evil" not in each.headers for each in scripted.requests)
    assert len(scripted.requests) < 10
    assert "zzq" not in before + said(world)


NOT_AN_ANSWER: dict[str, Callable[[], Answer]] = {
    "too large": lambda: answering(201, body=b" " * 300_000),
    "nested without end": lambda: answering(201, body=b"[" * 100_000 + b"]" * 100_000),
    "a list": lambda: answering(201, [CLIENT]),
    "no client_id": lambda: answering(201, {"client_secret": "s"}),
    "a number for client_id": lambda: answering(201, {**CLIENT, "client_id": 7}),
    "HTML": lambda: answering(201, body=b"<html>", Content_Type="text/html"),
    "repeated members": lambda: answering(201, body=b'{"client_id":"a","client_id":"b"}'),
    "no text": lambda: answering(201, body=b"\xff\xfe\x00"),
    "NaN": lambda: answering(201, body=json.dumps({**CLIENT, "x": float("nan")}).encode()),
    "a huge number": lambda: answering(201, body=b'{"client_id":"a","x":' + b"9" * 5000 + b"}"),
}


@pytest.mark.parametrize("kind", NOT_AN_ANSWER)
async def test_what_is_no_answer_ends_in_a_reason_and_not_in_an_exception(kind: str) -> None:
    world = world_of(provider(NOT_AN_ANSWER[kind]()))
    await world.run_pass()
    status, reason = world.condition()
    assert reason != "InternalError"
    assert (status == "True") == (world.secret() is not None)


async def test_a_certificate_bundle_that_is_none_is_not_published() -> None:
    world = World(registrations=provider(answering(201, CLIENT)).client())
    world.add_provider(tls={"caRef": {"namespace": SYSTEM, "name": "ca", "key": "ca.crt"}})
    bundle = encoded({"ca.crt": "password: hunter2"})
    world.cluster.create(SECRETS, document(SECRETS, SYSTEM, "ca", data=bundle))
    world.add_client()
    await world.run_pass()
    assert world.condition() == ("False", "DiscoveryFailed")
    assert world.secret() is None
    assert "hunter2" not in said(world)
