"""Operations that wait at the same time share a transaction and its fsync.

    event loop                      writer thread
    run(operation) ─┐
    run(operation) ─┴─► batch
    BEGIN IMMEDIATE
    each operation            ──►   COMMIT, the one fsync
    results ◄─── call_soon_threadsafe, once for the batch

While a batch is written the next one gathers. The statements take microseconds, less than it costs
two threads of Python to take turns for each; what waits for the disk is the thread's. When another
process writes at the moment, or an operation fails, the thread does the whole batch:

                                    wait for its turn
                                    BEGIN IMMEDIATE
                                    each operation; if one fails, again with savepoints
                                    COMMIT

A result is delivered after COMMIT only, so an answer that was sent is durable.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from dcr_protocol.frozen import dataclass
from dcr_server.storage.protocol import StorageUnavailable
from dcr_server.storage.sqlite_connection import retry_while_locked
from dcr_server.storage.write_turns import WriteTurns

T = TypeVar("T")

Operation = Callable[[sqlite3.Connection], T]


@dataclass(frozen=True, slots=True)
class _Waiting:
    # Any: a queue of operations of every result type; `run` gives the type back.
    operation: Operation[Any]
    future: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Batch:
    waiting: Sequence[_Waiting]
    results: list[object] | None
    """Of operations that only lack their COMMIT; None: nothing was done yet."""


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class GroupCommitWriter:
    """Owns the connection that writes; belongs to the event loop that made it."""

    def __init__(
        self, connection: sqlite3.Connection, turns: WriteTurns, *, busy_timeout: float
    ) -> None:
        self._connection = connection
        self._turns = turns
        # The event loop must not wait for another process: the thread does, on its own.
        self._connection.execute("PRAGMA busy_timeout = 0")
        self._patience = busy_timeout
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._closed = False
        self._batches: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        # Read by readiness: a batch could not be written, and none that changes anything since.
        self.failing = False
        self._changes = connection.total_changes
        # daemon: a process that is told to die must not wait for a locked database.
        self._thread = threading.Thread(target=self._work, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def run(self, operation: Operation[T]) -> T:
        """Do it in the next transaction.

        Raises StorageUnavailable when nothing of that transaction was kept, and what the
        operation raises when only the operation was undone.
        """
        if self._closed or not self._thread.is_alive():
            raise StorageUnavailable("the database is closed")
        return await self._enqueue(operation)

    def _enqueue(self, operation: Operation[T]) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._loop.create_future()
        # Not at once: what this turn of the event loop still has to ask for comes along.
        if not self._waiting:
            self._loop.call_soon(self._hand_over)
        self._waiting.append(_Waiting(operation, future))
        return future

    async def close(self) -> None:
        """Write what waits, then stop; what comes from now on is refused, not left waiting."""
        self._closed = True
        if self._thread.is_alive():
            with contextlib.suppress(StorageUnavailable):
                await self._enqueue(lambda _connection: None)
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()
        self._turns.close()

    def _hand_over(self) -> None:
        """Give the thread all that waits, unless it is busy: then it is the next batch."""
        if self._busy or not self._waiting:
            return
        self._busy = True
        waiting, self._waiting = self._waiting, []
        self._batches.put(_Batch(waiting, self._perform_at_once(waiting)))

    def _perform_at_once(self, waiting: Sequence[_Waiting]) -> list[object] | None:
        """Leave the transaction open, or nothing done: the thread meets the same error, if any."""
        try:
            if not self._turns.take_at_once():
                return None
            self._connection.execute("BEGIN IMMEDIATE")
            return [one.operation(self._connection) for one in waiting]
        except Exception:  # noqa: BLE001 - an operation raises what it likes
            self._roll_back()
            self._turns.give_back()
            return None

    def _delivered(self, batch: _Batch, results: Sequence[object]) -> None:
        _deliver(batch.waiting, results)
        self._busy = False
        self._loop.call_soon(self._hand_over)

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            results = self._commit(batch)
            self._loop.call_soon_threadsafe(self._delivered, batch, results)

    def _commit(self, batch: _Batch) -> list[object]:
        try:
            if batch.results is None:
                results = self._perform_in_turn(batch.waiting)
            else:
                results = batch.results
                self._end_transaction()
        except (sqlite3.Error, OSError, StorageUnavailable) as error:
            self.failing = True
            self._changes = self._connection.total_changes
            reason = f"the database cannot be written: {error}"
            return [_Failed(StorageUnavailable(reason)) for _ in batch.waiting]
        finally:
            self._turns.give_back()
        self._note_success()
        return results

    def _note_success(self) -> None:
        """A transaction without changes writes nothing: a full disk does not hinder it."""
        changes = self._connection.total_changes
        if changes != self._changes:
            self._changes, self.failing = changes, False

    def _end_transaction(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _perform_in_turn(self, batch: Sequence[_Waiting]) -> list[object]:
        if not self._turns.take(self._patience):
            raise StorageUnavailable("another process does not end its turn to write")
        return self._perform(batch)

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
        retry_while_locked(lambda: self._connection.execute("BEGIN IMMEDIATE"), self._patience)
        try:
            results = [operation(self._connection) for operation in operations]
        except BaseException:
            self._roll_back()
            raise
        self._end_transaction()
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
