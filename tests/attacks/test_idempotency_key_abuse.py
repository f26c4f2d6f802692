"""An Idempotency-Key repeats one's own request, and opens nothing that is another's."""

import asyncio
import json

import pytest

from tests.attacks.answers import refusal
from tests.unit.server.registrant import MACHINE, Registered, Registrant, bearer

KEY = "d3b07384-8f1b-4c57-9a44-0c1f2ad1e0a1"


async def test_a_key_of_another_subject_makes_a_client_of_ones_own(registrant: Registrant) -> None:
    victim = await registrant.register(Idempotency_Key=KEY)
    for subject in ("other", "token-", "s" * 1000, "default\nregister", "*"):
        token = (await registrant.mint(subject=subject)).get_secret_value()
        attacker = Registered((await registrant.post(token=token, Idempotency_Key=KEY)).json())
        assert attacker["client_id"] != victim["client_id"]
    # No answer to anybody else has retired what the victim holds.
    assert (await registrant.read(victim.uri, victim.token)).status_code == 200


async def test_a_key_of_an_update_is_its_clients_alone(registrant: Registrant) -> None:
    mine, other = await registrant.register(), await registrant.register()
    changed = {**MACHINE, "client_name": "changed"}
    await registrant.put(mine, changed, Idempotency_Key=KEY)
    response = await registrant.put(other, MACHINE, Idempotency_Key=KEY)
    assert response.status_code == 200
    assert response.json()["client_id"] == other["client_id"]
    assert "client_name" not in response.json()


async def test_a_key_of_a_registration_is_another_one_for_an_update_and_a_rotation(
    registrant: Registrant,
) -> None:
    client = await registrant.register(Idempotency_Key=KEY)
    updated = Registered((await registrant.put(client, Idempotency_Key=KEY)).json())
    headers = {**bearer(updated.token), "Idempotency-Key": KEY}
    rotated = await registrant.http.post(f"{client.uri}/secret", headers=headers)
    assert rotated.status_code == 200
    assert rotated.json()["client_secret"] != client["client_secret"]


@pytest.mark.parametrize(
    ("name", "forged"),
    [
        ("the separator of scopes", f"{KEY}\nregister"),
        ("another scope", f"x\nregister\ndefault\n{KEY}"),
        ("a carriage return", f"{KEY}\r"),
        ("a NUL", f"{KEY}\0"),
        ("a tab", f"{KEY}\t{KEY}"),
        ("nothing", ""),
        ("256 characters", "x" * 256),
        ("60,000 characters", "x" * 60_000),
        ("an escape", "\x1b[2J"),
    ],
)
async def test_a_key_that_could_reach_beyond_its_scope_is_refused(
    registrant: Registrant, name: str, forged: str
) -> None:
    headers = [
        (b"Idempotency-Key", forged.encode("latin-1")),
        (b"Authorization", f"Bearer {registrant.initial_access_token}".encode()),
        (b"Content-Type", b"application/json"),
    ]
    content = json.dumps(MACHINE)
    response = await registrant.http.post("/connect/register", content=content, headers=headers)
    assert refusal(response, 400) == "invalid_request", name


@pytest.mark.parametrize("key", [KEY.upper(), f"{KEY} x", KEY[:-1], f"{KEY}0", "' OR 1=1 --", "%"])
async def test_a_key_that_looks_alike_is_another_key(registrant: Registrant, key: str) -> None:
    first = await registrant.register(Idempotency_Key=KEY)
    second = await registrant.register(Idempotency_Key=key)
    assert first["client_id"] != second["client_id"]


@pytest.mark.parametrize(
    "body",
    [
        {**MACHINE, "scope": "a"},
        {**MACHINE, "unknown": 1},
        dict(reversed([*MACHINE.items()])),
    ],
)
async def test_a_key_with_other_bytes_is_refused_and_shows_nothing(
    registrant: Registrant, body: dict[str, object]
) -> None:
    client = await registrant.register(Idempotency_Key=KEY)
    response = await registrant.post(json.dumps(body).encode(), Idempotency_Key=KEY)
    assert refusal(response, 422) == "invalid_request"
    assert client["client_id"] not in response.text


async def test_a_deleted_client_does_not_come_back_by_its_key(registrant: Registrant) -> None:
    client = await registrant.register(Idempotency_Key=KEY)
    await registrant.delete(client.uri, client.token)
    for _ in range(3):
        response = await registrant.post(Idempotency_Key=KEY)
        assert refusal(response, 409) == "invalid_request"
        assert client["client_id"] not in response.text
    refusal(await registrant.read(client.uri, client.token), 401)


async def test_a_retired_token_does_not_come_back_by_the_key_of_its_update(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    updated = Registered((await registrant.put(client, Idempotency_Key=KEY)).json())
    assert (await registrant.read(client.uri, updated.token)).status_code == 200
    # The first use of the new token has retired the old one, also for a repeat.
    refusal(await registrant.put(client, Idempotency_Key=KEY), 401)


async def test_a_wrong_token_learns_nothing_from_a_known_key(registrant: Registrant) -> None:
    await registrant.register(Idempotency_Key=KEY)
    known = await registrant.post(token="dcr_iat_wrong", Idempotency_Key=KEY)
    unknown = await registrant.post(token="dcr_iat_wrong", Idempotency_Key="unknown")
    assert refusal(known, 401) == refusal(unknown, 401) == "invalid_token"
    assert known.content == unknown.content


async def test_thirty_repeats_at_once_are_one_client(registrant: Registrant) -> None:
    answers = await asyncio.gather(*(registrant.post(Idempotency_Key=KEY) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["client_id"] for answer in answers}) == 1
    tokens = {answer.json()["registration_access_token"] for answer in answers}
    assert len(tokens) == 30
    counts = await registrant.server.storage.clients.counts()
    assert counts == {"default": 1}


async def test_one_key_with_two_bodies_at_once_is_one_client_and_refusals(
    registrant: Registrant,
) -> None:
    bodies = [MACHINE, {**MACHINE, "scope": "a"}] * 10
    answers = await asyncio.gather(*(registrant.post(body, Idempotency_Key=KEY) for body in bodies))
    made = [answer.json() for answer in answers if answer.status_code == 201]
    assert len(made) == 10
    assert len({document["client_id"] for document in made}) == 1
    assert len({document["scope"] for document in made}) == 1
    assert sum(answer.status_code == 422 for answer in answers) == 10
