"""Lists, clean-up and what is remembered of JWTs: the same for every database."""

import asyncio
from dataclasses import replace

import pytest

from dcr_server.records import Action, Owner, SigningKey
from dcr_server.storage.protocol import Storage
from dcr_server.storage.requests import (
    AuditFilter,
    ClientFilter,
    ClientLimitReached,
    Registered,
    ReplayedClientGone,
    TokenRetired,
)
from dcr_server.tokens import hash_of
from tests.contract.storage_examples import (
    KEY,
    NOW,
    ORIGIN,
    OTHER,
    REVOCATION,
    TOKEN,
    client,
    register_three,
    registration,
    update,
)

NOTHING = dict.fromkeys(
    (
        "clients",
        "initial_access_tokens",
        "idempotency_keys",
        "assertions",
        "revoked_tokens",
        "signing_keys",
    ),
    0,
)


@pytest.mark.parametrize(
    ("wanted", "after", "limit", "found"),
    [
        pytest.param(ClientFilter(), "", 10, "abc", id="all"),
        pytest.param(ClientFilter(), "", 2, "ab", id="no more than the limit"),
        pytest.param(ClientFilter(), "a", 10, "bc", id="those after one"),
        pytest.param(ClientFilter(policy="default"), "", 10, "ac", id="of a policy"),
        pytest.param(ClientFilter(subject="somebody"), "", 10, "b", id="of a subject"),
        pytest.param(ClientFilter("default", "somebody"), "", 10, "", id="of both"),
    ],
)
async def test_clients_are_listed(
    storage: Storage, wanted: ClientFilter, after: str, limit: int, found: str
) -> None:
    await register_three(storage)
    page = await storage.clients.page(wanted, after=after, limit=limit)
    assert [one.client_id for one in page] == list(found)


async def test_the_clients_of_a_subject_are_listed_under_all_policies(storage: Storage) -> None:
    await register_three(storage)
    owned = replace(client("bb"), owner=Owner("other", "operator"))
    await storage.clients.register(replace(registration("bb"), client=owned))
    found, after = [], ""
    while page := await storage.clients.page(
        ClientFilter(subject="operator"), after=after, limit=2
    ):
        found += [one.client_id for one in page]
        after = found[-1]
    assert found == ["a", "bb", "c"]


async def test_clients_are_counted_by_policy(storage: Storage) -> None:
    await register_three(storage)
    await storage.clients.delete("c", token_hash=hash_of("rat c"), now=NOW, origin=ORIGIN)
    assert await storage.clients.counts() == {"default": 1, "other": 1}


async def test_an_administrator_removes_a_client_once(storage: Storage) -> None:
    await storage.clients.register(replace(registration("a"), repeatable=KEY))
    assert await storage.clients.remove("a", now=NOW, origin=ORIGIN)
    assert not await storage.clients.remove("a", now=NOW, origin=ORIGIN)
    assert await storage.clients.find("a") is None
    replayed = await storage.clients.register(replace(registration("b"), repeatable=KEY))
    assert replayed == ReplayedClientGone()


async def test_concurrent_registrations_stay_below_the_limit_of_a_subject(
    storage: Storage,
) -> None:
    wanted = [replace(registration(f"c{number}"), max_clients_per_subject=2) for number in range(5)]
    outcomes = await asyncio.gather(*map(storage.clients.register, wanted))
    assert outcomes.count(ClientLimitReached()) == 3
    owned = replace(client("other"), owner=Owner("default", "another"))
    other = replace(registration("other"), client=owned, max_clients_per_subject=2)
    assert isinstance(await storage.clients.register(other), Registered)


async def test_tokens_are_listed_and_revoked_by_id(storage: Storage) -> None:
    limited = replace(TOKEN, token_hash=hash_of("limited"), owner=OTHER, max_uses=3, note="ü")
    await storage.initial_access_tokens.add(limited, ORIGIN)
    both = sorted((TOKEN, limited), key=lambda token: token.token_id)
    page = storage.initial_access_tokens.page
    assert await page(None, after="", limit=10) == tuple(both)
    assert await page(None, after=both[0].token_id, limit=10) == (both[1],)
    assert await page("other", after="", limit=10) == (limited,)
    revoke = storage.initial_access_tokens.revoke
    assert await revoke(limited.token_id, now=NOW, origin=ORIGIN)
    assert not await revoke(limited.token_id, now=NOW, origin=ORIGIN)
    assert await storage.initial_access_tokens.find(limited.token_hash) is None
    assert await page(None, after="", limit=10) == (TOKEN,)


async def test_a_revoked_token_is_refused_at_once(storage: Storage) -> None:
    assert await storage.initial_access_tokens.find(TOKEN.token_hash) == TOKEN
    await storage.initial_access_tokens.revoke(TOKEN.token_id, now=NOW, origin=ORIGIN)
    assert await storage.initial_access_tokens.find(TOKEN.token_hash) is None


async def test_an_assertion_is_claimed_once_until_it_has_expired(storage: Storage) -> None:
    claim = storage.assertions.claim
    claims = [claim(b"jti", expires_at=NOW + 60, now=NOW) for _ in range(5)]
    assert sorted(await asyncio.gather(*claims)) == [False] * 4 + [True]
    assert await claim(b"other", expires_at=NOW + 60, now=NOW)
    assert not await claim(b"jti", expires_at=NOW + 90, now=NOW + 59)
    assert await claim(b"jti", expires_at=NOW + 120, now=NOW + 60)


async def test_a_revoked_access_token_is_remembered(storage: Storage) -> None:
    assert not await storage.revoked_tokens.is_revoked("jti")
    for _ in range(2):
        await storage.revoked_tokens.revoke(REVOCATION)
    assert await storage.revoked_tokens.is_revoked("jti")


async def test_a_new_signing_key_ends_those_before(storage: Storage) -> None:
    first, second = SigningKey("first", b"1", NOW), SigningKey("second", b"2", NOW + 1, "RS256")
    await storage.signing_keys.add_first(first)
    await storage.signing_keys.add(second, retire_at=NOW + 100, origin=ORIGIN)
    assert await storage.signing_keys.all() == (replace(first, expires_at=NOW + 100), second)
    await storage.signing_keys.reseal("second", b"3", now=NOW + 2, origin=ORIGIN)
    assert (await storage.clean_up(now=NOW + 100, limit=10))["signing_keys"] == 1
    assert await storage.signing_keys.all() == (replace(second, sealed_private_key=b"3"),)


async def test_a_client_that_never_authenticated_can_end_sooner(storage: Storage) -> None:
    unused = replace(client("a"), unused_expires_at=NOW + 10)
    await storage.clients.register(replace(registration("a"), client=unused))
    assert await storage.clients.use_secret("a", hash_of("secret a"), NOW)
    found = await storage.clients.find("a")
    assert found == client("a")
    late = replace(client("b"), unused_expires_at=NOW + 10)
    await storage.clients.register(replace(registration("b"), client=late))
    assert not await storage.clients.use_secret("b", hash_of("secret b"), NOW + 10)


async def test_an_expired_client_is_gone_before_it_is_cleaned_up(storage: Storage) -> None:
    expired = replace(client("a"), expires_at=NOW)
    wanted = replace(registration("a"), client=expired, repeatable=KEY)
    await storage.clients.register(wanted)
    assert await storage.clients.update(update("a", "rat a")) == TokenRetired()
    assert await storage.clients.register(wanted) == ReplayedClientGone()


async def test_what_has_expired_is_cleaned_up_in_batches(storage: Storage) -> None:
    for number in range(3):
        expiring = replace(client(f"c{number}"), expires_at=NOW + number % 2)
        await storage.clients.register(replace(registration(f"c{number}"), client=expiring))
    unused = replace(client("u"), unused_expires_at=NOW)
    await storage.clients.register(replace(registration("u"), client=unused, repeatable=KEY))
    assert await storage.clean_up(now=NOW, limit=2) == {**NOTHING, "clients": 2}
    assert await storage.clean_up(now=NOW, limit=2) == {**NOTHING, "clients": 1}
    assert await storage.clean_up(now=NOW, limit=2) == NOTHING
    assert await storage.clients.counts() == {"default": 1}
    told = await storage.audit.page(AuditFilter(action=Action.CLIENT_EXPIRED), after=0, limit=9)
    assert {entry.client_id for entry in told} == {"c0", "c2", "u"}
    day = await storage.clean_up(now=NOW + 86400, limit=2)
    assert day == {**NOTHING, "clients": 1, "idempotency_keys": 1}


async def test_everything_else_that_has_expired_is_cleaned_up(storage: Storage) -> None:
    expired = replace(TOKEN, token_hash=hash_of("expired"), expires_at=NOW)
    await storage.initial_access_tokens.add(expired, ORIGIN)
    await storage.assertions.claim(b"jti", expires_at=NOW, now=NOW - 1)
    await storage.revoked_tokens.revoke(REVOCATION)
    await storage.signing_keys.add_first(SigningKey("old", b"", NOW, expires_at=NOW))
    await storage.signing_keys.add(SigningKey("new", b"", NOW), retire_at=NOW, origin=ORIGIN)
    cleaned = await storage.clean_up(now=NOW, limit=10)
    assert cleaned == {**NOTHING, **dict.fromkeys(list(NOTHING)[3:], 1), "initial_access_tokens": 1}
    assert [key.kid for key in await storage.signing_keys.all()] == ["new"]
    assert await storage.initial_access_tokens.find(TOKEN.token_hash) == TOKEN
