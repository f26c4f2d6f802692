"""Requests of any kind at the real application: an answer of the RFCs, and it goes on working."""

from datetime import timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from dcr_protocol.json_document import JsonValue
from tests.attacks.answers import check_answer
from tests.attacks.requests_of_any_kind import AnyRequest, any_requests, json_objects, json_values
from tests.unit.server.registrant import MACHINE, Registered, Registrant, bearer

# The application lives as long as the test: what one example leaves behind the next one meets.
_settings = settings(
    max_examples=200,
    deadline=timedelta(seconds=10),
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@seed(7592)
@_settings
@given(sent=any_requests)
async def test_whatever_is_sent_the_answer_is_one_of_ours(
    registrant: Registrant, sent: AnyRequest
) -> None:
    client = await registrant.register()
    response = await _send(registrant, client, sent)
    check_answer(response)
    assert (await registrant.register())["client_id"]


@_settings
@given(body=json_objects)
async def test_any_json_is_registered_whole_or_refused(
    registrant: Registrant, body: dict[str, JsonValue]
) -> None:
    response = await registrant.post(body)
    check_answer(response)
    if response.status_code == 201:
        await _is_whole(registrant, Registered(response.json()))


@_settings
@given(body=json_objects)
async def test_any_json_is_an_update_or_changes_nothing(
    registrant: Registrant, body: dict[str, JsonValue]
) -> None:
    client = await registrant.register()
    response = await registrant.http.put(
        client.uri, json={**body, "client_id": client["client_id"]}, headers=bearer(client.token)
    )
    check_answer(response)
    if response.status_code == 200:
        await _is_whole(registrant, Registered(client.document | response.json()))
    else:
        expected = {k: v for k, v in client.document.items() if k != "client_secret"}
        assert (await registrant.read(client.uri, client.token)).json() == expected


WEB: dict[str, JsonValue] = {"redirect_uris": ["https://a.example/cb"]}
KEY: dict[str, JsonValue] = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}
VALID: list[dict[str, JsonValue]] = [
    {**MACHINE},
    {**WEB, "scope": "openid"},
    {
        "redirect_uris": ["com.example.app:/cb"],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
    },
    {
        **WEB,
        "response_types": ["token id_token"],
        "grant_types": ["implicit"],
        "client_name": "a",
        "client_name#de": "b",
    },
    {**MACHINE, "jwks": {"keys": [{**KEY}]}},
    {**MACHINE, "default_max_age": 60, "contacts": ["a@a.example"], "software_id": "s"},
]


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, JsonValue]:
    """Change one place, at any depth, of a registration that is good."""
    body: JsonValue = draw(st.sampled_from(VALID))
    return {**_mutated(draw, body)} if isinstance(body, dict) else {}


def _mutated(draw: st.DrawFn, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    name = draw(st.sampled_from([*value]))
    inner = value[name]
    kind = draw(st.sampled_from(["replace", "drop", "deeper", "rename", "wrap"]))
    rest = {key: one for key, one in value.items() if key != name}
    if kind == "drop":
        return rest
    if kind == "rename":
        return {**rest, draw(st.text(max_size=10)): inner}
    if kind == "wrap":
        return {**rest, name: [inner]}
    if kind == "deeper" and isinstance(inner, dict) and inner:
        return {**rest, name: _mutated(draw, inner)}
    if kind == "deeper" and isinstance(inner, list):
        return {**rest, name: [*inner, draw(json_values)]}
    return {**rest, name: draw(json_values)}


@_settings
@given(body=mutations())
async def test_a_good_registration_with_one_change_is_whole_or_refused(
    registrant: Registrant, body: dict[str, JsonValue]
) -> None:
    response = await registrant.post(body)
    check_answer(response)
    if response.status_code == 201:
        await _is_whole(registrant, Registered(response.json()))


@pytest.mark.parametrize("body", VALID, ids=str)
async def test_what_is_mutated_is_good(registrant: Registrant, body: dict[str, JsonValue]) -> None:
    response = await registrant.post(body)
    assert response.status_code == 201, response.text


async def _send(registrant: Registrant, client: Registered, sent: AnyRequest) -> httpx.Response:
    client_id, secret = client.basic
    basic = httpx.BasicAuth(client_id, secret)._auth_header.encode()
    good = {
        b"{initial}": b"Bearer " + registrant.initial_access_token.encode(),
        b"{registration}": b"Bearer " + client.token.encode(),
        b"{basic}": basic,
    }
    return await registrant.http.request(
        sent.method,
        sent.path.replace("{client}", client_id),
        headers=[(name.encode(), good.get(value, value)) for name, value in sent.headers],
        content=sent.body.replace(b"%7Bclient%7D", client_id.encode()),
    )


async def _is_whole(registrant: Registrant, client: Registered) -> None:
    """What was answered is what is stored, and it can be read, repeated and removed."""
    read = await registrant.read(client.uri, client.token)
    assert read.status_code == 200
    expected = {name: value for name, value in client.document.items() if name != "client_secret"}
    assert read.json() == expected
    assert None not in expected.values()
    again = await registrant.http.put(
        client.uri, json=_updatable(expected), headers=bearer(client.token)
    )
    assert again.status_code == 200, again.text
    token = again.json()["registration_access_token"]
    assert {**again.json(), "registration_access_token": client.token} == expected
    assert (await registrant.delete(client.uri, token)).status_code == 204


def _updatable(document: dict[str, JsonValue]) -> dict[str, JsonValue]:
    forbidden = ("registration_access_token", "registration_client_uri")
    assigned = ("client_id_issued_at", "client_secret_expires_at")
    return {k: v for k, v in document.items() if k not in forbidden + assigned}
