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

What waits with the same key is done by one operation, with fewer statements than one after the
other; if it fails, each is done alone.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from dcr_protocol.frozen import dataclass
from dcr_server.storage.protocol import StorageUnavailable
from dcr_server.storage.sqlite_connection import retry_while_locked
from dcr_server.storage.write_turns import WriteTurns

T = TypeVar("T")
Item = TypeVar("Item")

Operation = Callable[[sqlite3.Connection], T]
OperationOnAll = Callable[[sqlite3.Connection, Sequence[Item]], Sequence[T]]
"""Gives an outcome for each item, in their order."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An operation and all that it is done for, with whom each of them is for."""

    # Any: a queue of operations of every type; `run` and `run_together` give the type back.
    operation: OperationOnAll[Any, Any]
    items: list[Any]
    futures: list[asyncio.Future[Any]]

    def perform(self, connection: sqlite3.Connection) -> Sequence[object]:
        return self.operation(connection, self.items)

    def apart(self) -> "list[_Waiting]":
        each = zip(self.items, self.futures, strict=True)
        return [_Waiting(self.operation, [item], [future]) for item, future in each]


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
        # Those of them that others may still join.
        self._open: dict[Hashable, _Waiting] = {}
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
        self._refuse_when_closed()
        return await self._enqueue(operation)

    async def run_together(
        self, operation: OperationOnAll[Item, T], key: Hashable, item: Item
    ) -> T:
        """Do the operation once for all that waits with that key; raises what `run` does."""
        self._refuse_when_closed()
        future: asyncio.Future[T] = self._loop.create_future()
        joined = self._open.get(key)
        if joined is None:
            joined = self._open[key] = _Waiting(operation, [], [])
            self._append(joined)
        joined.items.append(item)
        joined.futures.append(future)
        return await future

    def _refuse_when_closed(self) -> None:
        if self._closed or not self._thread.is_alive():
            raise StorageUnavailable("the database is closed")

    def _enqueue(self, operation: Operation[T]) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._loop.create_future()

        def perform(connection: sqlite3.Connection, _: Sequence[None]) -> Sequence[T]:
            return [operation(connection)]

        self._append(_Waiting(perform, [None], [future]))
        return future

    def _append(self, waiting: _Waiting) -> None:
        # Not at once: what this turn of the event loop still has to ask for comes along.
        if not self._waiting:
            self._loop.call_soon(self._hand_over)
        self._waiting.append(waiting)

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
        self._open.clear()
        self._batches.put(_Batch(waiting, self._perform_at_once(waiting)))

    def _perform_at_once(self, waiting: Sequence[_Waiting]) -> list[object] | None:
        """Leave the transaction open, or nothing done: the thread meets the same error, if any."""
        try:
            if not self._turns.take_at_once():
                return None
            self._connection.execute("BEGIN IMMEDIATE")
            return _performed(self._connection, waiting)
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
            failed = _Failed(StorageUnavailable(reason))
            return [failed for waiting in batch.waiting for _ in waiting.futures]
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
            return self._in_transaction(lambda connection: _performed(connection, batch))
        except Exception as error:
            if _is_the_databases_own(error):
                raise
        each = [one for waiting in batch for one in waiting.apart()]
        return self._in_transaction(
            lambda connection: [self._in_savepoint(one, connection) for one in each]
        )

    def _in_transaction(self, perform: Operation[list[object]]) -> list[object]:
        retry_while_locked(lambda: self._connection.execute("BEGIN IMMEDIATE"), self._patience)
        try:
            results = perform(self._connection)
        except BaseException:
            self._roll_back()
            raise
        self._end_transaction()
        return results

    def _in_savepoint(self, waiting: _Waiting, connection: sqlite3.Connection) -> object:
        """Undo a failing operation alone; the database's own failure ends the batch."""
        connection.execute("SAVEPOINT operation")
        try:
            (result,) = waiting.perform(connection)
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


def _performed(connection: sqlite3.Connection, batch: Sequence[_Waiting]) -> list[object]:
    return [result for waiting in batch for result in waiting.perform(connection)]


def _deliver(batch: Sequence[_Waiting], results: Sequence[object]) -> None:
    futures = [future for waiting in batch for future in waiting.futures]
    for future, result in zip(futures, results, strict=True):
        # Cancelled: the client went away; what was written stays, as the RFC's lost response.
        if future.cancelled():
            continue
        if isinstance(result, _Failed):
            future.set_exception(result.error)
        else:
            future.set_result(result)
