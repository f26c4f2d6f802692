"""The PostgreSQL of the tests: durable, alone with its database, and gone when it has to be."""

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.processes.child_process import ProcessFailedError
from tests.processes.postgresql import Postgresql, running_postgresql, start_postgresql
from tests.processes.postgresql_programs import PostgresqlPrograms
from tests.unit.processes.test_child_process import has_ended

PARENT = """
import sys
from pathlib import Path
from tests.processes.postgresql import running_postgresql
from tests.processes.postgresql_programs import postgresql_programs
with running_postgresql(postgresql_programs()) as server:
    print(server.settings.directory, *server._pids(), flush=True)
    sys.stdin.read()
"""


def query(server: Postgresql, url: str, statement: str) -> str:
    schema = url.partition("search_path=")[2]
    return server.sql("postgres", f"SET search_path = {schema}; {statement}")


def test_a_commit_returns_after_the_disk_has_it(postgresql: Postgresql) -> None:
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        assert postgresql.sql("postgres", f"SHOW {name}") == "on"


def test_every_test_has_tables_of_its_own(postgresql: Postgresql) -> None:
    one, other = postgresql.fresh_schemas(2)
    query(postgresql, one, "CREATE TABLE a (x int)")
    assert query(postgresql, one, "SELECT to_regclass('a')") == "a"
    assert query(postgresql, other, "SELECT to_regclass('a')") == ""


def test_a_fresh_database_is_empty(postgresql: Postgresql) -> None:
    name = urlsplit(postgresql.fresh_database()).path.removeprefix("/")
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert postgresql.sql(name, tables) == "0"


def test_a_password_is_needed(postgresql: Postgresql) -> None:
    where = ["-h", "127.0.0.1", "-p", str(postgresql.settings.port), "-U", "dcr", "-w"]
    done = subprocess.run(
        [postgresql.settings.programs["psql"], *where, "-c", "SELECT 1", "postgres"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no password supplied" in done.stderr


def test_what_was_committed_survives_a_crash(postgresql_installed: PostgresqlPrograms) -> None:
    with running_postgresql(postgresql_installed) as server:
        server.sql("postgres", "CREATE TABLE a (x int)")
        server.sql("postgres", "INSERT INTO a VALUES (1)")
        server.kill_9()
        with pytest.raises(ProcessFailedError):
            server.sql("postgres", "SELECT 1")
        again = start_postgresql(server.settings)
        assert again.sql("postgres", "SELECT x FROM a") == "1"
        again.stop()


def test_one_that_is_frozen_goes_on_later(postgresql_installed: PostgresqlPrograms) -> None:
    with running_postgresql(postgresql_installed) as server:
        with server.frozen():
            state = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii")
            assert state.rpartition(")")[2].split()[0] == "T"
        assert server.sql("postgres", "SELECT 1") == "1"


def test_it_dies_with_its_parent(postgresql: Postgresql) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    with parent:
        assert parent.stdout is not None
        folder, *pids = parent.stdout.readline().decode().split()
        parent.kill()
    assert pids
    for pid in map(int, pids):
        postgresql.process.wait_for(partial(has_ended, pid), f"the end of process {pid}")
    shutil.rmtree(folder)
