"""Operations that wait at the same time share a transaction of PostgreSQL and its fsync.

    run(begin) ─┐
    run(begin) ─┴─► batch ──► BEGIN, the lock of all writers
                              each operation; if one fails, again with savepoints
    results ◄──────────────── COMMIT, the one fsync

While a batch is written the next one gathers. Every process that writes takes the same lock first.
Registrations meet in the same rows anyway, those that count uses and clients; one lock for all
makes one process wait for another without deadlocks, for as long as a batch takes.

A batch whose transaction is undone by the server, or whose connection is lost before COMMIT, is
performed again. When the answer to COMMIT is lost nobody knows what was kept: that is an outage.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import asyncpg

from dcr_server.storage.operations import Begin, LostRace, Operation, Row
from dcr_server.storage.postgres_connection import (
    LOST,
    WRITERS,
    Connection,
    Session,
    what_it_said,
)
from dcr_server.storage.postgres_performer import perform
from dcr_server.storage.protocol import StorageUnavailable

# Whatever the database's default is: each statement has to see what was committed while the lock
# was waited for.
_BEGIN: Final = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({WRITERS})"
# Given up after a while, a commit that waits for a standby would be answered as one that is done.
_COMMIT: Final = "SET LOCAL statement_timeout = 0; COMMIT"
_MOST_AT_ONCE: Final = 200
_TRIES: Final = 3

# The transaction is undone, and nothing speaks against doing the same again.
_UNDONE: Final = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InvalidCachedStatementError,
)
# What one operation did wrong, or met: the others may go on.
_OF_ONE_OPERATION: Final = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)
_WORTH_ANOTHER_TRY: Final = (LostRace, asyncpg.UniqueViolationError)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Waiting:
    # Any: a queue of operations of every result type; `run` gives the type back.
    begin: Begin[Any]
    future: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class _Interrupted(Exception):  # noqa: N818 - what happened to a transaction: nothing of it is kept
    pass


class PostgresWriter:
    """Owns the session that writes; belongs to the event loop that made it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: list[_Waiting] = []
        self._working: asyncio.Task[None] | None = None
        self._closed = False
        # Read by readiness: a batch could not be written, and none that changes anything since.
        self.failing = False

    async def run(self, begin: Begin[T]) -> T:
        """Do it in the next transaction.

        Raises StorageUnavailable when nothing of that transaction was kept or nobody knows, and
        what the operation raises when only the operation was undone.
        """
        if self._closed:
            raise StorageUnavailable("the database is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(begin, future))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await future

    async def close(self) -> None:
        """Write what waits, then stop."""
        self._closed = True
        if self._working is not None:
            await self._working
        await self._session.close()

    async def _work(self) -> None:
        while self._waiting:
            batch = self._waiting[:_MOST_AT_ONCE]
            del self._waiting[:_MOST_AT_ONCE]
            _deliver(batch, await self._outcomes(batch))
        self._working = None

    async def _outcomes(self, batch: Sequence[_Waiting]) -> list[object]:
        try:
            outcomes = await self._persist([waiting.begin for waiting in batch])
        except StorageUnavailable as error:
            self.failing = True
            return [_Failed(StorageUnavailable(str(error))) for _ in batch]
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must be told
            self._session.give_up()
            return [_Failed(error) for _ in batch]
        return outcomes

    async def _persist(self, batch: Sequence[Begin[Any]]) -> list[object]:
        for _ in range(_TRIES - 1):
            try:
                return await self._transaction(batch)
            except _Interrupted:
                continue
        try:
            return await self._transaction(batch)
        except _Interrupted as error:
            raise StorageUnavailable(str(error)) from error

    async def _transaction(self, batch: Sequence[Begin[Any]]) -> list[object]:
        """Raises StorageUnavailable, or _Interrupted when it may be tried again."""
        connection = await self._session.connected()
        try:
            outcomes = await self._perform(connection, batch)
            wrote = await self._has_written(connection)
        except asyncpg.ReadOnlySQLTransactionError as error:
            # Whom we are connected to is a standby now; the next connection finds the other.
            self._session.give_up()
            raise _unwritable(error) from error
        except TimeoutError as error:
            self._session.give_up()
            raise _unwritable(error) from error
        except (*LOST, *_UNDONE) as error:
            self._session.give_up()
            raise _Interrupted(f"the database cannot be written: {what_it_said(error)}") from error
        except asyncpg.PostgresError as error:
            await self._roll_back(connection)
            raise _unwritable(error) from error
        await self._commit(connection)
        self.failing = self.failing and not wrote
        return outcomes

    async def _has_written(self, connection: Connection) -> bool:
        """A transaction without changes writes nothing: a full disk does not hinder it."""
        # As long as all is well nobody has to know.
        if not self.failing:
            return True
        asking = connection.fetchval("SELECT txid_current_if_assigned() IS NOT NULL")
        return bool(await self._session.within_patience(connection, asking))

    async def _perform(self, connection: Connection, batch: Sequence[Begin[Any]]) -> list[object]:
        """Expect that none fails; if one does, start over with a savepoint around each."""
        await self._execute(connection, _BEGIN)
        try:
            return [await self._performed(connection, begin()) for begin in batch]
        except Exception as error:
            if _is_the_databases_own(error):
                raise
        await self._execute(connection, "ROLLBACK")
        await self._execute(connection, _BEGIN)
        return [await self._in_savepoint(connection, begin) for begin in batch]

    async def _in_savepoint(self, connection: Connection, begin: Begin[Any]) -> object:
        """Undo a failing operation alone; the database's own failure ends the batch."""
        failed = _Failed(LostRace())
        for _ in range(_TRIES):
            await self._execute(connection, "SAVEPOINT operation")
            try:
                outcome: object = await self._performed(connection, begin())
            except Exception as error:
                if _is_the_databases_own(error):
                    raise
                await self._execute(connection, "ROLLBACK TO operation")
                failed = _Failed(error)
                if not isinstance(error, _WORTH_ANOTHER_TRY):
                    return failed
            else:
                await self._execute(connection, "RELEASE operation")
                return outcome
        return failed

    async def _performed(self, connection: Connection, operation: Operation[T]) -> T:
        async def fetch(sql: str, parameters: Row) -> list[asyncpg.Record]:
            return await self._session.within_patience(
                connection, connection.fetch(sql, *parameters)
            )

        return await perform(fetch, operation)

    async def _commit(self, connection: Connection) -> None:
        try:
            done = await self._execute(connection, _COMMIT)
        except LOST as error:
            self._session.give_up()
            raise StorageUnavailable(
                f"the database did not say whether it has kept a change: {what_it_said(error)}"
            ) from error
        except asyncpg.PostgresError as error:
            self._session.give_up()
            raise _unwritable(error) from error
        if done != "COMMIT":
            raise StorageUnavailable(f"the database answered COMMIT with {done}")

    async def _roll_back(self, connection: Connection) -> None:
        try:
            await self._execute(connection, "ROLLBACK")
        except (*LOST, asyncpg.PostgresError):
            self._session.give_up()

    async def _execute(self, connection: Connection, statement: str) -> str:
        return await self._session.within_patience(connection, connection.execute(statement))


def _unwritable(error: Exception) -> StorageUnavailable:
    return StorageUnavailable(f"the database cannot be written: {what_it_said(error)}")


def _is_the_databases_own(error: Exception) -> bool:
    if isinstance(error, _OF_ONE_OPERATION):
        return False
    return isinstance(error, (*LOST, asyncpg.PostgresError))


def _deliver(batch: Sequence[_Waiting], results: Sequence[object]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        # Cancelled: the client went away; what was written stays, as the RFC's lost response.
        if waiting.future.cancelled():
            continue
        if isinstance(result, _Failed):
            waiting.future.set_exception(result.error)
        else:
            waiting.future.set_result(result)
