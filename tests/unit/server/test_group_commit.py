"""One transaction for all that waits; a failure hurts only whom it must."""

import asyncio
import contextlib
import errno
import sqlite3
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from dcr_server.storage.group_commit import GroupCommitWriter
from dcr_server.storage.protocol import StorageUnavailable
from dcr_server.storage.sqlite_connection import connect_to_write
from dcr_server.storage.write_turns import WriteTurns


@pytest_asyncio.fixture
async def writer(tmp_path: Path) -> AsyncIterator[GroupCommitWriter]:
    connection = connect_to_write(tmp_path / "test.db", busy_timeout=0.05)
    connection.execute("CREATE TABLE words (word TEXT PRIMARY KEY)")
    writer = GroupCommitWriter(connection, WriteTurns(tmp_path / "test.db"), busy_timeout=0.05)
    yield writer
    await writer.close()


def insert(connection: sqlite3.Connection, word: str) -> str:
    connection.execute("INSERT INTO words VALUES (?)", (word,))
    return word


def words_in(folder: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(folder / "test.db")) as connection:
        return {word for (word,) in connection.execute("SELECT word FROM words")}


async def test_operations_that_wait_together_share_a_transaction(
    writer: GroupCommitWriter,
) -> None:
    commits: list[str] = []
    await writer.run(lambda connection: connection.set_trace_callback(commits.append))
    words = [f"word {number}" for number in range(50)]
    results = await asyncio.gather(*(writer.run(partial(insert, word=word)) for word in words))
    assert results == words
    assert commits.count("BEGIN IMMEDIATE") == 1


def insert_all(connection: sqlite3.Connection, words: Sequence[str]) -> list[tuple[str, int]]:
    connection.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])
    return [(word, len(words)) for word in words]


async def test_what_waits_with_one_key_is_done_by_one_operation(writer: GroupCommitWriter) -> None:
    results = await asyncio.gather(
        writer.run_together(insert_all, "key", "a"),
        writer.run_together(insert_all, "other key", "b"),
        writer.run(lambda connection: insert(connection, "c")),
        writer.run_together(insert_all, "key", "d"),
    )
    assert [*results] == [("a", 2), ("b", 1), "c", ("d", 2)]


async def test_nobody_joins_what_is_being_written(writer: GroupCommitWriter) -> None:
    first = asyncio.create_task(writer.run_together(insert_all, "key", "a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.create_task(writer.run_together(insert_all, "key", "b"))
    assert [await first, await second] == [("a", 1), ("b", 1)]


async def test_who_fails_together_with_others_does_not_hurt_them(
    writer: GroupCommitWriter, tmp_path: Path
) -> None:
    await writer.run(lambda connection: insert(connection, "b"))
    results = await asyncio.gather(
        *(writer.run_together(insert_all, "key", word) for word in "abc"), return_exceptions=True
    )
    assert [type(result) for result in results] == [tuple, sqlite3.IntegrityError, tuple]
    assert words_in(tmp_path) == {"a", "b", "c"}


async def test_a_request_that_is_given_up_leaves_the_others_of_its_key(
    writer: GroupCommitWriter, tmp_path: Path
) -> None:
    given_up = asyncio.create_task(writer.run_together(insert_all, "key", "a"))
    await asyncio.sleep(0)
    given_up.cancel()
    assert await writer.run_together(insert_all, "key", "b") == ("b", 2)
    assert words_in(tmp_path) == {"a", "b"}


async def test_a_result_is_delivered_after_the_commit(
    writer: GroupCommitWriter, tmp_path: Path
) -> None:
    await writer.run(lambda connection: insert(connection, "a"))
    assert words_in(tmp_path) == {"a"}


@pytest.mark.parametrize("error", [ZeroDivisionError, sqlite3.IntegrityError])
async def test_a_failing_operation_leaves_nothing_and_does_not_hurt_the_others(
    writer: GroupCommitWriter, tmp_path: Path, error: type[Exception]
) -> None:
    def insert_and_fail(connection: sqlite3.Connection) -> None:
        insert(connection, "lost")
        raise error

    results = await asyncio.gather(
        writer.run(lambda connection: insert(connection, "a")),
        writer.run(insert_and_fail),
        writer.run(lambda connection: insert(connection, "b")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [str, error, str]
    assert words_in(tmp_path) == {"a", "b"}
    assert not writer.failing


async def test_a_locked_database_is_unavailable_until_it_is_not(
    writer: GroupCommitWriter, tmp_path: Path
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "test.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="locked"):
            await writer.run(lambda connection: insert(connection, "a"))
        assert writer.failing
        other.rollback()
    assert await writer.run(lambda connection: insert(connection, "a")) == "a"
    assert not writer.failing


async def test_a_full_disk_is_unavailable_and_nothing_of_the_batch_is_kept(
    writer: GroupCommitWriter, tmp_path: Path
) -> None:
    def allow_pages(connection: sqlite3.Connection, pages: int) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    # SQLite's own limit stands for the disk's: the error is the same.
    await writer.run(lambda connection: allow_pages(connection, 1))
    results = await asyncio.gather(
        writer.run(lambda connection: insert(connection, "small")),
        writer.run(lambda connection: insert(connection, "x" * 100_000)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [StorageUnavailable, StorageUnavailable]
    assert words_in(tmp_path) == set()
    await writer.run(lambda connection: allow_pages(connection, 1_000_000))
    assert await writer.run(lambda connection: insert(connection, "a")) == "a"


async def test_a_request_that_is_given_up_does_not_stop_the_others(
    writer: GroupCommitWriter, tmp_path: Path
) -> None:
    given_up = asyncio.create_task(writer.run(lambda connection: insert(connection, "a")))
    await asyncio.sleep(0)
    given_up.cancel()
    await writer.run(lambda connection: insert(connection, "b"))
    assert words_in(tmp_path) == {"a", "b"}


async def test_a_closed_writer_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    connection = connect_to_write(path, busy_timeout=1)
    writer = GroupCommitWriter(connection, WriteTurns(path), busy_timeout=1)
    await writer.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        await writer.run(lambda _connection: None)


async def test_what_comes_while_it_closes_is_refused_and_what_waits_is_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "test.db"
    connection = connect_to_write(path, busy_timeout=1)
    connection.execute("CREATE TABLE words (word TEXT PRIMARY KEY)")
    writer = GroupCommitWriter(connection, WriteTurns(path), busy_timeout=1)
    waiting = asyncio.create_task(writer.run(lambda connection: insert(connection, "a")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(writer.close())
    await asyncio.sleep(0)
    with pytest.raises(StorageUnavailable, match="closed"):
        await writer.run(lambda connection: insert(connection, "b"))
    await closing
    assert await waiting == "a"
    assert words_in(tmp_path) == {"a"}


async def test_what_changes_nothing_does_not_end_the_outage_of_a_full_disk(
    writer: GroupCommitWriter,
) -> None:
    def allow_pages(connection: sqlite3.Connection, pages: int) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    await writer.run(lambda connection: allow_pages(connection, 1))
    with pytest.raises(StorageUnavailable, match="full"):
        await writer.run(lambda connection: insert(connection, "x" * 100_000))
    await writer.run(lambda connection: connection.execute("DELETE FROM words"))
    assert writer.failing
    await writer.run(lambda connection: allow_pages(connection, 1_000_000))
    await writer.run(lambda connection: insert(connection, "a"))
    assert not writer.failing


class LocksThatFail(WriteTurns):
    """As those of a file system without them."""

    failing = True

    def take_at_once(self) -> bool:
        if self.failing:
            raise OSError(errno.ENOLCK, "No locks available")
        return super().take_at_once()

    def take(self, seconds: float) -> bool:
        if self.failing:
            raise OSError(errno.ENOLCK, "No locks available")
        return super().take(seconds)


async def test_locks_that_fail_are_an_outage_until_they_work(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    connection = connect_to_write(path, busy_timeout=1)
    connection.execute("CREATE TABLE words (word TEXT PRIMARY KEY)")
    turns = LocksThatFail(path)
    writer = GroupCommitWriter(connection, turns, busy_timeout=1)
    with pytest.raises(StorageUnavailable, match="No locks available"):
        await writer.run(lambda connection: insert(connection, "a"))
    turns.failing = False
    assert await writer.run(lambda connection: insert(connection, "b")) == "b"
    await writer.close()
    assert words_in(tmp_path) == {"b"}


async def test_a_turn_is_waited_for_and_given_back(
    writer: GroupCommitWriter, tmp_path: Path
) -> None:
    other = WriteTurns(tmp_path / "test.db")
    assert other.take_at_once()
    with pytest.raises(StorageUnavailable, match="another process does not end its turn"):
        await writer.run(lambda connection: insert(connection, "a"))
    assert writer.failing
    waiting = asyncio.create_task(writer.run(lambda connection: insert(connection, "b")))
    await asyncio.sleep(0)
    other.give_back()
    assert await waiting == "b"
    assert not writer.failing
    assert other.take(1)
    other.give_back()
    other.close()
    assert words_in(tmp_path) == {"b"}


async def test_writers_of_one_database_do_not_starve_each_other(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    with contextlib.closing(connect_to_write(path, busy_timeout=5)) as connection:
        connection.execute("CREATE TABLE words (word TEXT PRIMARY KEY)")
    writers = [
        GroupCommitWriter(connect_to_write(path, busy_timeout=5), WriteTurns(path), busy_timeout=5)
        for _ in range(3)
    ]

    async def write(number: int) -> None:
        for count in range(30):
            word = f"{number}-{count}"
            assert await writers[number].run(partial(insert, word=word)) == word

    await asyncio.gather(*(write(number) for number in range(3)))
    for writer in writers:
        await writer.close()
    assert len(words_in(tmp_path)) == 90
