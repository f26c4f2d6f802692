"""What the conformance suite of the OpenID Foundation looks at in a registration server.

Its modules run against a server that is reached from outside; these are their expectations, one
by one, in the words of the rules.
"""

from collections.abc import Iterator

import httpx
import pytest
import structlog
from structlog.testing import capture_logs
from structlog.typing import EventDict

from dcr_protocol.json_document import JsonValue
from dcr_server import error_responses, registration
from tests.unit.server.registrant import MACHINE, Registered, Registrant, bearer

WEB: dict[str, JsonValue] = {
    "client_name": "suite",
    "redirect_uris": ["https://suite.example/callback", "https://suite.example/callback?dummy=1"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "scope": "openid email profile",
}


async def test_s080_s081_s086_a_registration_is_201_with_all_that_manages_it(
    registrant: Registrant,
) -> None:
    response = await registrant.post(WEB)
    assert response.status_code == 201
    document = response.json()
    assert document["client_id"]
    assert document["registration_access_token"]
    assert document["registration_client_uri"].startswith("https://")


async def test_s028_s029_the_order_of_grant_types_and_scope_carries_no_meaning(
    registrant: Registrant,
) -> None:
    client = await registrant.register(WEB)
    other: dict[str, JsonValue] = {
        **WEB,
        "grant_types": ["refresh_token", "authorization_code"],
        "scope": "profile email openid",
    }
    again = await registrant.register(other)
    assert (
        set(client["scope"].split()) == set(again["scope"].split()) == {*str(WEB["scope"]).split()}
    )
    assert (await registrant.put(client, other)).status_code == 200


async def test_s087_s110_read_and_update_show_token_and_the_same_uri(
    registrant: Registrant,
) -> None:
    client = await registrant.register(WEB)
    read = (await registrant.read(client.uri, client.token)).json()
    updated = (await registrant.put(client, WEB)).json()
    for document in (read, updated):
        assert document["registration_client_uri"] == client.uri
        assert document["registration_access_token"]
        assert document["client_id"] == client["client_id"]


async def test_s130_s131_s133_after_a_deletion_nothing_of_the_client_is_accepted(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    deleted = await registrant.delete(client.uri, client.token)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await registrant.read(client.uri, client.token)).status_code == 401
    assert (await registrant.put(client)).status_code == 401
    assert (await registrant.delete(client.uri, client.token)).status_code == 401
    token = await registrant.get_token(client.basic)
    assert (token.status_code, token.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("redirect_uris", "expected"),
    [
        (["https://suite.example/callback#fragment"], 400),
        (["https://suite.example/callback#"], 400),
        (["https://suite.example/callback", "https://suite.example/b#x"], 400),
        (["https://suite.example/callback?a=b"], 201),
    ],
)
async def test_s041_a_redirect_uri_has_no_fragment(
    registrant: Registrant, redirect_uris: list[JsonValue], expected: int
) -> None:
    response = await registrant.post({**WEB, "redirect_uris": redirect_uris})
    assert response.status_code == expected
    if expected == 400:
        assert response.json()["error"] == "invalid_redirect_uri"


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1", b"true"])
async def test_s007_a_body_that_is_no_object_is_refused_by_post_and_put(
    registrant: Registrant, body: bytes
) -> None:
    client = await registrant.register()
    headers = {**bearer(client.token), "Content-Type": "application/json"}
    for response in (
        await registrant.post(body),
        await registrant.http.put(client.uri, content=body, headers=headers),
    ):
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def errors(registrant: Registrant, client: Registered) -> list[httpx.Response]:
    """Every kind of refusal, by somebody who knows a client and its credentials."""
    http, json = registrant.http, {"Content-Type": "application/json"}
    return [
        await registrant.post(b"{"),
        await registrant.post({"redirect_uris": ["https://suite.example/#x"]}),
        await registrant.post({**MACHINE, "jwks": {"keys": [{"kty": "oct", "k": client.token}]}}),
        await registrant.post({**MACHINE, "scope": f'"{client.token}"'}),
        await registrant.post(token=client.token),
        await registrant.post(MACHINE, Content_Type="text/plain"),
        await http.post("/connect/register", json=dict(MACHINE)),
        await http.post(f"/connect/register?access_token={client.token}", json=dict(MACHINE)),
        await registrant.read(client.uri, registrant.initial_access_token),
        await registrant.read(f"{client.uri}0", client.token),
        await registrant.put(client, {**MACHINE, "client_secret": f"{client['client_secret']}x"}),
        await registrant.put(client, {**MACHINE, "registration_access_token": client.token}),
        await http.put(client.uri, content=b"{}", headers={**bearer(client.token), **json}),
        await http.patch(client.uri, headers=bearer(client.token)),
        await http.get(f"/nowhere/{client['client_id']}"),
        await registrant.get_token((client["client_id"], f"{client['client_secret']}x")),
        await registrant.get_token(client.basic, grant_type="password"),
        await registrant.get_token(client.basic, scope=client.token),
    ]


async def test_s009_s090_s092_an_error_is_flat_json_and_tells_nothing_of_client_or_inside(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    known = (client["client_id"], client["client_secret"], client.token)
    for response in await errors(registrant, client):
        assert 400 <= response.status_code < 500, response.text
        assert response.headers["content-type"] == "application/json"
        assert response.headers["cache-control"] == "no-store"
        assert set(response.json()) == {"error", "error_description"}
        assert all(isinstance(value, str) and value.isascii() for value in response.json().values())
        told = response.text + str(response.headers)
        for text in (*known, registrant.initial_access_token, "Traceback", "dcr_server", "Error("):
            assert text not in told, response.text


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EventDict]]:
    for module in (error_responses, registration):
        # One that was used before keeps the configuration of that time.
        monkeypatch.setattr(module, "log", structlog.get_logger())
    with capture_logs() as lines:
        yield lines


async def test_s144_credentials_are_in_no_log_line_wherever_a_request_holds_them(
    registrant: Registrant, log_lines: list[EventDict]
) -> None:
    client = await registrant.register()
    refused = await errors(registrant, client)
    assert len([line for line in log_lines if line["event"] == "refused"]) == len(refused) - 2
    for text in (client["client_secret"], client.token, registrant.initial_access_token):
        assert text not in str(log_lines)


async def test_s009_what_is_registered_stands_at_the_top_level_of_json(
    registrant: Registrant,
) -> None:
    created = await registrant.post(WEB)
    client = Registered(created.json())
    for response in (
        created,
        await registrant.read(client.uri, client.token),
        await registrant.put(client, WEB),
    ):
        assert response.headers["content-type"] == "application/json"
        assert WEB.items() <= response.json().items()


async def test_s192_registration_tokens_are_bearer_tokens_whatever_the_client_uses(
    registrant: Registrant,
) -> None:
    client = await registrant.register({**WEB, "dpop_bound_access_tokens": True})
    assert (await registrant.read(client.uri, client.token)).status_code == 200
    for scheme in ("DPoP", "Basic", "Token"):
        headers = {"Authorization": f"{scheme} {client.token}"}
        response = await registrant.http.get(client.uri, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"


async def test_s193_resource_is_no_client_metadata(registrant: Registrant) -> None:
    client = await registrant.register({**MACHINE, "resource": "https://api.example"})
    assert "resource" not in client.document
