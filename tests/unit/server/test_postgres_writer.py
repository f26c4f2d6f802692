"""One transaction for all that waits, on PostgreSQL; a failure hurts only whom it must."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import pytest
import pytest_asyncio

from dcr_server.storage.operations import Begin, LostRace, Operation, Row
from dcr_server.storage.postgres_connection import WRITERS, Connection, Connector, Session
from dcr_server.storage.postgres_writer import PostgresWriter
from dcr_server.storage.protocol import StorageUnavailable
from tests.processes.postgresql import Postgresql

PATIENCE = 1.0


@pytest_asyncio.fixture
async def other(postgresql_database: str) -> AsyncIterator[Connection]:
    """Somebody else at the same database."""
    connection: Connection = await asyncpg.connect(postgresql_database)
    await connection.execute("CREATE TABLE words (word TEXT PRIMARY KEY)")
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def writer(postgresql_database: str, other: Connection) -> AsyncIterator[PostgresWriter]:
    assert not other.is_closed()
    writer = PostgresWriter(Session(Connector(postgresql_database, patience=PATIENCE)))
    yield writer
    await writer.close()


def insert(word: str) -> Operation[str]:
    yield "INSERT INTO words VALUES (?)", (word,)
    return word


def asked(sql: str) -> Operation[list[Row]]:
    return (yield sql, ())


def number(sql: str) -> Operation[int]:
    rows = yield sql, ()
    return int(str(rows[0][0]))


async def words(other: Connection) -> set[str]:
    return {word for (word,) in await other.fetch("SELECT word FROM words")}


async def test_operations_that_wait_together_share_a_transaction(writer: PostgresWriter) -> None:
    transaction = partial(number, "SELECT pg_current_xact_id()::text")
    numbers = await asyncio.gather(*(writer.run(transaction) for _ in range(50)))
    assert len(set(numbers)) == 1
    assert await writer.run(transaction) not in numbers


async def test_a_result_is_delivered_after_the_commit(
    writer: PostgresWriter, other: Connection
) -> None:
    assert await writer.run(partial(insert, "a")) == "a"
    assert await words(other) == {"a"}


async def test_a_commit_is_durable_whatever_the_user_is_set_to(
    writer: PostgresWriter, other: Connection
) -> None:
    async with _everybody_set_to(other, "synchronous_commit", "off"):
        rows = await writer.run(partial(asked, "SHOW synchronous_commit"))
    assert rows == [("on",)]


async def test_statements_see_what_was_committed_before_them_whatever_the_user_is_set_to(
    writer: PostgresWriter, other: Connection
) -> None:
    async with _everybody_set_to(other, "default_transaction_isolation", "serializable"):
        rows = await writer.run(partial(asked, "SHOW transaction_isolation"))
    assert rows == [("read committed",)]


def failing(error: type[Exception]) -> Operation[None]:
    yield from insert("lost")
    raise error


def inserting_twice() -> Operation[None]:
    yield from insert("lost")
    yield from insert("lost")


def unencodable() -> Operation[None]:
    yield from insert("lost")
    yield "SELECT ?::bigint", (2**70,)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (partial(failing, ZeroDivisionError), ZeroDivisionError),
        (inserting_twice, asyncpg.UniqueViolationError),
        (unencodable, asyncpg.DataError),
        (partial(failing, LostRace), LostRace),
    ],
)
async def test_a_failing_operation_leaves_nothing_and_does_not_hurt_the_others(
    writer: PostgresWriter, other: Connection, wrong: Begin[None], error: type[Exception]
) -> None:
    results = await asyncio.gather(
        writer.run(partial(insert, "a")),
        writer.run(wrong),
        writer.run(partial(insert, "b")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [str, error, str]
    assert await words(other) == {"a", "b"}
    assert not writer.failing


async def test_who_lost_a_race_begins_again(writer: PostgresWriter, other: Connection) -> None:
    begun = 0

    def late() -> Operation[str]:
        nonlocal begun
        begun += 1
        if begun < 3:
            yield from insert("lost")
            raise LostRace
        return (yield from insert("a"))

    assert await writer.run(late) == "a"
    assert await words(other) == {"a"}


async def test_a_connection_that_was_lost_is_replaced(
    writer: PostgresWriter, other: Connection
) -> None:
    pid = await writer.run(partial(number, "SELECT pg_backend_pid()"))
    await other.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    assert await writer.run(partial(insert, "a")) == "a"
    assert await words(other) == {"a"}


async def test_a_connection_that_is_lost_every_time_is_an_outage(
    writer: PostgresWriter, other: Connection
) -> None:
    def suicidal() -> Operation[None]:
        yield from insert("a")
        yield "SELECT pg_terminate_backend(pg_backend_pid())", ()

    with pytest.raises(StorageUnavailable, match="cannot be written"):
        await writer.run(suicidal)
    assert writer.failing
    assert await words(other) == set()
    await writer.run(partial(insert, "b"))
    assert not writer.failing


async def test_a_commit_without_an_answer_is_an_outage_and_is_not_repeated(
    writer: PostgresWriter, other: Connection
) -> None:
    await other.execute(
        """CREATE SEQUENCE commits;
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM nextval('commits'); PERFORM pg_terminate_backend(pg_backend_pid());
            RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER die_at_commit AFTER INSERT ON words
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()"""
    )
    with pytest.raises(StorageUnavailable, match="did not say whether"):
        await writer.run(partial(insert, "a"))
    assert await other.fetchval("SELECT last_value FROM commits") == 1


async def test_a_deadlock_with_somebody_else_is_repeated(
    writer: PostgresWriter, other: Connection
) -> None:
    async with _everybody_set_to(other, "deadlock_timeout", "'50ms'"):
        await writer.run(partial(insert, "a"))
    # Whoever waits for longer than his deadlock_timeout gives way: that is the writer.
    await other.execute("SET deadlock_timeout = '20s'; BEGIN; UPDATE words SET word = 'b'")
    writing = asyncio.create_task(
        writer.run(partial(asked, "UPDATE words SET word = 'c' RETURNING 1"))
    )
    await _until_somebody_waits(other)
    await other.execute(f"SELECT pg_advisory_xact_lock({WRITERS}); COMMIT")
    assert len(await writing) == 1
    assert await words(other) == {"c"}


async def test_a_lock_that_somebody_else_holds_is_an_outage_until_it_is_gone(
    writer: PostgresWriter, other: Connection
) -> None:
    await other.execute("BEGIN; LOCK TABLE words")
    with pytest.raises(StorageUnavailable, match="cannot be written"):
        await writer.run(partial(insert, "a"))
    assert writer.failing
    await other.execute("ROLLBACK")
    assert await writer.run(partial(insert, "a")) == "a"


async def test_a_process_that_hangs_amid_a_transaction_does_not_stop_the_others_for_long(
    writer: PostgresWriter, postgresql_database: str
) -> None:
    hanging = await Connector(postgresql_database, patience=PATIENCE).connect()
    await hanging.execute(f"BEGIN; SELECT pg_advisory_xact_lock({WRITERS})")
    with contextlib.suppress(StorageUnavailable):
        await writer.run(partial(insert, "a"))
    assert await writer.run(partial(insert, "b")) == "b"
    hanging.terminate()


async def test_a_database_that_became_read_only_is_an_outage_until_it_is_not(
    writer: PostgresWriter, other: Connection
) -> None:
    pid = await writer.run(partial(number, "SELECT pg_backend_pid()"))
    async with _everybody_set_to(other, "default_transaction_read_only", "on"):
        await other.execute("SELECT pg_terminate_backend($1, 5000)", pid)
        with pytest.raises(StorageUnavailable, match="read-only"):
            await writer.run(partial(insert, "a"))
    assert await writer.run(partial(insert, "a")) == "a"


async def test_files_that_cannot_grow_are_an_outage_until_they_can(
    writer: PostgresWriter, other: Connection, postgresql: Postgresql
) -> None:
    # More than a segment of the log, which must still be written.
    await other.execute("INSERT INTO words SELECT 'w' || n FROM generate_series(1, 500000) AS n")
    pid = await writer.run(partial(number, "SELECT pg_backend_pid()"))
    size = await other.fetchval("SELECT pg_relation_size('words')")
    many = partial(asked, "INSERT INTO words SELECT 'x' || n FROM generate_series(1, 20000) AS n")
    with postgresql.files_no_larger_than(size, pid):
        with pytest.raises(StorageUnavailable, match="cannot be written: could not extend file"):
            await writer.run(many)
        # What only reads needs no room.
        await writer.run(partial(asked, "SELECT 1"))
        assert writer.failing
    await writer.run(many)
    assert not writer.failing
    assert await other.fetchval("SELECT count(*) FROM words") == 520000


async def test_a_request_that_is_given_up_does_not_stop_the_others(
    writer: PostgresWriter, other: Connection
) -> None:
    given_up = asyncio.create_task(writer.run(partial(insert, "a")))
    await asyncio.sleep(0)
    given_up.cancel()
    await writer.run(partial(insert, "b"))
    assert await words(other) == {"a", "b"}


async def test_what_waits_is_written_before_the_writer_closes(
    writer: PostgresWriter, other: Connection
) -> None:
    writing = asyncio.create_task(writer.run(partial(insert, "a")))
    await asyncio.sleep(0)
    await writer.close()
    assert await writing == "a"
    assert await words(other) == {"a"}
    with pytest.raises(StorageUnavailable, match="closed"):
        await writer.run(partial(insert, "b"))


@contextlib.asynccontextmanager
async def _everybody_set_to(other: Connection, name: str, value: str) -> AsyncIterator[None]:
    """Whoever connects meanwhile has it; who is connected already has not."""
    await other.execute(f"ALTER ROLE dcr SET {name} = {value}")
    try:
        yield
    finally:
        await other.execute(f"ALTER ROLE dcr RESET {name}")


async def _until_somebody_waits(other: Connection) -> None:
    await other.execute(
        """DO $$ BEGIN WHILE NOT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted) LOOP
            PERFORM pg_sleep(0.01); END LOOP; END $$""",
        timeout=10,
    )
