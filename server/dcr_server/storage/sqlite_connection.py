"""Connections to the SQLite file: one that writes durably, one that reads."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from dcr_server.storage.protocol import StorageUnavailable, UnusableStorage

# Readers do not wait for writers in WAL mode; this covers the instants that exclude everybody.
_READ_BUSY_TIMEOUT: Final = 0.1

T = TypeVar("T")


def connect_to_write(path: Path, *, busy_timeout: float) -> sqlite3.Connection:
    """Open or create the file, readable by its owner only.

    Raises UnusableStorage when that cannot work, StorageUnavailable when it is locked.
    """
    with _errors_that_say_where(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = _connect(path, busy_timeout)
        # Switching to WAL does not wait for others.
        retry_while_locked(lambda: connection.execute("PRAGMA journal_mode = WAL"), busy_timeout)
        # FULL: COMMIT returns after fsync of the log, so that a 201 survives a power failure.
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    with _errors_that_say_where(path):
        connection = _connect(path, _READ_BUSY_TIMEOUT)
        connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: Path, busy_timeout: float) -> sqlite3.Connection:
    # check_same_thread: opened on the event loop, then owned by the writer thread alone.
    return sqlite3.connect(
        path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
    )


def retry_while_locked(action: Callable[[], T], seconds: float) -> T:
    """Wait as SQLite's busy timeout does, for what it does not cover."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextlib.contextmanager
def _errors_that_say_where(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StorageUnavailable(f"the database {path} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise UnusableStorage(f"{path} is not a database of dcr-server: {error}") from error
    except OSError as error:
        raise UnusableStorage(f"the database {path} cannot be opened: {error.strerror}") from error
