"""What may look at every row is read beside the event loop, what takes microseconds on it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Hashable
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio

from dcr_server.storage.database import Database, DatabaseStorage
from dcr_server.storage.operations import Begin, BeginAll, Operation
from dcr_server.storage.protocol import StorageUnavailable
from dcr_server.storage.requests import AuditFilter, ClientFilter
from dcr_server.storage.sqlite import Scanner, open_sqlite_storage

T = TypeVar("T")
Item = TypeVar("Item")
COUNT_FOR_EVER = """WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers)
    SELECT count(*) FROM numbers"""


class Listening:
    """A database that notes by which way it is asked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked: list[str] = []

    async def read(self, operation: Operation[T]) -> T:
        self.asked.append("read")
        return await self._database.read(operation)

    async def scan(self, operation: Operation[T]) -> T:
        self.asked.append("scan")
        return await self._database.scan(operation)

    async def write(self, begin: Begin[T]) -> T:
        self.asked.append("write")
        return await self._database.write(begin)

    async def write_together(self, begin: BeginAll[Item, T], key: Hashable, item: Item) -> T:
        self.asked.append("write")
        return await self._database.write_together(begin, key, item)

    async def check(self) -> None:
        await self._database.check()

    async def close(self) -> None:
        await self._database.close()


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Listening]:
    listening = Listening((await open_sqlite_storage(tmp_path / "db"))._database)
    yield listening
    await listening.close()


def thread_after(sql: str) -> Operation[str]:
    yield sql, ()
    return threading.current_thread().name


async def test_lists_are_scans_and_what_a_request_needs_is_read(database: Listening) -> None:
    storage = DatabaseStorage(database)
    await storage.clients.page(ClientFilter(subject="a"), after="", limit=10)
    await storage.initial_access_tokens.page("a", after="", limit=10)
    await storage.audit.page(AuditFilter(subject="a"), after=0, limit=10)
    await storage.clients.find("a")
    await storage.initial_access_tokens.find(b"a")
    assert database.asked == ["scan"] * 3 + ["read"] * 2


async def test_a_scan_has_a_thread_of_its_own(database: Listening) -> None:
    assert (await database.scan(thread_after("SELECT 1"))).startswith("sqlite-scanner")
    assert await database.read(thread_after("SELECT 1")) == threading.current_thread().name


async def test_others_are_served_while_a_scan_goes_on_and_closing_ends_it(
    database: Listening,
) -> None:
    scanning = asyncio.create_task(database.scan(thread_after(COUNT_FOR_EVER)))
    for _ in range(100):
        await database.read(thread_after("SELECT 1"))
        await asyncio.sleep(0)
    assert not scanning.done()
    await database.close()
    with pytest.raises(StorageUnavailable):
        await scanning


async def test_what_waits_for_a_scan_is_refused_when_it_is_closed(tmp_path: Path) -> None:
    storage = await open_sqlite_storage(tmp_path / "db")
    scanner = Scanner(tmp_path / "db")
    waiting = [
        asyncio.create_task(scanner.run(thread_after(sql))) for sql in (COUNT_FOR_EVER, "SELECT 1")
    ]
    # So that the first has begun: what comes before it has been done.
    await asyncio.sleep(0)
    await scanner.close()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StorageUnavailable] * 2
    with pytest.raises(StorageUnavailable, match="closed"):
        await scanner.run(thread_after("SELECT 1"))
    await storage.close()


async def test_a_statement_that_fails_is_an_outage_and_the_next_one_works(
    database: Listening,
) -> None:
    with pytest.raises(StorageUnavailable, match="cannot be read"):
        await database.scan(thread_after("SELECT 1 FROM nowhere"))
    assert await database.scan(thread_after("SELECT 1"))
