"""The audit trail: the same for every database."""

from dataclasses import replace

import pytest

from dcr_server.records import Action, Actor, AuditEntry, Origin, SigningKey
from dcr_server.storage.protocol import Storage
from dcr_server.storage.requests import AuditFilter, TokenRetired
from tests.contract.storage_examples import (
    KEY,
    NOW,
    ORIGIN,
    OWNER,
    REVOCATION,
    TOKEN,
    fresh,
    register_three,
    registration,
    update,
)

EVERYTHING = AuditFilter()


async def told(storage: Storage, wanted: AuditFilter = EVERYTHING) -> list[AuditEntry]:
    return list(await storage.audit.page(wanted, after=0, limit=1000))


async def test_what_is_done_is_told_in_order(storage: Storage) -> None:
    await storage.clients.register(registration("a"))
    await storage.clients.update(replace(update("a", "rat a"), origin=Origin(Actor.CLIENT)))
    await storage.clients.remove("a", now=NOW + 1, origin=Origin(Actor.COMMAND_LINE))
    entries = await storage.audit.page(AuditFilter(), after=0, limit=10)
    assert [(entry.action, entry.origin.actor, entry.at) for entry in entries] == [
        (Action.INITIAL_ACCESS_TOKEN_CREATED, Actor.ADMIN, NOW),
        (Action.CLIENT_REGISTERED, Actor.ADMIN, NOW),
        (Action.CLIENT_UPDATED, Actor.CLIENT, NOW),
        (Action.CLIENT_REMOVED, Actor.COMMAND_LINE, NOW + 1),
    ]
    created = entries[0]
    assert created == AuditEntry(
        created.id,
        NOW,
        Action.INITIAL_ACCESS_TOKEN_CREATED,
        ORIGIN,
        OWNER,
        token_id=TOKEN.token_id,
    )


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(AuditFilter(action=Action.CLIENT_REGISTERED), 3, id="action"),
        pytest.param(AuditFilter(client_id="a"), 1, id="client"),
        pytest.param(AuditFilter(policy="other"), 1, id="policy"),
        pytest.param(AuditFilter(token_id=TOKEN.token_id), 1, id="initial access token"),
        pytest.param(AuditFilter(actor=Actor.ADMIN), 4, id="who asked"),
        pytest.param(AuditFilter(actor=Actor.CLIENT), 0, id="another who asked"),
        pytest.param(AuditFilter(subject="somebody", client_id="a"), 0, id="all that are named"),
    ],
)
async def test_the_audit_trail_is_filtered(
    storage: Storage, wanted: AuditFilter, found: int
) -> None:
    await register_three(storage)
    entries = await storage.audit.page(wanted, after=0, limit=10)
    assert len(entries) == found
    if entries:
        assert await storage.audit.page(wanted, after=entries[-1].id, limit=10) == ()


async def test_what_is_refused_is_not_told(storage: Storage) -> None:
    await storage.clients.register(replace(registration("a"), max_clients=0))
    assert await storage.clients.update(update("a", "rat a")) == TokenRetired()
    told = await storage.audit.page(AuditFilter(), after=0, limit=10)
    assert [entry.action for entry in told] == [Action.INITIAL_ACCESS_TOKEN_CREATED]


async def test_a_token_is_named_where_it_is_made_used_repeated_and_revoked(
    storage: Storage,
) -> None:
    presenting = replace(ORIGIN, token_id=TOKEN.token_id)
    wanted = replace(registration("a"), origin=presenting, repeatable=KEY)
    await storage.clients.register(wanted)
    await storage.clients.replay(KEY, fresh("again"), presenting, TOKEN.token_hash)
    await storage.initial_access_tokens.revoke(TOKEN.token_id, now=NOW, origin=ORIGIN)
    entries = await told(storage, AuditFilter(token_id=TOKEN.token_id))
    assert [(entry.action, entry.client_id) for entry in entries] == [
        (Action.INITIAL_ACCESS_TOKEN_CREATED, ""),
        (Action.CLIENT_REGISTERED, "a"),
        (Action.CLIENT_REPLAYED, "a"),
        (Action.INITIAL_ACCESS_TOKEN_REVOKED, ""),
    ]


async def test_what_becomes_of_a_signing_key_is_told_with_its_kid(storage: Storage) -> None:
    await storage.signing_keys.add_first(SigningKey("old", b"1", NOW))
    new = SigningKey("new", b"2", NOW + 1)
    await storage.signing_keys.add(new, retire_at=NOW + 9, origin=ORIGIN)
    await storage.signing_keys.reseal("new", b"3", now=NOW + 2, origin=ORIGIN)
    await storage.signing_keys.reseal("none", b"3", now=NOW + 2, origin=ORIGIN)
    await storage.clean_up(now=NOW + 9, limit=10)
    entries = [entry for entry in await told(storage) if entry.kid]
    assert [(entry.at, entry.action, entry.kid, entry.origin.actor) for entry in entries] == [
        (NOW + 1, Action.SIGNING_KEY_ADDED, "new", Actor.ADMIN),
        (NOW + 1, Action.SIGNING_KEY_RETIRED, "old", Actor.ADMIN),
        (NOW + 2, Action.SIGNING_KEY_RESEALED, "new", Actor.ADMIN),
        (NOW + 9, Action.SIGNING_KEY_REMOVED, "old", Actor.CLEAN_UP),
    ]
    assert len(await told(storage, AuditFilter(kid="old"))) == 2


async def test_a_revoked_access_token_is_told_once_with_its_client(storage: Storage) -> None:
    for _ in range(2):
        await storage.revoked_tokens.revoke(REVOCATION)
    (entry,) = await told(storage, AuditFilter(action=Action.ACCESS_TOKEN_REVOKED))
    assert (entry.at, entry.client_id, entry.owner, entry.jti) == (NOW - 1, "a", OWNER, "jti")


async def _ids(storage: Storage) -> list[int]:
    return [entry.id for entry in await told(storage)]


async def test_what_is_older_than_the_retention_goes_in_batches(storage: Storage) -> None:
    for number in range(5):
        await storage.clients.register(replace(registration(f"c{number}"), now=NOW + number))
    everything = await _ids(storage)
    clean_up = storage.clean_up
    assert "audit" not in await clean_up(now=NOW, limit=9)
    # The entry of the token and those of the first three clients.
    removed = [
        (await clean_up(now=NOW, limit=3, audit_kept_from=NOW + 3))["audit"] for _ in range(3)
    ]
    assert removed == [3, 1, 0]
    assert await _ids(storage) == everything[4:]


async def test_the_last_entry_stays_so_that_ids_go_on(storage: Storage) -> None:
    await storage.clients.register(registration("a"))
    last = (await _ids(storage))[-1]
    for limit in (1, 10, 10):
        await storage.clean_up(now=NOW, limit=limit, audit_kept_from=NOW + 100)
    assert await _ids(storage) == [last]
    await storage.clients.register(registration("b"))
    assert (await _ids(storage))[0] == last
    assert len(await _ids(storage)) == 2
    following = await storage.audit.page(EVERYTHING, after=last, limit=10)
    assert [entry.client_id for entry in following] == ["b"]


async def test_a_clock_that_went_back_hides_nothing_that_is_newer(storage: Storage) -> None:
    for client_id, at in (("a", NOW), ("b", NOW + 50), ("c", NOW - 9), ("d", NOW + 60)):
        await storage.clients.register(replace(registration(client_id), now=at))
    await storage.clean_up(now=NOW, limit=10, audit_kept_from=NOW + 10)
    assert [entry.client_id for entry in await told(storage)] == ["b", "d"]
