"""Processes that write to one SQLite file take turns: two advisory locks beside the database.

SQLite lets one process write, and has the others ask again and again; who asks at the right moment
wins, so that one of two busy processes may wait for long. Here the next one queues:

    queue   held while waiting for the turn; who has just written waits behind it
    turn    held from BEGIN to COMMIT

The locks end with the process that holds them. Those who do not know them, such as `sqlite3`, are
kept apart by SQLite as ever.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import BinaryIO, Final

_SECONDS_BETWEEN_LOOKS: Final = 0.0005


class WriteTurns:
    """Belongs to one writer; take and give back alternate, from whichever thread."""

    def __init__(self, database: Path) -> None:
        """Raises OSError."""
        self._queue = _open(database, "queue")
        self._turn = _open(database, "turn")
        self._taken = False

    def take_at_once(self) -> bool:
        """Take it if nobody has it or waits for it."""
        if not _lock(self._queue):
            return False
        self._taken = _lock(self._turn)
        _unlock(self._queue)
        return self._taken

    def take(self, seconds: float) -> bool:
        """Wait for it; False when it did not come in time."""
        deadline = time.monotonic() + seconds
        if not _lock_by(self._queue, deadline):
            return False
        self._taken = _lock_by(self._turn, deadline)
        _unlock(self._queue)
        return self._taken

    def give_back(self) -> None:
        """Let the next one write; nothing where it was not taken."""
        if self._taken:
            self._taken = False
            _unlock(self._turn)

    def close(self) -> None:
        self._queue.close()
        self._turn.close()


def _open(database: Path, purpose: str) -> BinaryIO:
    file = database.with_name(f"{database.name}-{purpose}")
    return os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "rb")


def _lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_by(file: BinaryIO, deadline: float) -> bool:
    # flock itself has no time limit, and a thread cannot be interrupted in it.
    while not _lock(file):
        if time.monotonic() > deadline:
            return False
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return True


def _unlock(file: BinaryIO) -> None:
    fcntl.flock(file, fcntl.LOCK_UN)
