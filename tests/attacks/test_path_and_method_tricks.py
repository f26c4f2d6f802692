"""A path is what it spells, a method is what it says: no second way to an endpoint."""

import pytest

from tests.attacks.answers import check_error, refusal
from tests.attacks.listening import Listening, request
from tests.unit.server.registrant import MACHINE, Registrant, bearer

PATHS = [
    "//connect/register",
    "/connect//register",
    "/connect/register/",
    "/connect/./register",
    "/connect/../connect/register",
    "/./connect/register",
    "/x/../connect/register",
    "/connect/register/..",
    "/connect/register/.",
    "/connect%2fregister",
    "/connect%2Fregister",
    "/connect%5cregister",
    "/connect\\register",
    "/connect/register%2e",
    "/connect/%2e/register",
    "/connect/%2e%2e/connect/register",
    "/connect/register%00",
    "/connect/register%20",
    "/connect/register;x",
    "/connect;x/register",
    "/connect/register.json",
    "/Connect/Register",
    "/CONNECT/REGISTER",
    "/%63%6fnnect/registe",
    "/connect/register%3f",
    "/connect/register%23",
    "/connect/reg\u0131ster",
    "/connect/register\u200b",
    "connect/register",
    "/%252fconnect/register",
]


@pytest.mark.parametrize("path", PATHS)
async def test_another_spelling_of_a_path_is_another_path(
    registrant: Registrant, listening: Listening, path: str
) -> None:
    target = path.encode().decode("latin-1")
    authorization = f"Authorization: Bearer {registrant.initial_access_token}"
    head = request(
        f"POST {target} HTTP/1.1",
        authorization,
        "Content-Type: application/json",
        "Content-Length: 2",
        body=b"{}",
    )
    for answer in await listening.answers(head):
        # 405: what is behind the path of a client, which a client_id of any spelling has.
        assert answer.status in {400, 404, 405}
        check_error(answer.body)


async def test_percent_encoding_of_unreserved_characters_is_the_same_path(
    listening: Listening,
) -> None:
    # RFC 3986 §6.2.2.2. It reaches the endpoint, with all of its checks.
    (answer,) = await listening.answers(request("POST /%63onnect/register HTTP/1.1"))
    assert answer.status == 401


CLIENT_IDS = [
    "{}%00",
    "%00{}",
    "{}%20",
    "{}%2f",
    "{}%2e%2e",
    "{}.",
    "{};x",
    "{}%0a",
    "%2e%2e/register/{}",
    "{}%ef%bb%bf",
    "{}%c0%80",
    "{}%ff",
    "%E2%80%8B{}",
    "{}\u00a0",
    "{}/",
    "{}//",
    "./{}",
    "x/../{}",
]


@pytest.mark.parametrize("spelling", CLIENT_IDS)
async def test_another_spelling_of_a_client_id_is_another_client(
    registrant: Registrant, listening: Listening, spelling: str
) -> None:
    client = await registrant.register()
    path = spelling.replace("{}", client["client_id"]).encode().decode("latin-1")
    head = request(
        f"GET /connect/register/{path} HTTP/1.1", f"Authorization: Bearer {client.token}"
    )
    (answer,) = await listening.answers(head)
    assert answer.status in {400, 401, 404}
    check_error(answer.body)


async def test_the_case_of_a_client_id_counts(registrant: Registrant) -> None:
    client = await registrant.register()
    upper = client["client_id"].upper()
    assert upper != client["client_id"]
    refusal(await registrant.read(f"/connect/register/{upper}", client.token), 401)
    refusal(await registrant.get_token((upper, client["client_secret"])), 401)


TARGETS = [
    "http://auth.test/healthz",
    "http://evil.test/healthz",
    "https://evil.test:1/healthz",
    "http://user:password@auth.test/healthz",
    "*",
    "auth.test:443",
]


@pytest.mark.parametrize("target", TARGETS)
async def test_an_absolute_target_is_answered_as_the_path_in_it_or_refused(
    listening: Listening, target: str
) -> None:
    # RFC 9112 §3.2.2: accepted from proxies. Nothing of it comes back.
    received = await listening.exchange(request(f"GET {target} HTTP/1.1"))
    assert b"evil" not in received
    assert received.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))


OVERRIDES = [
    {"X-HTTP-Method-Override": "DELETE"},
    {"X-HTTP-Method": "DELETE"},
    {"X-Method-Override": "DELETE"},
    {"_method": "DELETE"},
]


@pytest.mark.parametrize("headers", OVERRIDES, ids=str)
async def test_no_header_changes_the_method(
    registrant: Registrant, headers: dict[str, str]
) -> None:
    client = await registrant.register()
    credentials = bearer(client.token)
    for method in ("GET", "HEAD"):
        response = await registrant.http.request(
            method, f"{client.uri}?_method=DELETE", headers={**credentials, **headers}
        )
        assert response.status_code == 200
    post = await registrant.http.post(client.uri, headers={**credentials, **headers})
    assert refusal(post, 405) == "invalid_request"
    assert (await registrant.read(client.uri, client.token)).status_code == 200


@pytest.mark.parametrize(
    "header", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Path"]
)
async def test_no_header_changes_the_path(registrant: Registrant, header: str) -> None:
    response = await registrant.http.get("/nope", headers={header: "/jwks"})
    refusal(response, 404)


METHODS = ["get", "Get", "TRACE", "CONNECT", "OPTIONS", "PATCH", "PROPFIND", "DEBUG", "X" * 1000]


@pytest.mark.parametrize("method", METHODS)
async def test_another_method_is_refused(
    registrant: Registrant, listening: Listening, method: str
) -> None:
    client = await registrant.register()
    for path in ("/connect/register", client.uri.removeprefix("https://auth.test"), "/jwks"):
        authorization = f"Authorization: Bearer {client.token}"
        received = await listening.exchange(request(f"{method} {path} HTTP/1.1", authorization))
        assert received.startswith((b"HTTP/1.1 405 ", b"HTTP/1.1 400 "))
        # TRACE would show a page the credentials that it cannot read otherwise.
        assert client.token.encode() not in received
    assert (await registrant.read(client.uri, client.token)).status_code == 200


async def test_a_put_to_the_registration_endpoint_does_not_choose_a_client_id(
    registrant: Registrant,
) -> None:
    token = registrant.initial_access_token
    response = await registrant.http.put(
        "/connect/register/mine", json={"client_id": "mine", **MACHINE}, headers=bearer(token)
    )
    refusal(response, 401)
