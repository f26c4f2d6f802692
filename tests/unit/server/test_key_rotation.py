"""Signing keys follow each other without a token that nobody can verify, also while servers run."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dcr_server.encryption import Sealer, WrongEncryptionKey
from dcr_server.key_rotation import KeyState, Wish, reseal, rotate, state_of
from dcr_server.policies import LONGEST_ACCESS_TOKEN_LIFETIME
from dcr_server.records import Action
from dcr_server.signing_keys import SECONDS_PUBLISHED_BEFORE, SigningKeys, open_signing_keys
from dcr_server.storage.protocol import Storage
from dcr_server.storage.requests import AuditFilter
from dcr_server.storage.sqlite import open_sqlite_storage
from dcr_server.tokens import system_entropy

NOW = 1_800_000_000
OLD_KEY, NEW_KEY = bytes(32), b"n" * 32
SEALER = Sealer(OLD_KEY, system_entropy)
NEXT = Wish("ES256")
AT_ONCE = Wish("ES256", at_once=True)


@pytest_asyncio.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    storage = await open_sqlite_storage(tmp_path / "test.db")
    await open_signing_keys(storage.signing_keys, SEALER, algorithm="ES256", now=NOW)
    yield storage
    await storage.close()


async def loaded(storage: Storage, sealer: Sealer = SEALER) -> SigningKeys:
    keys = SigningKeys(storage.signing_keys, sealer)
    await keys.reload()
    return keys


async def states(storage: Storage, now: int) -> list[str]:
    stored = await storage.signing_keys.all()
    by_time = sorted(stored, key=lambda key: key.signs_from)
    return [state_of(key, stored, now).value for key in by_time]


async def test_a_successor_waits_until_caches_know_it(storage: Storage) -> None:
    rotation = await rotate(storage.signing_keys, SEALER, NEXT, now=NOW)
    assert rotation.made
    turn = NOW + SECONDS_PUBLISHED_BEFORE
    assert await states(storage, NOW) == ["signing", "waiting"]
    assert await states(storage, turn - 1) == ["signing", "waiting"]
    assert await states(storage, turn) == ["published", "signing"]
    assert (await loaded(storage)).current(turn).kid == rotation.key.kid


async def test_the_key_before_is_published_until_its_last_token_is_over(storage: Storage) -> None:
    await rotate(storage.signing_keys, SEALER, NEXT, now=NOW)
    last_token_ends = NOW + SECONDS_PUBLISHED_BEFORE + LONGEST_ACCESS_TOKEN_LIFETIME
    assert await states(storage, last_token_ends) == ["published", "signing"]
    assert await states(storage, last_token_ends + 600) == ["over", "signing"]
    assert (await storage.clean_up(now=last_token_ends + 600, limit=10))["signing_keys"] == 1


async def test_another_rotation_while_one_waits_changes_nothing(storage: Storage) -> None:
    first = await rotate(storage.signing_keys, SEALER, NEXT, now=NOW)
    again = await rotate(storage.signing_keys, SEALER, NEXT, now=NOW + 1)
    assert (again.made, again.key.kid) == (False, first.key.kid)
    later = await rotate(storage.signing_keys, SEALER, NEXT, now=NOW + SECONDS_PUBLISHED_BEFORE)
    assert later.made


async def test_another_algorithm_comes_by_rotation(storage: Storage) -> None:
    await rotate(storage.signing_keys, SEALER, NEXT, now=NOW)
    changed = await rotate(storage.signing_keys, SEALER, Wish("RS256"), now=NOW + 1)
    assert changed.made
    keys = await loaded(storage)
    assert keys.current(NOW + 1).algorithm == "ES256"
    assert keys.current(NOW + 1 + SECONDS_PUBLISHED_BEFORE).algorithm == "RS256"


async def test_a_compromised_key_is_replaced_at_once(storage: Storage) -> None:
    await rotate(storage.signing_keys, SEALER, NEXT, now=NOW)
    rotation = await rotate(storage.signing_keys, SEALER, AT_ONCE, now=NOW + 1)
    keys = await loaded(storage)
    assert keys.current(NOW + 1).kid == rotation.key.kid
    # Also the one that waited: whoever saw one may have seen the other.
    assert [key["kid"] for key in published(keys, NOW + 1)] == [rotation.key.kid]


def published(keys: SigningKeys, now: int) -> list[dict[str, str]]:
    document = keys.jwks(now)["keys"]
    assert isinstance(document, list)
    return [{str(k): str(v) for k, v in key.items()} for key in document if isinstance(key, dict)]


async def test_the_same_compromised_key_is_replaced_once(storage: Storage) -> None:
    (old,) = await storage.signing_keys.all()
    wish = Wish("ES256", at_once=True, compromised_kid=old.kid)
    first = await rotate(storage.signing_keys, SEALER, wish, now=NOW)
    again = await rotate(storage.signing_keys, SEALER, wish, now=NOW)
    assert (first.made, again.made) == (True, False)
    assert again.key.kid == first.key.kid


async def test_the_audit_trail_tells_of_a_rotation(storage: Storage) -> None:
    rotation = await rotate(storage.signing_keys, SEALER, NEXT, now=NOW)
    (entry,) = await storage.audit.page(
        AuditFilter(action=Action.SIGNING_KEY_ADDED), after=0, limit=10
    )
    assert (entry.at, entry.origin.actor, entry.kid) == (NOW, "cli", rotation.key.kid)


async def test_who_has_not_the_encryption_key_rotates_nothing(storage: Storage) -> None:
    with pytest.raises(WrongEncryptionKey):
        await rotate(storage.signing_keys, Sealer(NEW_KEY, system_entropy), NEXT, now=NOW)
    assert await states(storage, NOW) == [KeyState.SIGNING]


async def test_the_encryption_key_is_replaced_in_three_steps(storage: Storage) -> None:
    before = (await loaded(storage)).jwks(NOW)
    both = Sealer(NEW_KEY, system_entropy, [OLD_KEY])
    assert (await loaded(storage, both)).jwks(NOW) == before
    assert await reseal(storage.signing_keys, both, now=NOW) == 1
    assert await reseal(storage.signing_keys, both, now=NOW) == 0
    assert (await loaded(storage, Sealer(NEW_KEY, system_entropy))).jwks(NOW) == before
    with pytest.raises(WrongEncryptionKey):
        await loaded(storage, SEALER)


async def test_resealing_without_the_key_before_changes_nothing(storage: Storage) -> None:
    stored = await storage.signing_keys.all()
    with pytest.raises(WrongEncryptionKey):
        await reseal(storage.signing_keys, Sealer(NEW_KEY, system_entropy), now=NOW)
    assert await storage.signing_keys.all() == stored
