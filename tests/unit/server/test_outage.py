"""A database that cannot be written: 503 for now, not ready, nothing half done, and it heals."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest_asyncio

from dcr_server.storage.database import DatabaseStorage
from dcr_server.storage.sqlite import SqliteDatabase
from tests.fakes.dcr_server_app import minting_for, running_server
from tests.unit.server.registrant import Registrant, registrant_at


@pytest_asyncio.fixture
async def registrant(tmp_path: Path) -> AsyncIterator[Registrant]:
    async with registrant_at(tmp_path, busy_timeout=0.02) as registrant:
        yield registrant


async def test_s094_a_locked_database_is_503_with_retry_after(
    registrant: Registrant, tmp_path: Path
) -> None:
    with _locked(tmp_path):
        response = await registrant.post()
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["error"] == "temporarily_unavailable"


async def test_readiness_follows_the_outage_and_heals_by_itself(
    registrant: Registrant, tmp_path: Path
) -> None:
    assert (await registrant.http.get("/readyz")).status_code == 200
    with _locked(tmp_path):
        await registrant.post()
        assert (await registrant.http.get("/readyz")).status_code == 503
        assert (await registrant.http.get("/healthz")).status_code == 200
    assert (await registrant.http.get("/readyz")).status_code == 200


async def test_s093_an_outage_costs_no_use_of_the_token(
    registrant: Registrant, tmp_path: Path
) -> None:
    token = (await registrant.mint(max_uses=1)).get_secret_value()
    with _locked(tmp_path):
        assert (await registrant.post(token=token)).status_code == 503
    assert (await registrant.post(token=token)).status_code == 201


async def test_a_database_that_became_read_only_is_503_until_it_is_not(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    # SQLite's own switch stands for a file system that is read-only: the error is the same.
    _switch_read_only(registrant, "ON")
    assert (await registrant.post()).status_code == 503
    assert (await registrant.http.get("/readyz")).status_code == 503
    assert (await registrant.read(client.uri, client.token)).status_code == 200
    _switch_read_only(registrant, "OFF")
    assert (await registrant.http.get("/readyz")).status_code == 200
    assert (await registrant.post()).status_code == 201


async def test_reads_go_on_while_another_process_writes(
    registrant: Registrant, tmp_path: Path
) -> None:
    client = await registrant.register()
    with _locked(tmp_path):
        assert (await registrant.read(client.uri, client.token)).status_code == 200
        assert (await registrant.get_token(client.basic)).status_code == 200


async def test_what_another_process_wrote_is_seen(registrant: Registrant, tmp_path: Path) -> None:
    async with running_server(tmp_path) as other:
        token = (await minting_for(other)()).get_secret_value()
    assert (await registrant.post(token=token)).status_code == 201


def _switch_read_only(registrant: Registrant, query_only: str) -> None:
    storage = registrant.server.storage
    assert isinstance(storage, DatabaseStorage)
    assert isinstance(storage._database, SqliteDatabase)
    storage._database._writer._connection.execute(f"PRAGMA query_only = {query_only}")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(folder / "dcr-server.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()
