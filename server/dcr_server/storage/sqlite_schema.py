"""The tables, as a list of forward migrations; a database knows how many of them it has seen."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dcr_server.storage.protocol import StorageUnavailable, UnusableStorage
from dcr_server.storage.schema_versions import refuse_another, refuse_newer

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
    (
        # Of each secret instead, beside its hash; until now none expired.
        "ALTER TABLE clients DROP COLUMN secret_expires_at",
        "ALTER TABLE clients ADD COLUMN overlapping TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE clients ADD COLUMN expires_at INTEGER",
        "ALTER TABLE clients ADD COLUMN unused_expires_at INTEGER",
        # No client of version 1 was registered by a statement.
        "ALTER TABLE clients ADD COLUMN statement_issuer TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX clients_by_owner ON clients (policy, subject, client_id)",
        "CREATE INDEX clients_by_expiry ON clients (expires_at) WHERE expires_at IS NOT NULL",
        """CREATE INDEX clients_by_unused_expiry ON clients (unused_expires_at)
            WHERE unused_expires_at IS NOT NULL""",
        """CREATE INDEX initial_access_tokens_by_expiry ON initial_access_tokens (expires_at)
            WHERE expires_at IS NOT NULL""",
        "ALTER TABLE signing_keys ADD COLUMN algorithm TEXT NOT NULL DEFAULT 'ES256'",
        "ALTER TABLE signing_keys ADD COLUMN signs_from INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE signing_keys ADD COLUMN expires_at INTEGER",
        # One row at most: whoever puts it there makes the first key.
        "CREATE TABLE signing_key_made (one INTEGER PRIMARY KEY)",
        """CREATE TABLE used_assertions (
            assertion_hash BLOB PRIMARY KEY,
            expires_at INTEGER NOT NULL
        ) WITHOUT ROWID""",
        "CREATE INDEX used_assertions_by_expiry ON used_assertions (expires_at)",
        """CREATE TABLE revoked_tokens (
            jwt_id TEXT PRIMARY KEY,
            expires_at INTEGER NOT NULL
        ) WITHOUT ROWID""",
        "CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at)",
        """CREATE TABLE audit (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            action TEXT NOT NULL,
            policy TEXT NOT NULL,
            subject TEXT NOT NULL,
            client_id TEXT NOT NULL,
            token_id TEXT NOT NULL,
            kid TEXT NOT NULL,
            jti TEXT NOT NULL,
            actor TEXT NOT NULL,
            address TEXT NOT NULL,
            request_id TEXT NOT NULL
        )""",
        # One row at most, where a retention is set: what was told since then is kept.
        "CREATE TABLE audit_kept_from (one INTEGER PRIMARY KEY, at INTEGER NOT NULL)",
        # Nothing changes what was done; a retention, or a file that is thrown away, forgets it.
        """CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
        """CREATE TRIGGER audit_is_retained BEFORE DELETE ON audit
            WHEN old.at >= coalesce((SELECT at FROM audit_kept_from), old.at)
            BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
    ),
)


Migrations = tuple[tuple[str, ...], ...]


def bring_up_to_date(connection: sqlite3.Connection, path: Path, migrations: Migrations) -> None:
    """Migrate in one transaction, whoever else starts at the same time.

    Raises UnusableStorage for a database that a newer version has written, StorageUnavailable
    when it cannot be written now.
    """
    with _errors_that_say_where(path):
        if _version(connection) != len(migrations):
            _migrate(connection, path, migrations)


def check_up_to_date(connection: sqlite3.Connection, path: Path, migrations: Migrations) -> None:
    """Change nothing. Raises UnusableStorage for another version, and as above."""
    with _errors_that_say_where(path):
        refuse_another(path, _version(connection), len(migrations))


@contextlib.contextmanager
def _errors_that_say_where(path: Path) -> Iterator[None]:
    try:
        yield
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
    refuse_newer(path, version, len(migrations))
    return itertools.chain.from_iterable(migrations[version:])


def _version(connection: sqlite3.Connection) -> int:
    known = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'"
    ).fetchone()
    if known is None:
        return 0
    row = connection.execute("SELECT version FROM schema_version").fetchone()
    return 0 if row is None else int(row[0])
