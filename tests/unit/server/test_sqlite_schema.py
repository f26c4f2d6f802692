"""Migrations go forward, once, whoever starts at the same time; a newer schema is refused."""

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from dcr_server.storage.protocol import StorageUnavailable, UnusableStorage
from dcr_server.storage.sqlite_connection import connect_to_write
from dcr_server.storage.sqlite_schema import MIGRATIONS, Migrations, bring_up_to_date

FIRST: Migrations = (("CREATE TABLE a (x)",),)
SECOND: Migrations = (*FIRST, ("CREATE TABLE b (x)", "INSERT INTO b VALUES (1)"))

ENTRY = """INSERT INTO audit (at, action, policy, subject, client_id, token_id, kid, jti, actor,
    address, request_id) VALUES (1, '', '', '', '', '', '', '', '', '', '')"""


def bring(path: Path, migrations: Migrations) -> None:
    with contextlib.closing(connect_to_write(path, busy_timeout=5)) as connection:
        bring_up_to_date(connection, path, migrations)


def tables(path: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def test_a_commit_returns_after_the_disk_has_it(tmp_path: Path) -> None:
    with contextlib.closing(connect_to_write(tmp_path / "db", busy_timeout=5)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_new_database_gets_all_of_them(tmp_path: Path) -> None:
    bring(tmp_path / "db", SECOND)
    assert tables(tmp_path / "db") == {"schema_version", "a", "b"}


def test_an_older_database_gets_what_is_missing(tmp_path: Path) -> None:
    bring(tmp_path / "db", FIRST)
    bring(tmp_path / "db", SECOND)
    bring(tmp_path / "db", SECOND)
    assert tables(tmp_path / "db") == {"schema_version", "a", "b"}


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    bring(tmp_path / "db", SECOND)
    with pytest.raises(UnusableStorage, match=r"schema version 2, this dcr-server knows .* 1"):
        bring(tmp_path / "db", FIRST)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    bring(tmp_path / "db", FIRST)
    with pytest.raises(StorageUnavailable):
        bring(tmp_path / "db", (*FIRST, ("CREATE TABLE b (x)", "INSERT INTO nowhere VALUES (1)")))
    assert tables(tmp_path / "db") == {"schema_version", "a"}


def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            bring(tmp_path / "db", MIGRATIONS)
        except BaseException as error:  # noqa: BLE001 - of whatever kind: told to the test
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert "clients" in tables(tmp_path / "db")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"no database" * 1000)
    with pytest.raises(UnusableStorage, match="db is not a database"):
        bring(tmp_path / "db", MIGRATIONS)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableStorage, match=r"nowhere/db.*No such file"):
        bring(tmp_path / "nowhere" / "db", MIGRATIONS)


def test_only_the_owner_can_read_the_database(tmp_path: Path) -> None:
    bring(tmp_path / "db", MIGRATIONS)
    assert (tmp_path / "db").stat().st_mode & 0o077 == 0


def test_the_audit_trail_cannot_be_changed(tmp_path: Path) -> None:
    bring(tmp_path / "db", MIGRATIONS)
    with contextlib.closing(sqlite3.connect(tmp_path / "db")) as connection:
        connection.execute(ENTRY)
        for statement in ("UPDATE audit SET at = 1", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)


def test_only_what_is_older_than_the_retention_can_be_removed(tmp_path: Path) -> None:
    bring(tmp_path / "db", MIGRATIONS)
    with contextlib.closing(sqlite3.connect(tmp_path / "db")) as connection:
        connection.execute(ENTRY)
        connection.execute("INSERT INTO audit_kept_from VALUES (1, 1)")
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM audit")
        connection.execute("UPDATE audit_kept_from SET at = 2")
        assert connection.execute("DELETE FROM audit").rowcount == 1
