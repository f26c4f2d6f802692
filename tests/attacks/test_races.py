"""What is asked at once happens one after the other: no limit is passed, nothing is half."""

import asyncio
from pathlib import Path

import pytest

from tests.attacks.answers import refusal
from tests.unit.server.registrant import (
    EVERYTHING,
    MACHINE,
    Registered,
    Registrant,
    bearer,
    registrant_at,
)

AT_ONCE = 24


async def test_s006_a_token_is_not_used_more_often_than_it_may(registrant: Registrant) -> None:
    token = (await registrant.mint(max_uses=3)).get_secret_value()
    answers = await asyncio.gather(*(registrant.post(token=token) for _ in range(AT_ONCE)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [401] * (AT_ONCE - 3)
    for answer in answers:
        if answer.status_code != 201:
            assert refusal(answer, 401) == "invalid_token"


async def test_the_last_use_of_a_token_is_repeated_and_not_shared(registrant: Registrant) -> None:
    token = (await registrant.mint(max_uses=1)).get_secret_value()
    keys = ["a" * 32] * 8 + ["b" * 32] * 8
    answers = await asyncio.gather(
        *(registrant.post(token=token, Idempotency_Key=key) for key in keys)
    )
    made = {answer.json()["client_id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert sum(answer.status_code == 201 for answer in answers) == 8


async def test_a_policy_has_no_more_clients_than_it_may(tmp_path: Path) -> None:
    policies = {"p": EVERYTHING.model_copy(update={"max_clients": 5})}
    async with registrant_at(tmp_path, policies=policies) as registrant:
        answers = await asyncio.gather(*(registrant.post() for _ in range(AT_ONCE)))
        assert sum(answer.status_code == 201 for answer in answers) == 5
        for answer in answers:
            if answer.status_code != 201:
                refusal(answer, 403)
        assert await registrant.server.storage.clients.counts() == {"p": 5}


async def test_a_subject_has_no_more_clients_than_it_may(tmp_path: Path) -> None:
    policies = {"p": EVERYTHING.model_copy(update={"max_clients_per_subject": 2})}
    async with registrant_at(tmp_path, policies=policies) as registrant:
        tokens = [(await registrant.mint("p", subject="s")).get_secret_value() for _ in range(4)]
        answers = await asyncio.gather(
            *(registrant.post(token=tokens[number % 4]) for number in range(AT_ONCE))
        )
        assert sum(answer.status_code == 201 for answer in answers) == 2


async def test_updates_at_once_leave_one_of_them_whole(registrant: Registrant) -> None:
    client = await registrant.register()
    answers = await asyncio.gather(
        *(
            registrant.put(client, {**MACHINE, "client_name": f"n{n}", "software_id": f"n{n}"})
            for n in range(AT_ONCE)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    last = Registered(answers[-1].json())
    read = (await registrant.read(client.uri, last.token)).json()
    assert read["client_name"] == read["software_id"]
    # The first use of one retires the rest: exactly one token is left.
    tokens = [client.token, *(answer.json()["registration_access_token"] for answer in answers)]
    alive = [token for token in tokens if (await registrant.read(client.uri, token)).is_success]
    assert alive == [last.token]


async def test_a_deletion_among_updates_is_final(registrant: Registrant) -> None:
    for position in (0, AT_ONCE // 2, AT_ONCE):
        client = await registrant.register()
        work = [registrant.put(client, MACHINE) for _ in range(AT_ONCE)]
        work.insert(position, registrant.delete(client.uri, client.token))
        answers = await asyncio.gather(*work)
        assert {answer.status_code for answer in answers} <= {200, 204, 401}
        assert sum(answer.status_code == 204 for answer in answers) == 1
        tokens = [client.token]
        tokens += [a.json()["registration_access_token"] for a in answers if a.status_code == 200]
        for token in tokens:
            refusal(await registrant.read(client.uri, token), 401)
        refusal(await registrant.get_token(client.basic), 401)


async def test_deletions_at_once_are_one(registrant: Registrant) -> None:
    client = await registrant.register()
    answers = await asyncio.gather(
        *(registrant.delete(client.uri, client.token) for _ in range(AT_ONCE))
    )
    assert sorted(a.status_code for a in answers) == [204] + [401] * (AT_ONCE - 1)


async def test_rotations_at_once_leave_one_secret_after_its_use(registrant: Registrant) -> None:
    client = await registrant.register()
    url = f"{client.uri}/secret"
    answers = await asyncio.gather(
        *(registrant.http.post(url, headers=bearer(client.token)) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {200}
    issued = [Registered(answer.json()) for answer in answers]
    assert len({one["client_secret"] for one in issued}) == len(issued)
    assert (await registrant.get_token(issued[-1].basic)).status_code == 200
    works = [await registrant.get_token(one.basic) for one in issued]
    assert [answer.status_code for answer in works] == [401] * 7 + [200]


@pytest.mark.parametrize("first", ["token", "deletion"])
async def test_no_access_token_after_a_deletion(registrant: Registrant, first: str) -> None:
    client = await registrant.register()
    work = [registrant.get_token(client.basic), registrant.delete(client.uri, client.token)]
    await asyncio.gather(*(work if first == "token" else reversed(work)))
    assert refusal(await registrant.get_token(client.basic), 401) == "invalid_client"
