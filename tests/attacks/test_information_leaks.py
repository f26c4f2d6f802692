"""No answer tells what the server is made of, what it holds, or who else there is."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dcr_server.storage.protocol import StorageUnavailable
from tests.attacks.answers import check_answer, check_leaks, refusal
from tests.attacks.listening import Listening, request
from tests.unit.server.administrator import Administrator, administrator_at
from tests.unit.server.registrant import MACHINE, Registrant, bearer

REFUSED_HEADS = {
    "no HTTP": b"\x16\x03\x01\x00\xc8\x01\x00",
    "a bad version": b"GET / HTTP/9.9\r\n\r\n",
    "a bad URL": b"GET http://:x/ HTTP/1.1\r\n\r\n",
    "a bad header": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    "a large head": b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "half a head": b"GET / HT",
    "half a body": request("POST /token HTTP/1.1", "Content-Length: 9", body=b"x"),
    "a path": request("GET /nope HTTP/1.1"),
    "a method": request("BREW /token HTTP/1.1"),
    "a type": request("POST /token HTTP/1.1", "Content-Length: 0"),
    "no token": request("GET /connect/register/x HTTP/1.1"),
}


@pytest.mark.parametrize("sent", REFUSED_HEADS.values(), ids=REFUSED_HEADS.keys())
async def test_no_refusal_names_software_versions_or_places(
    listening: Listening, sent: bytes
) -> None:
    (answer,) = await listening.answers(sent)
    assert 400 <= answer.status < 500
    names = {name.lower() for name, _ in answer.headers}
    assert not names & {"server", "x-powered-by", "via", "x-aspnet-version"}
    assert answer.header("content-type") == "application/json"
    check_leaks(answer.body.decode("ascii"))
    check_leaks(" ".join(value for _, value in answer.headers))
    # What was sent does not come back: a page could be made of it.
    assert b"nope" not in answer.body
    assert b"BREW" not in answer.body


async def test_good_answers_name_no_software_either(
    registrant: Registrant, listening: Listening
) -> None:
    for path in (
        "/healthz",
        "/readyz",
        "/jwks",
        "/openapi.json",
        "/.well-known/openid-configuration",
    ):
        (answer,) = await listening.answers(request(f"GET {path} HTTP/1.1"))
        assert answer.status == 200
        assert answer.header("server") is None
        check_leaks(answer.body.decode())
    document = json.loads((await registrant.http.get("/openapi.json")).content)
    # The version of the description, not of the software.
    assert document["info"]["version"] == "1"


ODD_BODIES = [
    b'{"redirect_uris":[{"a":1}]}',
    b'{"grant_types":{"a":1}}',
    b'{"jwks":{"keys":"x"}}',
    b'{"jwks":{"keys":[{"kty":"RSA","n":"!","e":"!"}]}}',
    b'{"default_max_age":1e400}',
    b'{"default_max_age":123456789012345678901234567890}',
    b'{"software_statement":"x.y.z"}',
    b'{"tls_client_auth_san_ip":"::ffff:1.2.3.4%eth0"}',
    b'{"localized":{"a":1}}',
    b"[[[[[[",
]


@pytest.mark.parametrize("body", ODD_BODIES)
async def test_no_error_names_a_class_or_a_file(registrant: Registrant, body: bytes) -> None:
    response = await registrant.post(body)
    check_answer(response)
    for word in ("Error", "ClientMetadata", "validation", "tuple", "dict", "NoneType", "pydantic"):
        assert word not in response.text


async def test_s092_no_error_names_a_client_or_repeats_a_credential(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    secrets = [client["client_id"], client.token, client["client_secret"]]
    answers = [
        await registrant.put(client, {**MACHINE, "client_secret": client["client_secret"] + "x"}),
        await registrant.put(client, {**MACHINE, "scope": client.token + '"'}),
        await registrant.post({**MACHINE, "grant_types": [client["client_secret"]]}),
        await registrant.read(client.uri, client.token[:-1]),
        await registrant.read(f"{client.uri}x", client.token),
        await registrant.get_token((client["client_id"], client.token)),
        await registrant.get_token(client.basic, scope=client["client_secret"]),
        await registrant.get_token(client.basic, resource=client.token),
    ]
    for response in answers:
        assert response.status_code in {400, 401}
        check_answer(response)
    # A value of one's own may be named; a credential or another client's id never.
    for response in answers[:1] + answers[3:6]:
        for secret in secrets:
            assert secret not in response.text
            assert secret not in str(response.headers)


async def test_an_outage_tells_nothing_about_the_database(
    registrant: Registrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await registrant.register()

    async def fails(*_: object, **__: object) -> None:
        raise StorageUnavailable("postgresql://dcr:password@db.internal/dcr: /var/lib/x.db locked")

    monkeypatch.setattr(type(registrant.server.storage.clients), "find", fails)
    response = await registrant.read(client.uri, client.token)
    assert response.status_code == 503
    check_leaks(response.text)
    for word in ("password", "internal", "locked", "/var"):
        assert word not in response.text


@pytest_asyncio.fixture
async def administrator(tmp_path: Path) -> AsyncIterator[Administrator]:
    async with administrator_at(tmp_path) as administrator:
        yield administrator


async def test_no_listing_shows_a_secret_or_a_hash(administrator: Administrator) -> None:
    registrant = administrator.registrant
    client = await registrant.register()
    made = (await administrator.post("initial-access-tokens", {"policy": "default"})).json()
    await registrant.put(client)
    held = await registrant.server.storage.clients.find(client["client_id"])
    assert held is not None
    secrets = [client.token, client["client_secret"], made["initial_access_token"]]
    secrets += [registrant.initial_access_token]
    secrets += [one.token_hash.hex() for one in held.credentials]
    secrets += [one.secret_hash.hex() for one in held.credentials if one.secret_hash]
    for path in ("initial-access-tokens", "clients", f"clients/{client['client_id']}", "audit"):
        shown = (await administrator.get(path)).text
        for secret in secrets:
            assert secret not in shown
    metrics = (await administrator.http.get("/metrics")).text
    assert client["client_id"] not in metrics


async def test_the_public_listener_has_nothing_of_the_other(registrant: Registrant) -> None:
    for path in ("/metrics", "/admin/clients", "/admin/audit", "/admin/initial-access-tokens"):
        for headers in ({}, bearer("admin-token-" + "x" * 32)):
            refusal(await registrant.http.get(path, headers=headers), 404)
