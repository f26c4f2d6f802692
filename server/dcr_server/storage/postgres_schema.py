"""The tables in PostgreSQL, by the same numbers as those of SQLite.

Version 1 never was in a PostgreSQL: its migration is empty, and the second makes everything.
"""

import itertools
from collections.abc import Iterator
from typing import Final

import asyncpg

from dcr_server.storage.postgres_connection import (
    LOST,
    WRITERS,
    Connection,
    what_it_said,
)
from dcr_server.storage.protocol import StorageUnavailable, UnusableStorage
from dcr_server.storage.schema_versions import refuse_another, refuse_newer

Migrations = tuple[tuple[str, ...], ...]

_PATIENTLY: Final = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'"

# COLLATE "C": compared byte by byte, as SQLite does, whatever becomes of the system's locales.
MIGRATIONS: Final[Migrations] = (
    (),
    (
        """CREATE TABLE clients (
            client_id TEXT COLLATE "C" PRIMARY KEY,
            policy TEXT COLLATE "C" NOT NULL,
            subject TEXT COLLATE "C" NOT NULL,
            issued_at BIGINT NOT NULL,
            expires_at BIGINT,
            unused_expires_at BIGINT,
            statement_issuer TEXT NOT NULL DEFAULT '',
            credentials TEXT NOT NULL,
            overlapping TEXT NOT NULL DEFAULT '[]',
            metadata TEXT NOT NULL
        )""",
        "CREATE INDEX clients_by_owner ON clients (policy, subject, client_id)",
        "CREATE INDEX clients_by_expiry ON clients (expires_at) WHERE expires_at IS NOT NULL",
        """CREATE INDEX clients_by_unused_expiry ON clients (unused_expires_at)
            WHERE unused_expires_at IS NOT NULL""",
        # fillfactor: rows that are written all the time find room for the next version beside them.
        """CREATE TABLE client_counts (
            policy TEXT COLLATE "C" PRIMARY KEY,
            clients BIGINT NOT NULL
        ) WITH (fillfactor = 20)""",
        """CREATE TABLE initial_access_tokens (
            token_hash BYTEA PRIMARY KEY,
            policy TEXT COLLATE "C" NOT NULL,
            subject TEXT COLLATE "C" NOT NULL,
            created_at BIGINT NOT NULL,
            expires_at BIGINT,
            max_uses BIGINT,
            uses BIGINT NOT NULL,
            note TEXT NOT NULL
        ) WITH (fillfactor = 50)""",
        """CREATE INDEX initial_access_tokens_by_expiry ON initial_access_tokens (expires_at)
            WHERE expires_at IS NOT NULL""",
        """CREATE TABLE idempotency_keys (
            key_hash BYTEA PRIMARY KEY,
            body_hash BYTEA NOT NULL,
            client_id TEXT COLLATE "C" NOT NULL,
            expires_at BIGINT
        )""",
        "CREATE INDEX idempotency_keys_by_client ON idempotency_keys (client_id)",
        """CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at)
            WHERE expires_at IS NOT NULL""",
        """CREATE TABLE signing_keys (
            kid TEXT COLLATE "C" PRIMARY KEY,
            sealed_private_key BYTEA NOT NULL,
            created_at BIGINT NOT NULL,
            algorithm TEXT NOT NULL DEFAULT 'ES256',
            signs_from BIGINT NOT NULL DEFAULT 0,
            expires_at BIGINT
        )""",
        # One row at most: whoever puts it there makes the first key.
        "CREATE TABLE signing_key_made (one BIGINT PRIMARY KEY)",
        """CREATE TABLE used_assertions (
            assertion_hash BYTEA PRIMARY KEY,
            expires_at BIGINT NOT NULL
        )""",
        "CREATE INDEX used_assertions_by_expiry ON used_assertions (expires_at)",
        """CREATE TABLE revoked_tokens (
            jwt_id TEXT COLLATE "C" PRIMARY KEY,
            expires_at BIGINT NOT NULL
        )""",
        "CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at)",
        """CREATE TABLE audit (
            id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at BIGINT NOT NULL,
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
        "CREATE TABLE audit_kept_from (one BIGINT PRIMARY KEY, at BIGINT NOT NULL)",
        # Nothing changes what was done; a retention, or a database that is thrown away, forgets it.
        """CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$""",
        """CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR TRUNCATE ON audit
            FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()""",
        """CREATE FUNCTION audit_is_retained() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF OLD.at >= coalesce((SELECT at FROM audit_kept_from), OLD.at) THEN
                RAISE EXCEPTION 'the audit trail is append-only';
            END IF;
            RETURN OLD;
            END $$""",
        """CREATE TRIGGER audit_is_retained BEFORE DELETE ON audit
            FOR EACH ROW EXECUTE FUNCTION audit_is_retained()""",
    ),
)


async def bring_up_to_date(connection: Connection, migrations: Migrations) -> None:
    """Migrate in one transaction, whoever else starts at the same time.

    Raises UnusableStorage for a database that a newer version has written, or that we may not
    change; StorageUnavailable when it cannot be written now.
    """
    try:
        if await _version(connection) != len(migrations):
            await _migrate(connection, migrations)
    except asyncpg.InsufficientPrivilegeError as error:
        raise UnusableStorage(
            f"the database cannot be migrated: {what_it_said(error)}: make its user the owner of "
            "the database, or give it a schema of its own"
        ) from error
    except (*LOST, asyncpg.PostgresError) as error:
        raise StorageUnavailable(
            f"the database cannot be migrated: {what_it_said(error)}"
        ) from error


async def check_up_to_date(connection: Connection, migrations: Migrations) -> None:
    """Change nothing. Raises UnusableStorage for another version; StorageUnavailable."""
    try:
        version = await _version(connection)
    except (*LOST, asyncpg.PostgresError) as error:
        raise StorageUnavailable(f"the database cannot be read: {what_it_said(error)}") from error
    refuse_another("the database", version, len(migrations))


async def _migrate(connection: Connection, migrations: Migrations) -> None:
    # Whatever the default is: what is read has to be of after the wait for the lock.
    async with connection.transaction(isolation="read_committed"):
        # A large table takes its time; another process that migrates one, too.
        await connection.execute(_PATIENTLY)
        await connection.execute(f"SELECT pg_advisory_xact_lock({WRITERS})")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)"
        )
        for statement in _missing_statements(await _version(connection), migrations):
            await connection.execute(statement)
        await connection.execute("DELETE FROM schema_version")
        await connection.execute("INSERT INTO schema_version VALUES ($1)", len(migrations))


def _missing_statements(version: int, migrations: Migrations) -> Iterator[str]:
    refuse_newer("the database", version, len(migrations))
    return itertools.chain.from_iterable(migrations[version:])


async def _version(connection: Connection) -> int:
    if await connection.fetchval("SELECT to_regclass('schema_version')::text") is None:
        return 0
    version = await connection.fetchval("SELECT version FROM schema_version")
    return 0 if version is None else int(version)
