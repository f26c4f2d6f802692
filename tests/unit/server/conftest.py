from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.unit.server.administrator import Administrator, administrator_at
from tests.unit.server.registrant import Registrant, registrant_at


@pytest_asyncio.fixture
async def administrator(tmp_path: Path, database: str | None) -> AsyncIterator[Administrator]:
    async with administrator_at(tmp_path, database=database) as administrator:
        yield administrator


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str | None:
    """Return the URL of both kinds in turn to tests that are marked so; else None: SQLite."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    url: str = request.getfixturevalue("postgresql_database")
    return url


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames and metafunc.definition.get_closest_marker(
        "both_databases"
    ):
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest_asyncio.fixture
async def registrant(tmp_path: Path, database: str | None) -> AsyncIterator[Registrant]:
    async with registrant_at(tmp_path, database=database) as registrant:
        yield registrant
