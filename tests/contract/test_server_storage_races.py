"""Two processes at one database behave as one: here two storages, each with its connections."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from dcr_server.records import SigningKey
from dcr_server.storage.opening import open_database
from dcr_server.storage.protocol import Storage
from dcr_server.storage.requests import (
    ClientLimitReached,
    InitialAccessTokenSpent,
    Registered,
    Replayed,
    TokenRetired,
    Updated,
)
from dcr_server.tokens import hash_of
from tests.contract.storage_examples import (
    KEY,
    NOW,
    ORIGIN,
    TOKEN,
    client,
    fresh,
    registration,
    update,
)

RACERS = 12


@pytest_asyncio.fixture
async def both(storage: Storage, database_url: str) -> AsyncIterator[tuple[Storage, Storage]]:
    other = await open_database(database_url)
    yield storage, other
    await other.close()


def in_turn(both: tuple[Storage, Storage]) -> list[tuple[int, Storage]]:
    return [(number, both[number % 2]) for number in range(RACERS)]


async def test_one_idempotency_key_makes_one_client(both: tuple[Storage, Storage]) -> None:
    outcomes = await asyncio.gather(
        *(
            storage.clients.register(
                replace(registration(f"c{number}"), fresh=fresh(f"c{number}"), repeatable=KEY)
            )
            for number, storage in in_turn(both)
        )
    )
    assert [type(outcome) for outcome in outcomes].count(Registered) == 1
    assert [type(outcome) for outcome in outcomes].count(Replayed) == RACERS - 1
    made = {o.client.client_id for o in outcomes if isinstance(o, Registered | Replayed)}
    assert len(made) == 1
    assert await both[0].clients.counts() == {"default": 1}


async def test_a_token_is_used_no_more_often_than_allowed(both: tuple[Storage, Storage]) -> None:
    limited = replace(TOKEN, token_hash=hash_of("limited"), max_uses=5)
    await both[0].initial_access_tokens.add(limited, ORIGIN)
    outcomes = await asyncio.gather(
        *(
            storage.clients.register(
                replace(registration(f"c{number}"), initial_access_token_hash=limited.token_hash)
            )
            for number, storage in in_turn(both)
        )
    )
    assert outcomes.count(InitialAccessTokenSpent()) == RACERS - 5
    found = await both[1].initial_access_tokens.find(limited.token_hash)
    assert found is not None
    assert found.uses == 5


async def test_no_more_clients_than_the_policy_and_the_subject_may_have(
    both: tuple[Storage, Storage],
) -> None:
    for most, limited in (
        (3, replace(registration("a"), max_clients=3)),
        (5, replace(registration("b"), max_clients_per_subject=5)),
    ):
        outcomes = await asyncio.gather(
            *(
                storage.clients.register(replace(limited, client=client(f"{number} of {most}")))
                for number, storage in in_turn(both)
            )
        )
        assert ClientLimitReached() in outcomes
        assert await both[0].clients.counts() == {"default": most}


async def test_updates_by_the_same_token_are_done_one_after_the_other(
    both: tuple[Storage, Storage],
) -> None:
    await both[0].clients.register(registration("a"))
    outcomes = await asyncio.gather(
        *(
            storage.clients.update(
                replace(
                    update("a", "rat a"),
                    fresh=fresh(str(number)),
                    metadata={"client_name": str(number)},
                )
            )
            for number, storage in in_turn(both)
        )
    )
    assert all(isinstance(outcome, Updated) for outcome in outcomes)
    client = await both[0].clients.find("a")
    assert client is not None
    assert len(client.credentials) == 1 + RACERS
    newest = client.credentials[-1].token_hash
    assert newest == hash_of(f"rat {client.metadata['client_name']}")
    assert await both[1].clients.use_token("a", newest)
    assert not await both[0].clients.use_token("a", hash_of("rat a"))


async def test_a_client_is_deleted_once_and_nothing_brings_it_back(
    both: tuple[Storage, Storage],
) -> None:
    await both[0].clients.register(registration("a"))
    deletions, updates = [], []
    async with asyncio.TaskGroup() as group:
        for number, storage in in_turn(both):
            changed = replace(update("a", "rat a"), fresh=fresh(str(number)))
            updates.append(group.create_task(storage.clients.update(changed)))
            deletion = storage.clients.delete(
                "a", token_hash=hash_of("rat a"), now=NOW, origin=ORIGIN
            )
            deletions.append(group.create_task(deletion))
    assert [deletion.result() for deletion in deletions].count(True) == 1
    assert {type(each.result()) for each in updates} <= {Updated, TokenRetired}
    assert await both[0].clients.find("a") is None
    assert await both[1].clients.counts() == {"default": 0}


async def test_an_assertion_is_taken_once(both: tuple[Storage, Storage]) -> None:
    claims = await asyncio.gather(
        *(
            storage.assertions.claim(hash_of("jti"), expires_at=NOW + 60, now=NOW)
            for _, storage in in_turn(both)
        )
    )
    assert claims.count(True) == 1


async def test_the_first_signing_key_is_made_once(both: tuple[Storage, Storage]) -> None:
    await asyncio.gather(
        *(
            storage.signing_keys.add_first(SigningKey(f"kid {number}", b"sealed", NOW))
            for number, storage in in_turn(both)
        )
    )
    assert len(await both[0].signing_keys.all()) == 1
    assert await both[0].signing_keys.all() == await both[1].signing_keys.all()
