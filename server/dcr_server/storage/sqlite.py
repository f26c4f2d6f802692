"""Storage in one SQLite file: for one server process and the command line beside it."""

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Final, cast

from dcr_server.records import InitialAccessToken, Owner, SigningKey
from dcr_server.storage.group_commit import GroupCommitWriter
from dcr_server.storage.sqlite_clients import SqliteClients
from dcr_server.storage.sqlite_connection import (
    SqliteReader,
    connect_to_read,
    connect_to_write,
)
from dcr_server.storage.sqlite_schema import MIGRATIONS, bring_up_to_date

_MOST_RECENT: Final = 1000
_SECONDS_RECENT: Final = 1.0

BUSY_TIMEOUT: Final = 5.0
"""Seconds to wait for another process that writes, such as `dcr-server token create`."""


class SqliteStorage:
    """Made by `open_sqlite_storage`, closed by whoever opened it."""

    def __init__(self, writer: GroupCommitWriter, reader: SqliteReader) -> None:
        self._writer = writer
        self._reader = reader
        self.clients = SqliteClients(writer, reader)
        self.initial_access_tokens = SqliteInitialAccessTokens(writer, reader)
        self.signing_keys = SqliteSigningKeys(writer, reader)

    async def check(self) -> None:
        self._reader.row("SELECT 1 FROM schema_version")
        # A write costs an fsync: only to learn whether what failed before works again.
        if self._writer.failing:
            await self._writer.run(_write_nothing_of_importance)

    async def close(self) -> None:
        await self._writer.close()
        self._reader.close()


async def open_sqlite_storage(path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> SqliteStorage:
    """Open the file, made and migrated as needed.

    Raises UnusableStorage or StorageUnavailable with a text for the person who configured it.
    """
    connection = await asyncio.to_thread(_open_to_write, path, busy_timeout)
    reader = SqliteReader(connect_to_read(path))
    return SqliteStorage(GroupCommitWriter(connection, busy_timeout=busy_timeout), reader)


def _open_to_write(path: Path, busy_timeout: float) -> sqlite3.Connection:
    connection = connect_to_write(path, busy_timeout=busy_timeout)
    try:
        bring_up_to_date(connection, path, MIGRATIONS)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_nothing_of_importance(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE schema_version SET version = version")


class SqliteInitialAccessTokens:
    """Remembers for a second a token that was found and has no limit of uses.

    No registration rests on it: its transaction looks at the token itself.
    """

    def __init__(self, writer: GroupCommitWriter, reader: SqliteReader) -> None:
        self._writer = writer
        self._reader = reader
        self._recent: dict[bytes, tuple[float, InitialAccessToken]] = {}

    async def add(self, token: InitialAccessToken) -> None:
        await self._writer.run(lambda connection: _add_initial_access_token(connection, token))

    async def find(self, token_hash: bytes) -> InitialAccessToken | None:
        until, recent = self._recent.get(token_hash, (0.0, None))
        if recent is not None and time.monotonic() < until:
            return recent
        found = self._look_up(token_hash)
        if found is not None and found.max_uses is None:
            if len(self._recent) >= _MOST_RECENT:
                self._recent.clear()
            self._recent[token_hash] = (time.monotonic() + _SECONDS_RECENT, found)
        return found

    def _look_up(self, token_hash: bytes) -> InitialAccessToken | None:
        row = self._reader.row(
            """SELECT policy, subject, created_at, expires_at, max_uses, uses, note
                FROM initial_access_tokens WHERE token_hash = ?""",
            (token_hash,),
        )
        if row is None:
            return None
        # The columns' types, as the schema declares and `add` writes them.
        policy, subject, created_at, expires_at, max_uses, uses, note = cast(
            "tuple[str, str, int, int | None, int | None, int, str]", row
        )
        return InitialAccessToken(
            token_hash=token_hash,
            owner=Owner(policy=policy, subject=subject),
            created_at=created_at,
            expires_at=expires_at,
            max_uses=max_uses,
            uses=uses,
            note=note,
        )


def _add_initial_access_token(connection: sqlite3.Connection, token: InitialAccessToken) -> None:
    connection.execute(
        """INSERT INTO initial_access_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING""",
        (
            token.token_hash,
            token.owner.policy,
            token.owner.subject,
            token.created_at,
            token.expires_at,
            token.max_uses,
            token.uses,
            token.note,
        ),
    )


class SqliteSigningKeys:
    def __init__(self, writer: GroupCommitWriter, reader: SqliteReader) -> None:
        self._writer = writer
        self._reader = reader

    async def all(self) -> tuple[SigningKey, ...]:
        rows = self._reader.rows(
            "SELECT kid, sealed_private_key, created_at FROM signing_keys ORDER BY created_at, kid"
        )
        return tuple(SigningKey(*cast("tuple[str, bytes, int]", row)) for row in rows)

    async def add_first(self, key: SigningKey) -> None:
        await self._writer.run(lambda connection: _add_first_signing_key(connection, key))


def _add_first_signing_key(connection: sqlite3.Connection, key: SigningKey) -> None:
    connection.execute(
        """INSERT INTO signing_keys SELECT ?, ?, ?
            WHERE NOT EXISTS (SELECT 1 FROM signing_keys)""",
        (key.kid, key.sealed_private_key, key.created_at),
    )
