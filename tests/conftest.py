"""The PostgreSQL that tests of the server share: one for each worker, a fresh database per test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.failures import MissingPrerequisiteError
from tests.processes.postgresql import Postgresql, running_postgresql
from tests.processes.postgresql_programs import PostgresqlPrograms, postgresql_programs


@pytest.fixture(scope="session")
def postgresql_installed() -> PostgresqlPrograms:
    try:
        return postgresql_programs()
    except MissingPrerequisiteError as missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(missing))


@pytest.fixture(scope="session")
def postgresql(postgresql_installed: PostgresqlPrograms) -> Iterator[Postgresql]:
    """A server for tests that leave it as it is."""
    with running_postgresql(postgresql_installed) as server:
        yield server


@pytest.fixture
def postgresql_database(postgresql: Postgresql) -> str:
    """Return the URL of a database that nobody else has."""
    return postgresql.fresh_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a database is that nobody else has: the test runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'dcr-server.db'}"
    url: str = request.getfixturevalue("postgresql_database")
    return url
