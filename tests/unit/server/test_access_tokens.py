"""Signing keys survive restarts, sealed; without their key nothing opens them."""

from pathlib import Path

import pytest

from dcr_server.access_tokens import open_signer
from dcr_server.encryption import Sealer, WrongEncryptionKey
from dcr_server.storage.sqlite import open_sqlite_storage


async def test_the_first_start_makes_the_key_that_later_ones_find(tmp_path: Path) -> None:
    storage = await open_sqlite_storage(tmp_path / "test.db")
    sealer = Sealer(bytes(32), bytes)
    first = await open_signer(storage.signing_keys, sealer, now=1)
    second = await open_signer(storage.signing_keys, sealer, now=2)
    assert first.jwks() == second.jwks()
    await storage.close()


async def test_another_encryption_key_does_not_open_it(tmp_path: Path) -> None:
    storage = await open_sqlite_storage(tmp_path / "test.db")
    await open_signer(storage.signing_keys, Sealer(bytes(32), bytes), now=1)
    with pytest.raises(WrongEncryptionKey):
        await open_signer(storage.signing_keys, Sealer(b"x" * 32, bytes), now=2)
    await storage.close()


def test_what_is_sealed_opens_in_its_place_only() -> None:
    sealer = Sealer(bytes(32), bytes)
    sealed = sealer.seal(b"value", place="here")
    assert b"value" not in sealed
    assert sealer.open(sealed, place="here") == b"value"
    with pytest.raises(WrongEncryptionKey):
        sealer.open(sealed, place="there")
    with pytest.raises(WrongEncryptionKey):
        sealer.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), place="here")
