"""File locks: the kernel releases them when their process ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Wait until this process alone holds the lock."""
    with _locked(path, fcntl.LOCK_EX):
        yield


@contextmanager
def leased(path: Path) -> Iterator[None]:
    """Hold a share: `unleased` is false while any process does."""
    with _locked(path, fcntl.LOCK_SH):
        yield


@contextmanager
def unleased(path: Path) -> Iterator[bool]:
    """Say whether nobody holds a share; if so, nobody gets one before the block ends."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        free = False
    else:
        free = True
    try:
        yield free
    finally:
        os.close(descriptor)


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
