"""Migrations of PostgreSQL: the same numbers and the same tables as those of SQLite."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from dcr_server.storage import postgres_schema, sqlite_schema
from dcr_server.storage.postgres_connection import Connection
from dcr_server.storage.postgres_schema import MIGRATIONS, Migrations, bring_up_to_date
from dcr_server.storage.protocol import StorageUnavailable, UnusableStorage
from dcr_server.storage.sqlite_connection import connect_to_write
from tests.processes.postgresql import Postgresql

FIRST: Migrations = (("CREATE TABLE a (x int)",),)
SECOND: Migrations = (*FIRST, ("CREATE TABLE b (x int)", "INSERT INTO b VALUES (1)"))
ENTRY = """INSERT INTO audit (at, action, policy, subject, client_id, token_id, kid, jti, actor,
    address, request_id) VALUES (1, '', '', '', '', '', '', '', '', '', '')"""


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    connection: Connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def bring(url: str, migrations: Migrations) -> None:
    async with connected(url) as connection:
        await bring_up_to_date(connection, migrations)


async def tables(url: str) -> set[str]:
    async with connected(url) as connection:
        rows = await connection.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        )
    return {row["table_name"] for row in rows}


async def test_a_new_database_gets_all_of_them(postgresql_database: str) -> None:
    await bring(postgresql_database, SECOND)
    assert await tables(postgresql_database) == {"schema_version", "a", "b"}


async def test_an_older_database_gets_what_is_missing(postgresql_database: str) -> None:
    for migrations in (FIRST, SECOND, SECOND):
        await bring(postgresql_database, migrations)
    assert await tables(postgresql_database) == {"schema_version", "a", "b"}


async def test_a_newer_database_is_refused(postgresql_database: str) -> None:
    await bring(postgresql_database, SECOND)
    with pytest.raises(UnusableStorage, match=r"schema version 2, this dcr-server knows .* 1"):
        await bring(postgresql_database, FIRST)


async def test_a_migration_that_fails_changes_nothing(postgresql_database: str) -> None:
    await bring(postgresql_database, FIRST)
    failing = (*FIRST, ("CREATE TABLE b (x int)", "INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(StorageUnavailable, match="nowhere"):
        await bring(postgresql_database, failing)
    assert await tables(postgresql_database) == {"schema_version", "a"}


async def test_processes_that_start_together_migrate_once(postgresql_database: str) -> None:
    await asyncio.gather(*(bring(postgresql_database, SECOND) for _ in range(8)))
    async with connected(postgresql_database) as connection:
        assert await connection.fetchval("SELECT count(*) FROM b") == 1


async def test_a_user_who_may_not_make_tables_is_told(postgresql: Postgresql) -> None:
    async with connected(postgresql.fresh_database()) as connection:
        await connection.execute("REVOKE CREATE ON SCHEMA public FROM public")
        await connection.execute("SET ROLE pg_monitor")
        with pytest.raises(UnusableStorage, match="owner of the database"):
            await bring_up_to_date(connection, FIRST)


async def test_both_databases_have_the_same_tables_and_columns(
    postgresql_database: str, tmp_path: Path
) -> None:
    assert len(postgres_schema.MIGRATIONS) == len(sqlite_schema.MIGRATIONS)
    await bring(postgresql_database, MIGRATIONS)
    assert await _columns_in_postgresql(postgresql_database) == _columns_in_sqlite(tmp_path / "db")


async def test_the_audit_trail_cannot_be_changed(postgresql_database: str) -> None:
    await bring(postgresql_database, MIGRATIONS)
    async with connected(postgresql_database) as connection:
        await connection.execute(ENTRY)
        for statement in ("UPDATE audit SET at = 1", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(asyncpg.PostgresError, match="append-only"):
                await connection.execute(statement)


async def test_only_what_is_older_than_the_retention_can_be_removed(
    postgresql_database: str,
) -> None:
    await bring(postgresql_database, MIGRATIONS)
    async with connected(postgresql_database) as connection:
        await connection.execute(ENTRY)
        await connection.execute("INSERT INTO audit_kept_from VALUES (1, 1)")
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await connection.execute("DELETE FROM audit")
        await connection.execute("UPDATE audit_kept_from SET at = 2")
        assert await connection.execute("DELETE FROM audit") == "DELETE 1"


Columns = set[tuple[str, str, bool]]
"""Table, column, whether it may be NULL."""


async def _columns_in_postgresql(url: str) -> Columns:
    async with connected(url) as connection:
        rows = await connection.fetch(
            """SELECT table_name, column_name, is_nullable FROM information_schema.columns
            WHERE table_schema = current_schema()"""
        )
    return {(table, column, nullable == "YES") for table, column, nullable in rows}


def _columns_in_sqlite(path: Path) -> Columns:
    with contextlib.closing(connect_to_write(path, busy_timeout=5)) as connection:
        sqlite_schema.bring_up_to_date(connection, path, sqlite_schema.MIGRATIONS)
        return set(_columns_of_tables(connection))


def _columns_of_tables(connection: sqlite3.Connection) -> list[tuple[str, str, bool]]:
    rows = connection.execute(
        """SELECT m.name, c.name, c."notnull", c.pk FROM sqlite_master AS m
        JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table'"""
    )
    # What SQLite says of a primary key is of no use: that it is not NULL goes without saying.
    return [(table, column, not required and not key) for table, column, required, key in rows]
