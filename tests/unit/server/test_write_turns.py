"""Turns to write: one at a time, in the order of asking, free again when a process dies."""

import fcntl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcr_server.storage.write_turns import WriteTurns

_SECONDS = 10.0
_HOLDER = """
import sys
from pathlib import Path
from dcr_server.storage.write_turns import WriteTurns
turns = WriteTurns(Path(sys.argv[1]))
print(turns.take_at_once(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


@pytest.fixture
def pair(database: Path) -> Iterator[tuple[WriteTurns, WriteTurns]]:
    one, other = WriteTurns(database), WriteTurns(database)
    yield one, other
    one.close()
    other.close()


def somebody_queues(database: Path) -> bool:
    with database.with_name("test.db-queue").open() as queue:
        try:
            fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_one_has_the_turn_until_it_is_given_back(pair: tuple[WriteTurns, WriteTurns]) -> None:
    one, other = pair
    assert one.take_at_once()
    assert not other.take_at_once()
    assert not other.take(0.01)
    # What was not taken cannot be given back.
    other.give_back()
    assert not other.take_at_once()
    one.give_back()
    assert other.take(_SECONDS)
    assert not one.take_at_once()
    other.give_back()


def test_who_waits_is_next_however_quick_the_other_is(
    pair: tuple[WriteTurns, WriteTurns], database: Path
) -> None:
    one, other = pair
    assert one.take_at_once()
    taken: list[bool] = []
    waiting = threading.Thread(target=lambda: taken.append(other.take(_SECONDS)))
    waiting.start()
    deadline = time.monotonic() + _SECONDS
    while not somebody_queues(database):
        assert time.monotonic() < deadline
    one.give_back()
    assert not one.take_at_once()
    waiting.join()
    assert taken == [True]
    other.give_back()
    assert one.take_at_once()
    one.give_back()


def test_a_turn_ends_with_its_process(pair: tuple[WriteTurns, WriteTurns], database: Path) -> None:
    one, _ = pair
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        assert not one.take_at_once()
        holder.kill()
        assert one.take(_SECONDS)
    one.give_back()


def test_the_files_are_its_owners_alone(
    pair: tuple[WriteTurns, WriteTurns], database: Path
) -> None:
    assert pair
    files = sorted(database.parent.iterdir())
    assert [file.name for file in files] == ["test.db-queue", "test.db-turn"]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
