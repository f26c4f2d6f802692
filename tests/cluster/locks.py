"""File locks: the kernel releases them when their process ends, however it ends."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusively(path: Path, *, before_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Wait until this process alone holds the lock."""
    descriptor = _open(path)
    try:
        if not _try_to_lock(descriptor):
            before_wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def leased(path: Path) -> Iterator[None]:
    """Hold a share: `unleased` is false while any process does."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def unleased(path: Path) -> Iterator[bool]:
    """Say whether nobody holds a share; if so, nobody gets one before the block ends."""
    descriptor = _open(path)
    try:
        yield _try_to_lock(descriptor)
    finally:
        os.close(descriptor)


def _try_to_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
