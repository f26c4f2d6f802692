"""The tables, as a list of forward migrations; a database knows how many of them it has seen."""

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dcr_server.storage.protocol import StorageUnavailable, UnusableStorage

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        # Ids grow with time: inserts touch the same few pages however many clients there are.
        """CREATE TABLE clients (
            client_id TEXT PRIMARY KEY,
            policy TEXT NOT NULL,
            subject TEXT NOT NULL,
            issued_at INTEGER NOT NULL,
            secret_expires_at INTEGER NOT NULL,
            credentials TEXT NOT NULL,
            metadata TEXT NOT NULL
        )""",
        # Counting rows would make a registration slower with every client.
        """CREATE TABLE client_counts (
            policy TEXT PRIMARY KEY,
            clients INTEGER NOT NULL
        ) WITHOUT ROWID""",
        """CREATE TABLE initial_access_tokens (
            token_hash BLOB PRIMARY KEY,
            policy TEXT NOT NULL,
            subject TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER,
            max_uses INTEGER,
            uses INTEGER NOT NULL,
            note TEXT NOT NULL
        ) WITHOUT ROWID""",
        # expires_at is set when the client goes.
        """CREATE TABLE idempotency_keys (
            key_hash BLOB PRIMARY KEY,
            body_hash BLOB NOT NULL,
            client_id TEXT NOT NULL,
            expires_at INTEGER
        ) WITHOUT ROWID""",
        "CREATE INDEX idempotency_keys_by_client ON idempotency_keys (client_id)",
        """CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at)
            WHERE expires_at IS NOT NULL""",
        """CREATE TABLE signing_keys (
            kid TEXT PRIMARY KEY,
            sealed_private_key BLOB NOT NULL,
            created_at INTEGER NOT NULL
        ) WITHOUT ROWID""",
    ),
)


Migrations = tuple[tuple[str, ...], ...]


def bring_up_to_date(connection: sqlite3.Connection, path: Path, migrations: Migrations) -> None:
    """Migrate in one transaction, whoever else starts at the same time.

    Raises UnusableStorage for a database that a newer version has written, StorageUnavailable
    when it cannot be written now.
    """
    try:
        if _version(connection) != len(migrations):
            _migrate(connection, path, migrations)
    except sqlite3.OperationalError as error:
        raise StorageUnavailable(f"the database {path} cannot be migrated: {error}") from error
    except sqlite3.DatabaseError as error:
        raise UnusableStorage(f"{path} is not a database of dcr-server: {error}") from error


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Migrations) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        for statement in _missing_statements(_version(connection), path, migrations):
            connection.execute(statement)
        connection.execute("DELETE FROM schema_version")
        connection.execute("INSERT INTO schema_version VALUES (?)", (len(migrations),))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _missing_statements(version: int, path: Path, migrations: Migrations) -> Iterator[str]:
    if version > len(migrations):
        raise UnusableStorage(
            f"{path} has schema version {version}, this dcr-server knows versions up to "
            f"{len(migrations)}: start the version that wrote it, or a newer one"
        )
    return itertools.chain.from_iterable(migrations[version:])


def _version(connection: sqlite3.Connection) -> int:
    known = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'"
    ).fetchone()
    if known is None:
        return 0
    row = connection.execute("SELECT version FROM schema_version").fetchone()
    return 0 if row is None else int(row[0])
