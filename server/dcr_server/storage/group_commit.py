"""One thread that writes: operations that wait at the same time share a transaction and its fsync.

    event loop                      writer thread
    run(operation) ─┐
    run(operation) ─┴─► batch ──►   BEGIN IMMEDIATE
                                    each operation; if one fails, again with savepoints
                                    COMMIT, the one fsync
    results ◄─── call_soon_threadsafe, once for the batch

While a batch is written the next one gathers. The thread is woken once for each, since the two
threads hinder each other in Python.

A result is delivered after COMMIT only, so an answer that was sent is durable.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from dcr_server.storage.protocol import StorageUnavailable

T = TypeVar("T")

Operation = Callable[[sqlite3.Connection], T]


@dataclass(frozen=True, slots=True)
class _Waiting:
    # Any: a queue of operations of every result type; `run` gives the type back.
    operation: Operation[Any]
    future: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class GroupCommitWriter:
    """Owns the connection that writes; belongs to the event loop that made it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._batches: queue.SimpleQueue[list[_Waiting] | None] = queue.SimpleQueue()
        # Read by readiness: the last batch could not be written.
        self.failing = False
        # daemon: a process that is told to die must not wait for a locked database.
        self._thread = threading.Thread(target=self._work, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def run(self, operation: Operation[T]) -> T:
        """Do it in the next transaction.

        Raises StorageUnavailable when nothing of that transaction was kept, and what the
        operation raises when only the operation was undone.
        """
        if not self._thread.is_alive():
            raise StorageUnavailable("the database is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        # Not at once: what this turn of the event loop still has to ask for comes along.
        if not self._waiting:
            self._loop.call_soon(self._hand_over)
        self._waiting.append(_Waiting(operation, future))
        return await future

    async def close(self) -> None:
        """Write what waits, then stop."""
        with contextlib.suppress(StorageUnavailable):
            await self.run(lambda _connection: None)
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _hand_over(self) -> None:
        """Give the thread all that waits, unless it is busy: then it is the next batch."""
        if self._busy or not self._waiting:
            return
        self._busy = True
        self._batches.put(self._waiting)
        self._waiting = []

    def _delivered(self, batch: Sequence[_Waiting], results: Sequence[object]) -> None:
        _deliver(batch, results)
        self._busy = False
        self._loop.call_soon(self._hand_over)

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            results = self._commit(batch)
            self._loop.call_soon_threadsafe(self._delivered, batch, results)

    def _commit(self, batch: Sequence[_Waiting]) -> list[object]:
        try:
            results = self._perform(batch)
        except sqlite3.Error as error:
            self.failing = True
            reason = f"the database cannot be written: {error}"
            return [_Failed(StorageUnavailable(reason)) for _ in batch]
        self.failing = False
        return results

    def _perform(self, batch: Sequence[_Waiting]) -> list[object]:
        """Expect that none fails; if one does, start over with a savepoint around each."""
        try:
            return self._in_transaction([waiting.operation for waiting in batch])
        except Exception as error:
            if _is_the_databases_own(error):
                raise
        return self._in_transaction(
            [partial(self._in_savepoint, waiting.operation) for waiting in batch]
        )

    def _in_transaction(self, operations: Sequence[Operation[object]]) -> list[object]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            results = [operation(self._connection) for operation in operations]
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return results

    def _in_savepoint(self, operation: Operation[object], connection: sqlite3.Connection) -> object:
        """Undo a failing operation alone; the database's own failure ends the batch."""
        connection.execute("SAVEPOINT operation")
        try:
            result = operation(connection)
        except Exception as error:
            if _is_the_databases_own(error):
                raise
            connection.execute("ROLLBACK TO operation")
            result = _Failed(error)
        connection.execute("RELEASE operation")
        return result

    def _roll_back(self) -> None:
        # A full disk makes SQLite roll back by itself; a broken one does not even do that.
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")


def _is_the_databases_own(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError)


def _deliver(batch: Sequence[_Waiting], results: Sequence[object]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        # Cancelled: the client went away; what was written stays, as the RFC's lost response.
        if waiting.future.cancelled():
            continue
        if isinstance(result, _Failed):
            waiting.future.set_exception(result.error)
        else:
            waiting.future.set_result(result)
