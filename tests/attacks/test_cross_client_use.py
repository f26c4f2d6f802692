"""Another client's credentials open nothing, and tell nothing about which clients exist."""

import itertools
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.attacks.answers import refusal
from tests.unit.server.registrant import MACHINE, Registered, Registrant, bearer

Attempt = Callable[[Registrant, str, str], Awaitable[httpx.Response]]

# What differs from answer to answer, whoever asks.
_OWN = {"x-request-id", "date"}


async def _read(registrant: Registrant, client_id: str, token: str) -> httpx.Response:
    return await registrant.read(f"/connect/register/{client_id}", token)


async def _head(registrant: Registrant, client_id: str, token: str) -> httpx.Response:
    return await registrant.http.head(f"/connect/register/{client_id}", headers=bearer(token))


async def _update(registrant: Registrant, client_id: str, token: str) -> httpx.Response:
    body = {"client_id": client_id, **MACHINE}
    return await registrant.http.put(
        f"/connect/register/{client_id}", json=body, headers=bearer(token)
    )


async def _broken_update(registrant: Registrant, client_id: str, token: str) -> httpx.Response:
    headers = {**bearer(token), "Content-Type": "application/json"}
    return await registrant.http.put(
        f"/connect/register/{client_id}", content=b"{", headers=headers
    )


async def _repeated_update(registrant: Registrant, client_id: str, token: str) -> httpx.Response:
    body = {"client_id": client_id, **MACHINE}
    headers = {**bearer(token), "Idempotency-Key": "key"}
    return await registrant.http.put(f"/connect/register/{client_id}", json=body, headers=headers)


async def _delete(registrant: Registrant, client_id: str, token: str) -> httpx.Response:
    return await registrant.delete(f"/connect/register/{client_id}", token)


OPERATIONS = [_read, _head, _update, _broken_update, _repeated_update, _delete]


@pytest.mark.parametrize("attempt", OPERATIONS)
async def test_another_clients_token_looks_the_same_as_any_wrong_one_at_any_client(
    registrant: Registrant, attempt: Attempt
) -> None:
    attacker, victim, gone = [await registrant.register() for _ in range(3)]
    await registrant.delete(gone.uri, gone.token)
    ids = [victim["client_id"], gone["client_id"], "0" * 32, "x", "' OR 1=1", "%F0%9F%A6%80"]
    tokens = [
        attacker.token,
        gone.token,
        attacker["client_secret"],
        registrant.initial_access_token,
        "dcr_rat_" + "0" * 43,
        "x",
    ]
    answers = set()
    for client_id, token in itertools.product(ids, tokens):
        response = await attempt(registrant, client_id, token)
        assert response.status_code == 401
        answers.add((response.content, tuple(_comparable(response))))
    assert len(answers) == 1
    await _is_untouched(registrant, attacker)
    await _is_untouched(registrant, victim)


@pytest.mark.parametrize("attempt", OPERATIONS)
async def test_without_a_token_every_client_looks_the_same(
    registrant: Registrant, attempt: Attempt
) -> None:
    client = await registrant.register()
    answers = set()
    for client_id in (client["client_id"], "0" * 32, "x"):
        response = await attempt(registrant, client_id, "")
        assert response.status_code == 401
        answers.add((response.content, tuple(_comparable(response))))
    assert len(answers) == 1


async def test_unknown_clients_look_like_wrong_secrets_at_the_token_endpoint(
    registrant: Registrant,
) -> None:
    victim, attacker = await registrant.register(), await registrant.register()
    public = await registrant.register(
        {"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "none"}
    )
    gone = await registrant.register()
    await registrant.delete(gone.uri, gone.token)
    pairs = [
        (victim["client_id"], attacker["client_secret"]),
        (victim["client_id"], "dcr_sec_" + "0" * 43),
        (victim["client_id"], victim.token),
        (victim["client_id"], ""),
        (public["client_id"], ""),
        (public["client_id"], attacker["client_secret"]),
        gone.basic,
        ("0" * 32, attacker["client_secret"]),
        ("x", "x"),
    ]
    answers = set()
    for basic in pairs:
        response = await registrant.get_token(basic)
        assert refusal(response, 401) == "invalid_client"
        answers.add((response.content, tuple(_comparable(response))))
    assert len(answers) == 1


async def test_an_update_cannot_take_over_another_client(registrant: Registrant) -> None:
    attacker, victim = await registrant.register(), await registrant.register()
    body = {**MACHINE, "client_id": victim["client_id"]}
    response = await registrant.put(attacker, body)
    assert refusal(response, 400) == "invalid_request"
    await _is_untouched(registrant, victim)


@pytest.mark.parametrize(
    "member", ["client_id", "client_secret", "registration_access_token", "client_id_issued_at"]
)
async def test_a_registration_cannot_choose_what_the_server_assigns(
    registrant: Registrant, member: str
) -> None:
    victim = await registrant.register()
    client = await registrant.register({**MACHINE, member: victim[member]})
    if member != "client_id_issued_at":
        assert client[member] != victim[member]
    await _is_untouched(registrant, victim)


async def test_another_subjects_token_cannot_repeat_a_registration(
    registrant: Registrant,
) -> None:
    victim = await registrant.register(Idempotency_Key="key")
    other = (await registrant.mint(subject="other")).get_secret_value()
    response = await registrant.post(token=other, Idempotency_Key="key")
    assert response.status_code == 201
    assert response.json()["client_id"] != victim["client_id"]
    await _is_untouched(registrant, victim)


async def _is_untouched(registrant: Registrant, client: Registered) -> None:
    read = await registrant.read(client.uri, client.token)
    assert read.status_code == 200
    expected = {name: value for name, value in client.document.items() if name != "client_secret"}
    assert read.json() == expected
    assert (await registrant.get_token(client.basic)).status_code == 200


def _comparable(response: httpx.Response) -> list[tuple[str, str]]:
    return [(name, value) for name, value in response.headers.items() if name not in _OWN]
