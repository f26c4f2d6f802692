"""Storage in PostgreSQL: for any number of server processes on any number of machines."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Hashable, Sequence
from typing import Final, TypeVar

import asyncpg

from dcr_server.storage import probes
from dcr_server.storage.database import DatabaseStorage
from dcr_server.storage.operations import Begin, BeginAll, Operation, Row
from dcr_server.storage.postgres_connection import LOST, Connector, Session, what_it_said
from dcr_server.storage.postgres_performer import perform
from dcr_server.storage.postgres_schema import MIGRATIONS, bring_up_to_date, check_up_to_date
from dcr_server.storage.postgres_writer import PostgresWriter
from dcr_server.storage.protocol import StorageUnavailable

_READERS: Final = 4
# Stale: another process has migrated the schema since the statement was prepared.
_LOST_OR_STALE: Final = (*LOST, asyncpg.InvalidCachedStatementError)

T = TypeVar("T")
Item = TypeVar("Item")


class PostgresDatabase:
    """One connection that writes, some that read, each made when it is first needed."""

    def __init__(self, connector: Connector, writer: PostgresWriter) -> None:
        self._connector = connector
        self._writer = writer
        # The one that was used last first: as few connections as the load needs.
        self._idle: asyncio.LifoQueue[Session] = asyncio.LifoQueue()
        for _ in range(_READERS):
            self._idle.put_nowait(Session(connector))

    async def read(self, operation: Operation[T]) -> T:
        async with self._reader() as session:

            async def fetch(sql: str, parameters: Row) -> Sequence[asyncpg.Record]:
                return await _fetch(session, sql, parameters)

            return await perform(fetch, operation)

    async def scan(self, operation: Operation[T]) -> T:
        # The server looks at the rows, and we wait as for any others.
        return await self.read(operation)

    async def write(self, begin: Begin[T]) -> T:
        return await self._writer.run(begin)

    async def write_together(self, begin: BeginAll[Item, T], key: Hashable, item: Item) -> T:  # noqa: ARG002 - there is no other item
        # The writer sends what waits together on one way to the server as it is.
        (outcome,) = await self._writer.run(lambda: begin([item]))
        return outcome

    async def check(self) -> None:
        await self.read(probes.look())
        # A write costs an fsync: only to learn whether what failed before works again.
        if self._writer.failing:
            await self.write(probes.write)

    async def close(self) -> None:
        await self._writer.close()
        while not self._idle.empty():
            await self._idle.get_nowait().close()

    @contextlib.asynccontextmanager
    async def _reader(self) -> AsyncIterator[Session]:
        try:
            async with asyncio.timeout(self._connector.patience):
                session = await self._idle.get()
        except TimeoutError:
            raise StorageUnavailable("the database is too slow for all that is asked") from None
        try:
            yield session
        finally:
            self._idle.put_nowait(session)


async def _fetch(session: Session, sql: str, parameters: Row) -> Sequence[asyncpg.Record]:
    """Raises StorageUnavailable; a connection that was lost while nobody looked is replaced."""
    try:
        return await _ask(session, sql, parameters)
    except TimeoutError as error:
        raise _unreadable(error) from error
    except _LOST_OR_STALE:
        session.give_up()
    try:
        return await _ask(session, sql, parameters)
    except _LOST_OR_STALE as error:
        session.give_up()
        raise _unreadable(error) from error


async def _ask(session: Session, sql: str, parameters: Row) -> Sequence[asyncpg.Record]:
    connection = await session.connected()
    try:
        return await session.within_patience(connection, connection.fetch(sql, *parameters))
    except (*_LOST_OR_STALE, asyncpg.DataError):
        raise
    except asyncpg.PostgresError as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> StorageUnavailable:
    return StorageUnavailable(f"the database cannot be read: {what_it_said(error)}")


async def open_postgres_storage(
    url: str, *, patience: float, migrate: bool = True
) -> DatabaseStorage:
    """Open the database, migrated as needed, or as it is.

    Patience is the seconds for a connection to be made, and for a statement to be answered.
    Raises UnusableStorage or StorageUnavailable with a text for the person who configured it.
    """
    connector = Connector(url, patience=patience)
    session = Session(connector)
    try:
        check = bring_up_to_date if migrate else check_up_to_date
        await check(await session.connected(), MIGRATIONS)
    except BaseException:
        await session.close()
        raise
    return DatabaseStorage(PostgresDatabase(connector, PostgresWriter(session)))
