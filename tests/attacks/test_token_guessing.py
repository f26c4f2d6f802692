"""Near misses, other kinds of token, credentials in the wrong place: each is as wrong as any."""

from collections.abc import Callable

import httpx
import pytest

from tests.attacks.answers import refusal
from tests.unit.server.registrant import MACHINE, Registered, Registrant, bearer

Change = Callable[[str], str]

NEAR_MISSES: list[tuple[str, Change]] = [
    ("without its last character", lambda token: token[:-1]),
    ("without its first character", lambda token: token[1:]),
    ("its first half", lambda token: token[: len(token) // 2]),
    ("its prefix alone", lambda token: token[:8]),
    ("without its prefix", lambda token: token[8:]),
    ("one character more", lambda token: token + "A"),
    ("twice", lambda token: token * 2),
    ("in upper case", str.upper),
    ("in lower case", str.lower),
    ("in the other case", str.swapcase),
    ("with padding", lambda token: token + "="),
    ("its last character changed", lambda token: token[:-1] + ("A" if token[-1] != "A" else "B")),
    ("its first character changed", lambda token: "D" + token[1:]),
    ("in the other base64 alphabet", lambda token: token[:8] + "+/" + token[10:]),
    ("with a dot", lambda token: token + "."),
    ("as a JWT without signature", lambda token: f"eyJhbGciOiJub25lIn0.{token}."),
    ("reversed", lambda token: token[::-1]),
    ("percent-encoded", lambda token: "%64" + token[1:]),
]


@pytest.mark.parametrize("change", [c for _, c in NEAR_MISSES], ids=[n for n, _ in NEAR_MISSES])
async def test_a_near_miss_of_an_initial_access_token_registers_nothing(
    registrant: Registrant, change: Change
) -> None:
    token = change(registrant.initial_access_token)
    assert token != registrant.initial_access_token
    assert refusal(await registrant.post(token=token), 401) == "invalid_token"


@pytest.mark.parametrize("change", [c for _, c in NEAR_MISSES], ids=[n for n, _ in NEAR_MISSES])
async def test_a_near_miss_of_a_registration_access_token_manages_nothing(
    registrant: Registrant, change: Change
) -> None:
    client = await registrant.register()
    for response in await _managed(registrant, client, change(client.token)):
        assert refusal(response, 401) == "invalid_token"
    assert (await registrant.read(client.uri, client.token)).status_code == 200


@pytest.mark.parametrize("change", [c for _, c in NEAR_MISSES], ids=[n for n, _ in NEAR_MISSES])
async def test_a_near_miss_of_a_secret_gets_no_token(
    registrant: Registrant, change: Change
) -> None:
    client = await registrant.register()
    client_id, secret = client.basic
    # Credentials are form-urlencoded before they are put together: the client's library does it.
    response = await registrant.get_token((client_id, change(secret)))
    if change(secret).startswith("%64"):
        # RFC 6749 §2.3.1: the very same secret, in another spelling.
        assert response.status_code == 200
    else:
        assert refusal(response, 401) == "invalid_client"


async def test_each_kind_of_credential_is_good_in_its_own_place_only(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    access_token = (await registrant.get_token(client.basic)).json()["access_token"]
    others = {
        "registration access token": client.token,
        "client secret": client["client_secret"],
        "access token": access_token,
        "client_id": client["client_id"],
    }
    for name, token in others.items():
        assert refusal(await registrant.post(token=token), 401) == "invalid_token", name
    others["initial access token"] = registrant.initial_access_token
    del others["registration access token"]
    for name, token in others.items():
        for response in await _managed(registrant, client, token):
            assert refusal(response, 401) == "invalid_token", name
    others |= {"registration access token": client.token}
    del others["client secret"]
    for name, token in others.items():
        response = await registrant.get_token((client["client_id"], token))
        assert refusal(response, 401) == "invalid_client", name


@pytest.mark.parametrize(
    "spelling",
    [
        "Basic {}",
        "Token {}",
        "DPoP {}",
        "{}",
        "Bearer: {}",
        "Bearer={}",
        'Bearer "{}"',
        "Bearer {},",
        "Bearer {} {}",
        "Bearer Bearer {}",
        "Bearer\t{}",
        "Bearer\u00a0{}",
        "Bearer {}; ",
        "Bearer {}\u0000",
        'Bearer token="{}"',
        "Bearer {}%20",
    ],
)
async def test_a_good_token_in_an_odd_header_is_refused(
    registrant: Registrant, spelling: str
) -> None:
    value = spelling.replace("{}", registrant.initial_access_token).encode("latin-1")
    headers = [(b"Authorization", value), (b"Content-Type", b"application/json")]
    response = await registrant.http.post("/connect/register", headers=headers, content=b"{}")
    refusal(response, 400, 401)


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ("query", "access_token", "{}"),
        ("query", "Access_Token", "{}"),
        ("query", "token", "{}"),
        ("body", "access_token", "{}"),
        ("body", "initial_access_token", "{}"),
        ("header", "X-Access-Token", "{}"),
        ("header", "Proxy-Authorization", "Bearer {}"),
        ("header", "X-Forwarded-Authorization", "Bearer {}"),
        ("header", "Authorization_", "Bearer {}"),
        ("header", "Cookie", "access_token={}"),
    ],
)
async def test_a_good_token_elsewhere_than_in_the_header_opens_nothing(
    registrant: Registrant, place: str, name: str, value: str
) -> None:
    sent = {name: value.replace("{}", registrant.initial_access_token)}
    response = await registrant.http.post(
        "/connect/register",
        json={**MACHINE, **(sent if place == "body" else {})},
        params=sent if place == "query" else {},
        headers=sent if place == "header" else {},
    )
    refusal(response, 400, 401)


async def test_a_thousand_guesses_all_get_the_same_answer(registrant: Registrant) -> None:
    client = await registrant.register()
    answers = set()
    for number in range(1000):
        response = await registrant.read(client.uri, f"dcr_rat_{number:043d}")
        answers.add((response.status_code, response.content, response.headers["www-authenticate"]))
    assert len(answers) == 1
    assert (await registrant.read(client.uri, client.token)).status_code == 200


async def _managed(registrant: Registrant, client: Registered, token: str) -> list[httpx.Response]:
    """Try everything that a registration access token is for."""
    return [
        await registrant.read(client.uri, token),
        await registrant.put(client, MACHINE, token=token),
        await registrant.delete(client.uri, token),
        await registrant.http.head(client.uri, headers=bearer(token)),
    ][:3]
