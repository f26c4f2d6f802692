"""Storage in one SQLite file: for the server's processes on one machine and the command line."""

import asyncio
import functools
import sqlite3
from collections.abc import Callable, Coroutine, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from dcr_server.storage import probes
from dcr_server.storage.database import DatabaseStorage
from dcr_server.storage.group_commit import GroupCommitWriter
from dcr_server.storage.operations import CHANGED, FOR_UPDATE, Begin, BeginAll, Each, Operation, Row
from dcr_server.storage.protocol import StorageUnavailable, UnusableStorage
from dcr_server.storage.sqlite_connection import connect_to_read, connect_to_write
from dcr_server.storage.sqlite_schema import (
    MIGRATIONS,
    Migrations,
    bring_up_to_date,
    check_up_to_date,
)
from dcr_server.storage.write_turns import WriteTurns

BUSY_TIMEOUT: Final = 5.0
"""Seconds to wait for another process that writes, such as `dcr-server token create`."""

# Of SQLite's machine, some milliseconds: after so many it is told whether to go on.
_STEPS_BETWEEN_LOOKS: Final = 100_000
_STATEMENTS: Final = 500
_COUNTED: Final[list[Row]] = [(1,)]

T = TypeVar("T")
Item = TypeVar("Item")

Prepare = Callable[[sqlite3.Connection, Path, Migrations], None]


class SqliteDatabase:
    """Reads on the event loop: a point read takes microseconds, a thread would take more.

    What may look at every row is the scanner's.
    """

    def __init__(
        self, writer: GroupCommitWriter, reader: sqlite3.Connection, scanner: "Scanner"
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._scanner = scanner

    async def read(self, operation: Operation[T]) -> T:
        try:
            return perform(self._reader, operation)
        except sqlite3.Error as error:
            raise _unreadable(error) from error

    async def scan(self, operation: Operation[T]) -> T:
        return await self._scanner.run(operation)

    async def write(self, begin: Begin[T]) -> T:
        return await self._writer.run(lambda connection: perform(connection, begin()))

    def write_together(
        self, begin: BeginAll[Item, T], key: Hashable, item: Item
    ) -> Coroutine[Any, Any, T]:
        def perform_all(connection: sqlite3.Connection, items: Sequence[Item]) -> Sequence[T]:
            return perform(connection, begin(items))

        return self._writer.run_together(perform_all, key, item)

    async def check(self) -> None:
        await self.read(probes.look())
        # A write costs an fsync: only to learn whether what failed before works again.
        if self._writer.failing:
            await self.write(probes.write)

    async def close(self) -> None:
        await self._scanner.close()
        await self._writer.close()
        self._reader.close()


class Scanner:
    """Reads in a thread, with a connection of its own, one after the other.

    SQLite leaves the interpreter to others while it looks for rows.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-scanner")
        self._closed = False

    async def run(self, operation: Operation[T]) -> T:
        """Raises StorageUnavailable."""
        if self._closed:
            raise _closed()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._perform, operation)

    def _perform(self, operation: Operation[T]) -> T:
        if self._closed:
            raise _closed()
        try:
            # When the first one asks: most servers are asked for no list.
            if self._connection is None:
                self._connection = connect_to_read(self._path)
                self._connection.set_progress_handler(lambda: self._closed, _STEPS_BETWEEN_LOOKS)
            return perform(self._connection, operation)
        except sqlite3.Error as error:
            raise _unreadable(error) from error

    async def close(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)
        if self._connection is not None:
            self._connection.close()


def _unreadable(error: sqlite3.Error) -> StorageUnavailable:
    return StorageUnavailable(f"the database cannot be read: {error}")


def _closed() -> StorageUnavailable:
    return StorageUnavailable("the database is closed")


def perform(connection: sqlite3.Connection, operation: Operation[T]) -> T:
    """Run an operation within the transaction that is open, if any."""
    cursor = connection.cursor()
    try:
        sql, parameters = next(operation)
        while True:
            statement, counts = _statement(sql)
            if type(parameters) is Each:
                cursor.executemany(statement, parameters)
            else:
                cursor.execute(statement, parameters)
            rows = _COUNTED * cursor.rowcount if counts else cursor.fetchall()
            sql, parameters = operation.send(rows)
    except StopIteration as done:
        outcome: T = done.value
        return outcome


@functools.lru_cache(maxsize=_STATEMENTS)
def _statement(sql: str) -> tuple[str, bool]:
    """Say it in SQLite's words, and whether the rows that it changes are only counted.

    SQLite knows their number; to return rows it would gather them in a table first, which takes
    longer than the change itself.
    """
    # One writer at a time: there is nobody to lock a row against.
    unlocked = sql.removesuffix(FOR_UPDATE)
    return unlocked.removesuffix(CHANGED), unlocked.endswith(CHANGED)


async def open_sqlite_storage(
    path: Path, *, busy_timeout: float = BUSY_TIMEOUT, migrate: bool = True
) -> DatabaseStorage:
    """Open the file, made and migrated as needed, or as it is.

    Raises UnusableStorage or StorageUnavailable with a text for the person who configured it.
    """
    prepare = bring_up_to_date if migrate else check_up_to_date
    connection = await asyncio.to_thread(_open_to_write, path, busy_timeout, prepare)
    try:
        turns = WriteTurns(path)
    except OSError as error:
        connection.close()
        raise UnusableStorage(f"the database {path} cannot be opened: {error.strerror}") from None
    writer = GroupCommitWriter(connection, turns, busy_timeout=busy_timeout)
    return DatabaseStorage(SqliteDatabase(writer, connect_to_read(path), Scanner(path)))


def _open_to_write(path: Path, busy_timeout: float, prepare: Prepare) -> sqlite3.Connection:
    connection = connect_to_write(path, busy_timeout=busy_timeout)
    try:
        prepare(connection, path, MIGRATIONS)
    except BaseException:
        connection.close()
        raise
    return connection
