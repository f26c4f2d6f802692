"""What every implementation of the server's storage must do, on SQLite and on PostgreSQL."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from dcr_server.records import Action, Owner, SigningKey, SingleUse
from dcr_server.storage.opening import open_database
from dcr_server.storage.protocol import Storage
from dcr_server.storage.requests import (
    AuditFilter,
    ClientFilter,
    ClientLimitReached,
    IdempotencyKeyReused,
    InitialAccessTokenSpent,
    Registered,
    RegistrationOutcome,
    Replayed,
    ReplayedClientGone,
    SoftwareStatementUsed,
    TokenRetired,
    Updated,
)
from dcr_server.tokens import hash_of
from tests.contract.storage_examples import (
    KEY,
    NOW,
    ORIGIN,
    OWNER,
    PUBLIC,
    TOKEN,
    client,
    fresh,
    holder,
    registration,
    update,
)


async def test_what_was_registered_is_found(storage: Storage) -> None:
    assert await storage.clients.register(registration("a")) == Registered(client("a"))
    assert await storage.clients.find("a") == client("a")
    assert await storage.clients.find("b") is None


async def test_an_unknown_initial_access_token_registers_nothing(storage: Storage) -> None:
    wanted = replace(registration("a"), initial_access_token_hash=hash_of("other"))
    assert await storage.clients.register(wanted) == InitialAccessTokenSpent()
    assert await storage.clients.find("a") is None


async def test_concurrent_registrations_use_a_token_no_more_often_than_allowed(
    storage: Storage,
) -> None:
    limited = replace(TOKEN, token_hash=hash_of("limited"), max_uses=3)
    await storage.initial_access_tokens.add(limited, ORIGIN)
    wanted = [
        replace(registration(f"c{number}"), initial_access_token_hash=limited.token_hash)
        for number in range(8)
    ]
    outcomes = await asyncio.gather(*map(storage.clients.register, wanted))
    assert sum(isinstance(outcome, Registered) for outcome in outcomes) == 3
    found = await storage.initial_access_tokens.find(limited.token_hash)
    assert found == replace(limited, uses=3)


async def test_concurrent_registrations_are_each_counted_told_and_found(storage: Storage) -> None:
    ids = [f"c{number}" for number in range(5)]
    await asyncio.gather(*(storage.clients.register(registration(each)) for each in ids))
    used = await storage.initial_access_tokens.find(TOKEN.token_hash)
    page = await storage.clients.page(ClientFilter(), after="", limit=10)
    told = await storage.audit.page(AuditFilter(action=Action.CLIENT_REGISTERED), after=0, limit=10)
    assert [await storage.clients.find(each) for each in ids] == [client(each) for each in ids]
    assert [found.client_id for found in page] == [entry.client_id for entry in told] == ids
    assert await storage.clients.counts() == {OWNER.policy: 5}
    assert used is not None
    assert used.uses == 5


async def test_an_expired_token_registers_nothing(storage: Storage) -> None:
    expired = replace(TOKEN, token_hash=hash_of("expired"), expires_at=NOW)
    await storage.initial_access_tokens.add(expired, ORIGIN)
    wanted = replace(registration("a"), initial_access_token_hash=expired.token_hash)
    assert await storage.clients.register(wanted) == InitialAccessTokenSpent()


async def test_concurrent_registrations_stay_below_the_limit(storage: Storage) -> None:
    wanted = [replace(registration(f"c{number}"), max_clients=2) for number in range(5)]
    outcomes = await asyncio.gather(*map(storage.clients.register, wanted))
    assert outcomes.count(ClientLimitReached()) == 3


async def test_a_limit_that_refuses_costs_no_use_of_the_token(storage: Storage) -> None:
    await storage.clients.register(replace(registration("a"), max_clients=0))
    found = await storage.initial_access_tokens.find(TOKEN.token_hash)
    assert found == TOKEN


async def test_a_software_statement_registers_once_and_its_refusal_costs_no_use_of_the_token(
    storage: Storage,
) -> None:
    once = SingleUse(hash_of("statement"), expires_at=NOW + 60)
    wanted = [replace(registration(f"c{number}"), single_use=once) for number in range(4)]
    outcomes = await asyncio.gather(*map(storage.clients.register, wanted))
    assert outcomes.count(SoftwareStatementUsed()) == 3
    found = await storage.initial_access_tokens.find(TOKEN.token_hash)
    assert found == replace(TOKEN, uses=1)
    later = replace(registration("later"), single_use=once, now=NOW + 60)
    assert isinstance(await storage.clients.register(later), Registered)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"max_clients": 0}, ClientLimitReached()),
        ({"initial_access_token_hash": hash_of("other")}, InitialAccessTokenSpent()),
    ],
)
async def test_a_registration_that_is_refused_does_not_use_up_a_software_statement(
    storage: Storage, change: dict[str, Any], refusal: RegistrationOutcome
) -> None:
    once = SingleUse(hash_of("statement"), expires_at=NOW + 60)
    wanted = replace(registration("a"), single_use=once)
    assert await storage.clients.register(replace(wanted, **change)) == refusal
    assert isinstance(await storage.clients.register(wanted), Registered)


async def test_a_deleted_client_makes_room_under_the_limit(storage: Storage) -> None:
    await storage.clients.register(replace(registration("a"), max_clients=1))
    assert await storage.clients.delete("a", token_hash=hash_of("rat a"), now=NOW, origin=ORIGIN)
    outcome = await storage.clients.register(replace(registration("b"), max_clients=1))
    assert isinstance(outcome, Registered)


async def test_a_replay_adds_a_pair_and_costs_no_use(storage: Storage) -> None:
    await storage.clients.register(replace(registration("a"), repeatable=KEY))
    outcome = await storage.clients.register(replace(registration("b"), repeatable=KEY))
    assert isinstance(outcome, Replayed)
    assert outcome.client.client_id == "a"
    assert [held.pair for held in outcome.client.credentials] == [1, 2]
    assert await storage.clients.find("b") is None
    token = await storage.initial_access_tokens.find(TOKEN.token_hash)
    assert token is not None
    assert token.uses == 1


async def test_a_key_with_another_body_is_refused(storage: Storage) -> None:
    await storage.clients.register(replace(registration("a"), repeatable=KEY))
    other = replace(KEY, body_hash=hash_of("other"))
    outcome = await storage.clients.register(replace(registration("b"), repeatable=other))
    assert outcome == IdempotencyKeyReused()


async def test_a_replay_before_the_rest_is_looked_at_is_the_same(storage: Storage) -> None:
    assert await storage.clients.replay(KEY, fresh("b"), ORIGIN, None) is None
    await storage.clients.register(replace(registration("a"), repeatable=KEY))
    outcome = await storage.clients.replay(KEY, fresh("b"), ORIGIN, None)
    assert isinstance(outcome, Replayed)
    assert [held.secret_hash for held in outcome.client.credentials] == [
        hash_of("secret a"),
        hash_of("secret b"),
    ]
    other = replace(KEY, body_hash=hash_of("other"))
    assert await storage.clients.replay(other, fresh("c"), ORIGIN, None) == IdempotencyKeyReused()


async def test_a_token_that_ended_since_it_was_looked_up_repeats_nothing(
    storage: Storage,
) -> None:
    ending = replace(TOKEN, token_hash=hash_of("ending"), expires_at=NOW + 1)
    await storage.initial_access_tokens.add(ending, ORIGIN)
    await storage.clients.register(replace(registration("a"), repeatable=KEY))
    late, token_hash = replace(KEY, at=NOW + 1), ending.token_hash
    spent = InitialAccessTokenSpent()
    assert await storage.clients.replay(late, fresh("b"), ORIGIN, token_hash) == spent
    assert isinstance(await storage.clients.replay(KEY, fresh("b"), ORIGIN, token_hash), Replayed)
    await storage.initial_access_tokens.revoke(ending.token_id, now=NOW, origin=ORIGIN)
    assert await storage.clients.replay(KEY, fresh("c"), ORIGIN, token_hash) == spent
    again = replace(registration("b"), repeatable=KEY, initial_access_token_hash=token_hash)
    assert await storage.clients.register(again) == spent


async def test_an_update_that_was_done_before_changes_credentials_only(storage: Storage) -> None:
    await storage.clients.register(registration("a"))
    repeated = replace(update("a", "rat a"), repeatable=KEY)
    assert await storage.clients.replay_update(repeated) is None
    await storage.clients.update(repeated)
    await storage.clients.update(replace(update("a", "rat a"), metadata=PUBLIC))
    outcome = await storage.clients.replay_update(repeated)
    assert isinstance(outcome, Updated)
    assert outcome.client.metadata == PUBLIC
    assert not outcome.secret_issued
    retired = replace(repeated, holder=holder("a", "rat unknown"))
    assert await storage.clients.replay_update(retired) == TokenRetired()


async def test_a_key_outlives_its_client_by_a_day(storage: Storage) -> None:
    await storage.clients.register(replace(registration("a"), repeatable=KEY))
    await storage.clients.delete("a", token_hash=hash_of("rat a"), now=NOW, origin=ORIGIN)
    repeated = replace(registration("b"), repeatable=KEY)
    assert await storage.clients.register(repeated) == ReplayedClientGone()
    assert await storage.clients.replay(KEY, fresh("b"), ORIGIN, None) == ReplayedClientGone()


async def test_an_expired_key_is_as_good_as_none(storage: Storage) -> None:
    await storage.clients.register(replace(registration("a"), repeatable=KEY))
    await storage.clients.delete("a", token_hash=hash_of("rat a"), now=NOW, origin=ORIGIN)
    late = replace(KEY, at=NOW + 86400)
    assert await storage.clients.replay(late, fresh("b"), ORIGIN, None) is None
    outcome = await storage.clients.register(replace(registration("b"), repeatable=late))
    assert isinstance(outcome, Registered)
    # It begins anew, with the client that it stands for now.
    assert isinstance(await storage.clients.replay(late, fresh("c"), ORIGIN, None), Replayed)


async def test_an_update_is_that_of_the_presented_token(storage: Storage) -> None:
    await storage.clients.register(registration("a"))
    outcome = await storage.clients.update(update("a", "rat a"))
    assert isinstance(outcome, Updated)
    assert not outcome.secret_issued
    assert outcome.client == await storage.clients.find("a")
    assert outcome.client.metadata["client_name"] == "new"
    assert [held.token_hash for held in outcome.client.credentials] == [
        hash_of("rat a"),
        hash_of("rat new"),
    ]


async def test_an_update_with_a_retired_token_changes_nothing(storage: Storage) -> None:
    await storage.clients.register(registration("a"))
    assert await storage.clients.update(update("a", "rat other")) == TokenRetired()
    assert await storage.clients.update(update("unknown", "rat a")) == TokenRetired()
    assert await storage.clients.find("a") == client("a")


async def test_the_use_of_a_credential_retires_what_it_supersedes(storage: Storage) -> None:
    await storage.clients.register(registration("a"))
    await storage.clients.update(update("a", "rat a"))
    assert await storage.clients.use_token("a", hash_of("rat new"))
    assert not await storage.clients.use_token("a", hash_of("rat a"))
    assert not await storage.clients.use_token("unknown", hash_of("rat a"))


async def test_a_deletion_needs_a_token_that_is_held(storage: Storage) -> None:
    await storage.clients.register(registration("a"))
    for token, deleted in (("rat b", False), ("rat a", True), ("rat a", False)):
        assert deleted == await storage.clients.delete(
            "a", token_hash=hash_of(token), now=NOW, origin=ORIGIN
        )
    assert await storage.clients.find("a") is None


async def test_a_known_initial_access_token_stays_as_it_is(storage: Storage) -> None:
    await storage.initial_access_tokens.add(replace(TOKEN, owner=Owner("other")), ORIGIN)
    assert await storage.initial_access_tokens.find(TOKEN.token_hash) == TOKEN


async def test_processes_that_start_together_share_the_first_signing_key(
    storage: Storage,
) -> None:
    keys = [SigningKey(f"kid {number}", b"sealed", NOW) for number in range(3)]
    await asyncio.gather(*map(storage.signing_keys.add_first, keys))
    assert len(await storage.signing_keys.all()) == 1


async def test_everything_is_there_after_reopening(database_url: str) -> None:
    for opening in range(2):
        storage = await open_database(database_url)
        if opening == 0:
            await storage.initial_access_tokens.add(TOKEN, ORIGIN)
            await storage.clients.register(registration("a"))
        assert await storage.clients.find("a") == client("a")
        await storage.check()
        await storage.close()
