"""Bodies, forms and heads that are made to cost much: refused early, and the server goes on."""

import itertools
import json
import time

import pytest

from tests.attacks.answers import refusal
from tests.attacks.listening import Listening, request
from tests.unit.server.registrant import MACHINE, Registrant

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# Far above what any of these takes here, far below what a bomb takes where one goes off.
SECONDS = 2.0

KIB = 1024
# Java, PHP and others once gave all of these one hash; ours is keyed anew in each process.
COLLIDING = {"".join(halves): 0 for halves in itertools.product(("Aa", "BB"), repeat=10)}

JSON_BOMBS = {
    "arrays in arrays": b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "arrays that do not end": b"[" * 65_536,
    "objects in objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "objects that do not end": b'{"a":' * 13_000,
    "both in turn": b'{"jwks":' + b'[{"a":' * 8_000 + b"1" + b"}]" * 8_000 + b"}",
    "seventeen levels": b'{"jwks":' * 17 + b"1" + b"}" * 17,
    "a number of 60,000 digits": b'{"default_max_age":' + b"9" * 60_000 + b"}",
    "a fraction of 60,000 digits": b'{"default_max_age":0.' + b"3" * 60_000 + b"}",
    "an exponent of 60,000 digits": b'{"default_max_age":1e' + b"9" * 60_000 + b"}",
    "a number beyond floats": b'{"default_max_age":1e400}',
    "minus infinity": b'{"default_max_age":-Infinity}',
    "a wide array of strings": json.dumps(
        {"redirect_uris": ["https://a.example/"] * 3000}
    ).encode(),
    "a wide array of contacts": json.dumps({"contacts": ["a"] * 12_000}).encode(),
    "a name of 60,000 characters": json.dumps({"client_name": "x" * 60_000}).encode(),
    "escapes without end": b'{"client_name":"' + b"\\u0041" * 10_000 + b'"}',
    "languages without end": json.dumps(
        {f"client_name#a{number}": "x" for number in range(2500)}
    ).encode(),
    "whitespace around nothing": b" " * 65_536,
    "one byte too many": b'{"a":"' + b"x" * (64 * KIB - 7) + b'"}' + b" ",
    "a megabyte": b'{"a":"' + b"x" * KIB * KIB + b'"}',
}
# Large, and nothing that we understand: dropped without trouble (S-020).
JSON_BALLAST = {
    "3,500 unknown members": {f"unknown_{number}": 0 for number in range(3500)},
    "names that might collide": COLLIDING,
    "a name of 60,000 characters": {"x" * 60_000: 1},
    "unknown members in many languages": {f"unknown#{number}": 0 for number in range(3000)},
    "a large unknown array": {"unknown": [0] * 20_000},
}


@pytest.mark.parametrize("body", JSON_BOMBS.values(), ids=JSON_BOMBS.keys())
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_bomb_of_json_is_refused(registrant: Registrant, method: str, body: bytes) -> None:
    client = await registrant.register()
    token, path = registrant.initial_access_token, "/connect/register"
    if method == "PUT":
        token, path = client.token, client.uri
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    began = time.perf_counter()
    response = await registrant.http.request(method, path, content=body, headers=headers)
    assert time.perf_counter() - began < SECONDS
    refusal(response, 400)
    assert (await registrant.read(client.uri, client.token)).status_code == 200


@pytest.mark.parametrize("ballast", JSON_BALLAST.values(), ids=JSON_BALLAST.keys())
async def test_ballast_is_dropped_and_costs_little(
    registrant: Registrant, ballast: dict[str, object]
) -> None:
    body = json.dumps({**MACHINE, **ballast}).encode()
    assert len(body) <= 64 * KIB
    began = time.perf_counter()
    response = await registrant.post(body)
    assert time.perf_counter() - began < SECONDS
    assert response.status_code == 201
    assert not ballast.keys() & response.json().keys()
    assert len(response.content) < 4 * KIB


FORM_BOMBS = {
    "fields without end": b"a=1&" * 16_000,
    "separators without end": b"&" * 65_536,
    "a field of 60,000 characters": b"scope=" + b"a" * 60_000 + b"&grant_type=",
    "resources without end": b"grant_type=client_credentials" + b"&resource=https://a" * 3000,
    "escapes without end": b"scope=" + b"%41" * 20_000,
    "a megabyte": b"scope=" + b"a" * KIB * KIB,
}


@pytest.mark.parametrize("body", FORM_BOMBS.values(), ids=FORM_BOMBS.keys())
async def test_a_bomb_of_form_fields_is_refused(registrant: Registrant, body: bytes) -> None:
    client = await registrant.register()
    began = time.perf_counter()
    response = await registrant.http.post("/token", content=body, headers=FORM, auth=client.basic)
    assert time.perf_counter() - began < SECONDS
    refusal(response, 400)
    assert len(response.content) < 70 * KIB
    assert (await registrant.get_token(client.basic)).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer " + "a" * 60_000,
        "Bearer " + "a " * 30_000,
        "Bearer " + "=" * 60_000,
        "Bearer" + " " * 60_000 + "a",
        "," * 60_000,
        "Basic " + "QQ" * 30_000,
        "Basic " + "=" * 60_000,
    ],
    ids=lambda value: f"{value[:9]}..",
)
async def test_a_large_credential_is_refused_quickly(
    registrant: Registrant, authorization: str
) -> None:
    client = await registrant.register()
    began = time.perf_counter()
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    answers = [
        await registrant.http.post("/connect/register", content=b"{}", headers=headers),
        await registrant.http.get(client.uri, headers=headers),
        await registrant.http.post(
            "/token", content=b"grant_type=client_credentials", headers={**headers, **FORM}
        ),
    ]
    assert time.perf_counter() - began < SECONDS
    for response in answers:
        refusal(response, 400, 401)


HEADS = {
    "a header of 70,000 bytes": [f"X-Padding: {'a' * 70_000}"],
    "10,000 headers": [f"X-{number}: a" for number in range(10_000)],
    "a header name of 70,000 bytes": [f"{'a' * 70_000}: a"],
    "1,000 cookies": [f"Cookie: {'a=b;' * 20}"] * 1000,
}


@pytest.mark.parametrize("headers", HEADS.values(), ids=HEADS.keys())
async def test_a_large_head_is_431_or_answered(listening: Listening, headers: list[str]) -> None:
    (answer, *more) = await listening.answers(request("GET /healthz HTTP/1.1", *headers))
    assert answer.status == 431
    assert not more
    assert (await listening.answers(request("GET /healthz HTTP/1.1")))[0].status == 200


@pytest.mark.parametrize("size", [1000, 60_000])
async def test_a_long_path_is_a_404(listening: Listening, size: int) -> None:
    (answer,) = await listening.answers(request(f"GET /{'a' * size} HTTP/1.1"))
    assert answer.status == 404


async def test_a_url_without_end_is_431(listening: Listening) -> None:
    (answer,) = await listening.answers(request(f"GET /{'a' * 70_000} HTTP/1.1"))
    assert answer.status == 431
