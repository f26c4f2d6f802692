"""`dcr-server keys` beside a running server: what it prints, what it changes, what it refuses."""

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result

from dcr_server.cli import main
from dcr_server.encryption import Sealer
from dcr_server.records import SigningKey
from dcr_server.signing_keys import open_signing_keys
from dcr_server.storage.protocol import Storage
from dcr_server.storage.sqlite import open_sqlite_storage
from dcr_server.tokens import system_clock, system_entropy

KEY, NEXT_KEY = (bytes([number]) * 32 for number in (1, 2))
SETTINGS = {"DCR_SERVER_DATABASE": "sqlite:///test.db"}

T = TypeVar("T")


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def with_storage(work: Callable[[Storage], Coroutine[object, object, T]]) -> T:
    async def at_the_database() -> T:
        storage = await open_sqlite_storage(Path("test.db"))
        try:
            return await work(storage)
        finally:
            await storage.close()

    return asyncio.run(at_the_database())


@pytest.fixture(autouse=True)
def first_kid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of a server that has been started once."""
    monkeypatch.chdir(tmp_path)

    async def start(storage: Storage) -> str:
        sealer = Sealer(KEY, system_entropy)
        keys = await open_signing_keys(
            storage.signing_keys, sealer, algorithm="ES256", now=int(system_clock())
        )
        return keys.newest.kid

    return with_storage(start)


def run(*arguments: str, key: bytes = KEY, **environment: str) -> Result:
    settings = {**SETTINGS, "DCR_SERVER_ENCRYPTION_KEY": text(key), **environment}
    return CliRunner().invoke(main, ["keys", *arguments], env=settings)


def stored() -> tuple[SigningKey, ...]:
    async def look(storage: Storage) -> tuple[SigningKey, ...]:
        return await storage.signing_keys.all()

    return with_storage(look)


def listed() -> dict[str, str]:
    result = run("list", "--output", "json")
    assert result.exit_code == 0, result.output
    return {row["kid"]: row["state"] for row in json.loads(result.stdout)}


def test_a_rotation_adds_a_key_that_waits_and_again_changes_nothing(first_kid: str) -> None:
    rotated = run("rotate", "--output", "json")
    assert rotated.exit_code == 0, rotated.output
    made = json.loads(rotated.stdout)
    assert (made["state"], made["algorithm"]) == ("waiting", "ES256")
    assert listed() == {first_kid: "signing", made["kid"]: "waiting"}
    again = run("rotate", "--output", "json")
    assert json.loads(again.stdout)["kid"] == made["kid"]
    assert "nothing was to be done" in again.stderr
    assert len(stored()) == 2


def test_the_algorithm_is_that_of_the_settings() -> None:
    rotated = run("rotate", "--output", "json", DCR_SERVER_SIGNING_ALGORITHM="RS256")
    assert json.loads(rotated.stdout)["algorithm"] == "RS256"


def test_a_compromised_key_ends_at_once_and_once(first_kid: str) -> None:
    rotated = run("rotate", "--now", "--kid", first_kid, "--output", "json")
    made = json.loads(rotated.stdout)["kid"]
    assert listed() == {first_kid: "over", made: "signing"}
    again = run("rotate", "--now", "--kid", first_kid, "--output", "json")
    assert (again.exit_code, json.loads(again.stdout)["kid"]) == (0, made)
    assert len(stored()) == 2


def test_a_kid_is_named_with_now_only(first_kid: str) -> None:
    result = run("rotate", "--kid", first_kid)
    assert result.exit_code == 2
    assert "--now" in result.stderr


def test_a_table_is_for_people(first_kid: str) -> None:
    result = run("list")
    assert result.exit_code == 0, result.output
    assert first_kid in result.stdout
    assert "signing" in result.stdout


def test_no_command_shows_what_is_secret() -> None:
    output = "".join(
        result.output for result in (run("list", "--output", "json"), run("rotate"), run("reseal"))
    )
    sealed = [key.sealed_private_key.hex() for key in stored()]
    for secret in (text(KEY), "private", '"d"', *sealed):
        assert secret not in output


def test_the_encryption_key_is_replaced() -> None:
    before = {key.kid: key.sealed_private_key for key in stored()}
    resealed = run("reseal", key=NEXT_KEY, DCR_SERVER_PREVIOUS_ENCRYPTION_KEYS=text(KEY))
    assert (resealed.exit_code, resealed.stdout.split()[0]) == (0, "1")
    assert all(before[key.kid] != key.sealed_private_key for key in stored())
    assert run("reseal", key=NEXT_KEY).stdout.startswith("0 ")
    assert run("rotate", key=NEXT_KEY).exit_code == 0


@pytest.mark.parametrize("command", ["rotate", "reseal"])
def test_another_encryption_key_changes_nothing_and_is_told(command: str) -> None:
    before = stored()
    result = run(command, key=NEXT_KEY)
    assert result.exit_code == 1
    assert "DCR_SERVER_PREVIOUS_ENCRYPTION_KEYS" in result.stderr
    assert stored() == before


def test_a_database_that_is_not_there_is_not_made() -> None:
    result = run("rotate", DCR_SERVER_DATABASE="sqlite:///other.db")
    assert result.exit_code == 1
    assert "does not exist" in result.stderr
    assert not Path("other.db").exists()
