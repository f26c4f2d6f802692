"""What comes twice is refused, never the first here and the last there."""

import base64
import json

import pytest

from tests.attacks.answers import refusal
from tests.attacks.listening import Listening, request
from tests.unit.server.registrant import MACHINE, Registrant, bearer

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
VALID = json.dumps(MACHINE)


def _twice(first: str, second: str, value: str = '"a"') -> bytes:
    return f'{{"grant_types":["client_credentials"],{first}:{value},{second}:"b"}}'.encode()


REPEATED_MEMBERS = {
    "the same name": _twice('"scope"', '"scope"'),
    "the same value": b'{"grant_types":["client_credentials"],"scope":"a","scope":"a"}',
    "the name with an escape": _twice('"scope"', r'"s\u0063ope"'),
    "the name all in escapes": _twice('"scope"', r'"\u0073\u0063\u006f\u0070\u0065"'),
    "escapes in both cases": _twice(r'"\u0073cope"', '"scope"'),
    "null first": _twice('"scope"', '"scope"', "null"),
    "an unknown name": _twice('"unknown"', '"unknown"'),
    "in a key": b'{"grant_types":["implicit"],"jwks":{"keys":[{"kty":"EC","kty":"oct"}]}}',
    "in an unknown object": b'{"grant_types":["client_credentials"],"x":{"y":[{"a":1,"a":2}]}}',
    "an empty name": b'{"grant_types":["client_credentials"],"":1,"":2}',
    "one of a language": _twice('"client_name#de"', '"client_name#de"'),
    "one of a language in another case": _twice('"client_name#de"', '"client_name#DE"'),
}


@pytest.mark.parametrize("body", REPEATED_MEMBERS.values(), ids=REPEATED_MEMBERS.keys())
async def test_a_repeated_member_is_refused(registrant: Registrant, body: bytes) -> None:
    refusal(await registrant.post(body), 400)


@pytest.mark.parametrize("body", REPEATED_MEMBERS.values(), ids=REPEATED_MEMBERS.keys())
async def test_a_repeated_member_is_refused_in_an_update(
    registrant: Registrant, body: bytes
) -> None:
    client = await registrant.register()
    with_id = body.replace(b"{", b'{"client_id":"' + client["client_id"].encode() + b'",', 1)
    headers = {**bearer(client.token), "Content-Type": "application/json"}
    refusal(await registrant.http.put(client.uri, content=with_id, headers=headers), 400)
    assert (await registrant.read(client.uri, client.token)).json()["scope"] == "a b"


async def test_names_that_only_look_alike_are_two_members(registrant: Registrant) -> None:
    # RFC 8259 §8.3: names are compared code unit by code unit. The second is unknown, so dropped.
    client = await registrant.register({**MACHINE, "client_name": "a", "client_n\u0430me": "b"})
    assert client["client_name"] == "a"
    assert "client_n\u0430me" not in client.document


REPEATED_FIELDS = [
    "grant_type=client_credentials&grant_type=client_credentials",
    "grant_type=client_credentials&grant_type=password",
    "grant_type=password&grant_type=client_credentials",
    "grant_type=client_credentials&scope=a&scope=b",
    "grant_type=client_credentials&scope=a&sc%6fpe=b",
    "grant_type=client_credentials&client_id=x&client_id=y",
    "grant_type=client_credentials&client_secret=x&client_secret=y",
    "grant_type=client_credentials&unknown=1&unknown=2",
    "grant_type=client_credentials&client_assertion=x&client_assertion=y",
]


@pytest.mark.parametrize("body", REPEATED_FIELDS)
async def test_a_repeated_field_is_refused(registrant: Registrant, body: str) -> None:
    client = await registrant.register()
    response = await registrant.http.post("/token", content=body, headers=FORM, auth=client.basic)
    assert refusal(response, 400) == "invalid_request"


async def test_parameters_in_the_url_do_not_count(registrant: Registrant) -> None:
    client = await registrant.register()
    response = await registrant.http.post(
        "/token?grant_type=client_credentials&scope=a&client_id=x",
        content=b"grant_type=client_credentials&scope=b",
        headers=FORM,
        auth=client.basic,
    )
    assert response.json()["scope"] == "b"
    empty = await registrant.http.post(
        "/token?grant_type=client_credentials", content=b"", headers=FORM, auth=client.basic
    )
    refusal(empty, 400)


async def test_semicolons_separate_nothing(registrant: Registrant) -> None:
    client = await registrant.register()
    body = "grant_type=client_credentials;scope=a"
    response = await registrant.http.post("/token", content=body, headers=FORM, auth=client.basic)
    assert refusal(response, 400) == "unsupported_grant_type"


async def test_two_authorization_headers_are_refused(registrant: Registrant) -> None:
    good = f"Bearer {registrant.initial_access_token}"
    for pair in ((good, good), (good, "Bearer x"), ("Bearer x", good), (good, "Basic eDp4")):
        headers = [("Authorization", value) for value in pair]
        response = await registrant.http.post(
            "/connect/register",
            content=VALID,
            headers=[*headers, ("Content-Type", "application/json")],
        )
        refusal(response, 400, 401)


async def test_two_authorization_headers_are_refused_at_the_token_endpoint(
    registrant: Registrant, listening: Listening
) -> None:
    client = await registrant.register()
    value = base64.b64encode(":".join(client.basic).encode()).decode()
    good = f"Authorization: Basic {value}"
    body = b"grant_type=client_credentials"
    form = ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    for pair in ((good, good), (good, "Authorization: Basic eDp4"), ("Authorization: x", good)):
        (answer,) = await listening.answers(
            request("POST /token HTTP/1.1", *pair, *form, body=body)
        )
        assert answer.status in {400, 401}


CONTENT_TYPES = [
    ("application/json", "text/plain"),
    ("text/plain", "application/json"),
    ("application/json", "application/x-www-form-urlencoded"),
]


@pytest.mark.parametrize("pair", CONTENT_TYPES)
async def test_two_content_types_are_refused(registrant: Registrant, pair: tuple[str, str]) -> None:
    headers = [("Content-Type", value) for value in pair]
    headers.append(("Authorization", f"Bearer {registrant.initial_access_token}"))
    response = await registrant.http.post("/connect/register", content=VALID, headers=headers)
    assert refusal(response, 400, 415) == "invalid_request"


async def test_two_idempotency_keys_are_refused(registrant: Registrant) -> None:
    for pair in (("a", "a"), ("a", "b")):
        headers = [("Idempotency-Key", value) for value in pair]
        headers.append(("Authorization", f"Bearer {registrant.initial_access_token}"))
        headers.append(("Content-Type", "application/json"))
        response = await registrant.http.post("/connect/register", content=VALID, headers=headers)
        assert refusal(response, 400) == "invalid_request"
