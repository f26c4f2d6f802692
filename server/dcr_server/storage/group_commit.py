"""One thread that writes: operations that wait at the same time share a transaction and its fsync.

    event loop                     writer thread
    run(operation) ──► queue ──►   BEGIN IMMEDIATE
    run(operation) ──►             SAVEPOINT, operation, RELEASE   for each
                                   COMMIT                          the one fsync
    results   ◄── call_soon_threadsafe, once for the batch

A result is delivered after COMMIT only, so an answer that was sent is durable.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from dcr_server.storage.protocol import StorageUnavailable

T = TypeVar("T")

Operation = Callable[[sqlite3.Connection], T]

LARGEST_BATCH: Final = 256


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
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
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
        self._queue.put(_Waiting(operation, future))
        return await future

    async def close(self) -> None:
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, closing = self._batch_from(first)
            results = self._commit(batch)
            self._loop.call_soon_threadsafe(_deliver, batch, results)
            if closing:
                return

    def _batch_from(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        batch = [first]
        while len(batch) < LARGEST_BATCH:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return batch, True
            batch.append(waiting)
        return batch, False

    def _commit(self, batch: Sequence[_Waiting]) -> list[object]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            results = [self._in_savepoint(waiting.operation) for waiting in batch]
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.failing = True
            self._roll_back()
            reason = f"the database cannot be written: {error}"
            return [_Failed(StorageUnavailable(reason)) for _ in batch]
        self.failing = False
        return results

    def _in_savepoint(self, operation: Operation[object]) -> object:
        """Undo a failing operation alone; the database's own failure ends the batch."""
        self._connection.execute("SAVEPOINT operation")
        try:
            result = operation(self._connection)
        except sqlite3.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for this operation
            self._connection.execute("ROLLBACK TO operation")
            result = _Failed(error)
        self._connection.execute("RELEASE operation")
        return result

    def _roll_back(self) -> None:
        # A full disk makes SQLite roll back by itself; a broken one does not even do that.
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")


def _deliver(batch: Sequence[_Waiting], results: Sequence[object]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        # Cancelled: the client went away; what was written stays, as the RFC's lost response.
        if waiting.future.cancelled():
            continue
        if isinstance(result, _Failed):
            waiting.future.set_exception(result.error)
        else:
            waiting.future.set_result(result)
