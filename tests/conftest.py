"""The PostgreSQL that tests of the server share: one for each worker, a fresh schema per test."""

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import Scheduling

from tests.cluster.failures import MissingPrerequisiteError
from tests.distribution import StagedScheduling
from tests.processes.postgresql import Postgresql, running_postgresql
from tests.processes.postgresql_programs import PostgresqlPrograms, postgresql_programs

# Schemas are made in advance: starting psql for each would take longer than most tests.
_AT_ONCE = 20


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return StagedScheduling(config, log)


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


@pytest.fixture(scope="session")
def _postgresql_schemas(postgresql: Postgresql) -> Iterator[str]:
    return (url for _ in itertools.count() for url in postgresql.fresh_schemas(_AT_ONCE))


@pytest.fixture
def postgresql_database(_postgresql_schemas: Iterator[str]) -> str:
    """Return the URL of a schema that nobody else has."""
    return next(_postgresql_schemas)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a database is that nobody else has: the test runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'dcr-server.db'}"
    url: str = request.getfixturevalue("postgresql_database")
    return url


@pytest.fixture(autouse=True)
def _loggers_forget_their_first_use() -> Iterator[None]:
    """A logger keeps the configuration of its first use, such as that of a program run by a test.

    Tests after it, which capture what is logged, would see nothing.
    """
    yield
    for name, module in tuple(sys.modules.items()):
        if name.startswith(("dcr_server.", "dcr_operator.")):
            log = vars(module).get("log")
            if hasattr(log, "__dict__"):
                vars(log).pop("bind", None)
