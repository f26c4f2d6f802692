"""Signing keys survive restarts, sealed; each is published before it signs and for long after."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dcr_server.encryption import Sealer, WrongEncryptionKey
from dcr_server.key_rotation import Wish, rotate
from dcr_server.policies import LONGEST_ACCESS_TOKEN_LIFETIME
from dcr_server.records import COMMAND_LINE
from dcr_server.responses import SECONDS_THAT_CACHES_KEEP
from dcr_server.signing_keys import (
    SECONDS_BETWEEN_LOOKS,
    SECONDS_PUBLISHED_BEFORE,
    SigningAlgorithm,
    SigningKeys,
    new_signing_key,
    open_signing_keys,
    place_of,
)
from dcr_server.storage.protocol import Storage, StorageUnavailable, UnusableStorage
from dcr_server.storage.sqlite import open_sqlite_storage
from dcr_server.tokens import system_entropy

NOW = 1_800_000_000
SEALER = Sealer(bytes(32), system_entropy)
OTHER_SEALER = Sealer(b"x" * 32, system_entropy)


@pytest_asyncio.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    storage = await open_sqlite_storage(tmp_path / "test.db")
    yield storage
    await storage.close()


async def first_start(storage: Storage) -> SigningKeys:
    return await open_signing_keys(storage.signing_keys, SEALER, algorithm="ES256", now=NOW)


async def add_key(storage: Storage, *, signs_from: int, retire_at: int) -> str:
    key = new_signing_key("ES256", SEALER, now=NOW, signs_from=signs_from)
    await storage.signing_keys.add(key, retire_at=retire_at, origin=COMMAND_LINE)
    return key.kid


async def test_the_first_start_makes_the_key_that_later_ones_find(storage: Storage) -> None:
    first = await open_signing_keys(storage.signing_keys, SEALER, algorithm="ES256", now=NOW)
    second = await open_signing_keys(storage.signing_keys, SEALER, algorithm="RS256", now=NOW + 1)
    assert first.jwks(NOW) == second.jwks(NOW)
    assert len(await storage.signing_keys.all()) == 1


@pytest.mark.parametrize(("algorithm", "kty"), [("ES256", "EC"), ("RS256", "RSA")])
async def test_the_setting_says_what_is_made(
    storage: Storage, algorithm: SigningAlgorithm, kty: str
) -> None:
    keys = await open_signing_keys(storage.signing_keys, SEALER, algorithm=algorithm, now=NOW)
    assert keys.current(NOW).algorithm == algorithm
    assert keys.jwks(NOW) == {"keys": [dict(keys.newest.public)]}
    assert keys.newest.public.items() >= {"kty": kty, "alg": algorithm, "use": "sig"}.items()


async def test_another_encryption_key_does_not_open_it(storage: Storage) -> None:
    await open_signing_keys(storage.signing_keys, SEALER, algorithm="ES256", now=NOW)
    with pytest.raises(WrongEncryptionKey):
        await open_signing_keys(storage.signing_keys, OTHER_SEALER, algorithm="ES256", now=NOW)


async def test_a_new_key_signs_when_its_time_has_come(storage: Storage) -> None:
    keys = await open_signing_keys(storage.signing_keys, SEALER, algorithm="ES256", now=NOW)
    old = keys.current(NOW).kid
    new = await add_key(storage, signs_from=NOW + 900, retire_at=NOW + 2000)
    await keys.reload()
    assert [key["kid"] for key in keys.jwks(NOW)["keys"]] == [old, new]  # type: ignore[union-attr, index, call-overload]
    assert keys.current(NOW + 899).kid == old
    assert keys.current(NOW + 900).kid == new
    assert len(keys.jwks(NOW + 1999)["keys"]) == 2  # type: ignore[arg-type]
    assert len(keys.jwks(NOW + 2000)["keys"]) == 1  # type: ignore[arg-type]


async def test_a_key_that_another_process_made_is_found(storage: Storage) -> None:
    keys = await open_signing_keys(storage.signing_keys, SEALER, algorithm="ES256", now=NOW)
    new = await add_key(storage, signs_from=NOW, retire_at=NOW + 10)
    found = await keys.find(new, NOW)
    assert found is not None
    assert found.kid == new
    assert await keys.find("unknown", NOW) is None


async def test_a_key_that_is_over_verifies_nothing(storage: Storage) -> None:
    keys = await open_signing_keys(storage.signing_keys, SEALER, algorithm="ES256", now=NOW)
    old = keys.current(NOW).kid
    await add_key(storage, signs_from=NOW, retire_at=NOW + 10)
    await keys.reload()
    assert await keys.find(old, NOW + 9) is not None
    assert await keys.find(old, NOW + 10) is None


async def test_a_database_from_which_somebody_removed_the_keys_is_said_so(
    tmp_path: Path, storage: Storage
) -> None:
    await first_start(storage)
    with contextlib.closing(sqlite3.connect(tmp_path / "test.db")) as database:
        database.execute("DELETE FROM signing_keys")
        database.commit()
    with pytest.raises(UnusableStorage, match="run dcr-server keys rotate"):
        await first_start(storage)
    await rotate(storage.signing_keys, SEALER, Wish("ES256"), now=NOW)
    assert (await first_start(storage)).current(NOW).algorithm == "ES256"


async def test_without_a_key_in_force_nothing_is_signed(storage: Storage) -> None:
    keys = await open_signing_keys(storage.signing_keys, SEALER, algorithm="ES256", now=NOW)
    with pytest.raises(StorageUnavailable, match="no signing key"):
        keys.current(NOW - 1)


async def test_a_running_server_keeps_its_keys_when_they_are_sealed_anew(storage: Storage) -> None:
    keys = await open_signing_keys(storage.signing_keys, SEALER, algorithm="ES256", now=NOW)
    kid = keys.newest.kid
    sealed = OTHER_SEALER.seal(b"{}", place=place_of(kid))
    await storage.signing_keys.reseal(kid, sealed, now=NOW, origin=COMMAND_LINE)
    await keys.reload()
    assert keys.current(NOW).record.sealed_private_key == sealed


async def test_a_running_server_notices_a_rotation_by_itself(storage: Storage) -> None:
    keys = await open_signing_keys(storage.signing_keys, SEALER, algorithm="ES256", now=NOW)
    async with keys.followed(seconds=0.001), asyncio.timeout(5):
        new = await add_key(storage, signs_from=NOW + 900, retire_at=NOW + 2000)
        # The clock of the loop is what it waits for, not an event of ours.
        while keys.newest.kid != new:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.001)


async def test_a_reload_that_fails_changes_nothing(storage: Storage) -> None:
    keys = await open_signing_keys(storage.signing_keys, SEALER, algorithm="ES256", now=NOW)
    before = keys.jwks(NOW)
    foreign = new_signing_key("ES256", OTHER_SEALER, now=NOW, signs_from=NOW)
    await storage.signing_keys.add(foreign, retire_at=NOW, origin=COMMAND_LINE)
    with pytest.raises(WrongEncryptionKey):
        await keys.reload()
    assert await keys.find(foreign.kid, NOW) is None
    assert keys.jwks(NOW) == before


def test_caches_know_a_key_before_it_signs() -> None:
    assert SECONDS_PUBLISHED_BEFORE >= 2 * (SECONDS_BETWEEN_LOOKS + SECONDS_THAT_CACHES_KEEP)
    assert LONGEST_ACCESS_TOKEN_LIFETIME == 24 * 60 * 60
