"""Whatever is sent, the answer is an RFC's error as JSON, never a 500."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from tests.unit.server.registrant import MACHINE, Registrant, bearer

BODIES = [
    pytest.param(b"", 400, id="empty"),
    pytest.param(b"{", 400, id="cut off"),
    pytest.param(b"null", 400, id="S-007 null"),
    pytest.param(b"[]", 400, id="S-007 an array"),
    pytest.param(b'"x"', 400, id="S-007 a string"),
    pytest.param(b'{"scope":"a","scope":"b"}', 400, id="S-007 a member twice"),
    pytest.param(b'{"jwks":{"keys":[],"keys":[]}}', 400, id="S-007 an inner member twice"),
    pytest.param(b'{"a":' * 60 + b"1" + b"}" * 60, 400, id="deep nesting"),
    pytest.param(b"[" * 60_000, 400, id="nesting beyond the parser's stack"),
    pytest.param(b'{"default_max_age":NaN}', 400, id="NaN"),
    pytest.param(b'{"default_max_age":1e999}', 400, id="a number beyond floats"),
    pytest.param(b'{"default_max_age":' + b"9" * 5000 + b"}", 400, id="a number of 5000 digits"),
    pytest.param(b'{"client_name":"\\ud800"}', 400, id="half a surrogate pair"),
    pytest.param(b'{"client_name":"\\u0000"}', 400, id="a NUL character"),
    pytest.param(b'{"client_name":"\xff"}', 400, id="not UTF-8"),
    pytest.param(b"\xef\xbb\xbf{}", 400, id="a byte order mark"),
    pytest.param(json.dumps({"client_name": "x" * 70_000}).encode(), 400, id="over 64 KiB"),
    pytest.param(b'{"client_name":"' + b"x" * 1_000_000 + b'"}', 400, id="1 MB"),
    pytest.param(b'{"grant_types":[]}', 400, id="S-026 an empty array"),
    pytest.param(b'{"grant_types":"client_credentials"}', 400, id="S-027 no array"),
    pytest.param(b'{"grant_types":[1]}', 400, id="S-027 a number among strings"),
    pytest.param(b'{"redirect_uris":"https://a.example"}', 400, id="S-027 redirect_uris no array"),
]


@pytest.mark.parametrize(("body", "status"), BODIES)
async def test_bad_bodies_are_refused(registrant: Registrant, body: bytes, status: int) -> None:
    response = await registrant.post(body)
    assert response.status_code == status
    _assert_is_error(response)


@pytest.mark.parametrize(("body", "status"), BODIES)
async def test_bad_bodies_of_updates_are_refused(
    registrant: Registrant, body: bytes, status: int
) -> None:
    client = await registrant.register()
    response = await registrant.http.put(
        client.uri,
        content=body,
        headers={**bearer(client.token), "Content-Type": "application/json"},
    )
    assert response.status_code == status
    _assert_is_error(response)
    assert (await registrant.read(client.uri, client.token)).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
async def test_s001_another_content_type_is_415(registrant: Registrant, content_type: str) -> None:
    response = await registrant.post(MACHINE, Content_Type=content_type)
    assert response.status_code == 415
    _assert_is_error(response)


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/connect", "/connect/register/", "/connect/register/a/b", "/token/"]
)
async def test_unknown_paths_are_404(registrant: Registrant, path: str) -> None:
    response = await registrant.http.get(path)
    assert response.status_code == 404
    _assert_is_error(response)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/connect/register", {"POST"}),
        ("GET", "/token", {"POST"}),
        ("POST", "/jwks", {"GET", "HEAD"}),
        ("DELETE", "/healthz", {"GET", "HEAD"}),
        ("BREW", "/connect/register/x", {"GET", "HEAD", "PUT", "DELETE"}),
    ],
)
async def test_s010_unknown_methods_are_405(
    registrant: Registrant, method: str, path: str, allow: set[str]
) -> None:
    response = await registrant.http.request(method, path)
    assert response.status_code == 405
    assert {allowed.strip() for allowed in response.headers["allow"].split(",")} == allow
    _assert_is_error(response)


@pytest.mark.parametrize(
    "client_id", ["%00", "%ff", "..%2f", "%F0%9F%A6%80", "a" * 5000, "'; DROP TABLE clients;--"]
)
async def test_s104_odd_client_ids_are_401(registrant: Registrant, client_id: str) -> None:
    response = await registrant.read(f"/connect/register/{client_id}", "dcr_rat_x")
    assert response.status_code == 401
    _assert_is_error(response)


@pytest.mark.parametrize(
    "authorization", [b"Bearer", b"Bearer ", b"Bearer \xff", b"Basic x", b"Bearer a b", b"\x80"]
)
async def test_odd_authorization_headers_are_refused(
    registrant: Registrant, authorization: bytes
) -> None:
    form = b"application/x-www-form-urlencoded"
    for path, content_type in (("/connect/register", b"application/json"), ("/token", form)):
        headers = [(b"Authorization", authorization), (b"Content-Type", content_type)]
        response = await registrant.http.post(path, headers=headers, content=b"")
        assert response.status_code in {400, 401}
        assert response.json()["error"] in {"invalid_request", "invalid_token", "invalid_client"}
        _assert_is_error(response)


async def test_a_body_without_announced_length_is_not_read_beyond_the_limit(
    registrant: Registrant,
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 16_384

    status = await _stream(registrant, endless())
    assert status == 400
    assert sent < 8


@pytest.mark.parametrize("announced", [b"1000000", b"0065537", b"9" * 5000])
async def test_an_announced_length_beyond_the_limit_is_refused_unread(
    registrant: Registrant, announced: bytes
) -> None:
    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError
        yield b""

    assert await _stream(registrant, unread(), (b"content-length", announced)) == 400


async def test_a_query_that_is_not_ascii_changes_nothing(registrant: Registrant) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"{"

    assert await _stream(registrant, body(), query=b"\xff", more_body=False) == 400


async def test_a_client_that_hangs_up_within_its_body_is_no_error(registrant: Registrant) -> None:
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def receive() -> dict[str, Any]:
        return next(messages, {"type": "http.disconnect"})

    async def send(_message: Any) -> None:  # noqa: ANN401 - as below
        raise AssertionError

    with capture_logs() as entries:
        await registrant.app(_scope(registrant), receive, send)
    assert [entry for entry in entries if entry["log_level"] != "debug"] == []


async def test_an_error_of_our_own_is_a_plain_500_and_a_log_entry(
    registrant: Registrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("dcr_sec_do_not_show")

    monkeypatch.setattr("dcr_server.registration.new_client_id", fails)
    with capture_logs() as entries:
        response = await registrant.post()
    assert response.status_code == 500
    assert "do_not_show" not in response.text
    _assert_is_error(response)
    (entry,) = (entry for entry in entries if entry["log_level"] != "debug")
    assert entry["event"] == "internal_error"
    assert entry["request_id"] == response.headers["x-request-id"]


@pytest.fixture(autouse=True)
def _nothing_reaches_the_last_resort(request: pytest.FixtureRequest) -> Iterator[None]:
    with capture_logs() as entries:
        yield
    if "error_of_our_own" not in request.node.name:
        assert not [entry for entry in entries if entry["event"] == "internal_error"]


def _assert_is_error(response: httpx.Response) -> None:
    # S-009, S-090, S-092
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"  # S-008
    document = response.json()
    assert set(document) == {"error", "error_description"}
    assert all(text.isascii() for text in document.values())


async def _stream(
    registrant: Registrant,
    chunks: AsyncIterator[bytes],
    *headers: tuple[bytes, bytes],
    query: bytes = b"",
    more_body: bool = True,
) -> int:
    """Talk ASGI directly: httpx would read its whole body first."""
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": await anext(chunks), "more_body": more_body}

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's own type is that of a dict
        if message["type"] == "http.response.start":
            started.set_result(message["status"])

    await registrant.app(_scope(registrant, *headers, query=query), receive, send)
    return await started


def _scope(
    registrant: Registrant, *headers: tuple[bytes, bytes], query: bytes = b""
) -> dict[str, Any]:
    token = registrant.initial_access_token.encode()
    return {
        "type": "http",
        "method": "POST",
        "path": "/connect/register",
        "query_string": query,
        "headers": [
            (b"authorization", b"Bearer " + token),
            (b"content-type", b"application/json"),
            *headers,
        ],
    }
