from collections.abc import Sequence

import asyncpg
import pytest

from dcr_server.storage.operations import Operation, Row
from dcr_server.storage.postgres_performer import as_one, numbered, perform, table_changed


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT ?", "SELECT $1"),
        ("VALUES (?, ?, ?) RETURNING 1", "VALUES ($1, $2, $3) RETURNING 1"),
    ],
)
def test_parameters_are_numbered(sql: str, expected: str) -> None:
    assert numbered(sql) == expected


async def test_text_with_a_nul_is_nobodys_and_is_not_asked_for() -> None:
    def look() -> Operation[list[Row]]:
        return (yield "SELECT 1 FROM clients WHERE client_id = ?", ("a\0",))

    async def fetch(sql: str, parameters: Row) -> Sequence[asyncpg.Record]:
        raise AssertionError((sql, parameters))

    assert await perform(fetch, look()) == []


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("INSERT INTO a (x) VALUES (?)", "a"),
        ("UPDATE b SET x = ?", "b"),
        ("DELETE FROM c WHERE x = ?", "c"),
        ("INSERT INTO a (x) VALUES (?) RETURNING 1", None),
        ("SELECT x FROM a", None),
    ],
)
def test_what_returns_no_rows_can_wait(sql: str, table: str | None) -> None:
    assert table_changed(sql) == table


def test_several_statements_become_one() -> None:
    assert as_one(("UPDATE a SET x = ?",)) == "UPDATE a SET x = $1"
    assert as_one(("UPDATE a SET x = ?, y = ?", "DELETE FROM b WHERE x = ?")) == (
        "WITH w0 AS (UPDATE a SET x = $1, y = $2), w1 AS (DELETE FROM b WHERE x = $3) SELECT 1"
    )


async def test_changes_of_different_tables_go_together_and_before_what_reads() -> None:
    sent: list[tuple[str, Row]] = []

    async def fetch(sql: str, parameters: Row) -> Sequence[asyncpg.Record]:
        sent.append((sql, parameters))
        return []

    def change() -> Operation[str]:
        assert (yield "UPDATE a SET x = ?", (1,)) == []
        yield "UPDATE b SET x = ?", (2,)
        yield "UPDATE a SET x = ?", (3,)
        yield "SELECT x FROM a", ()
        yield "DELETE FROM b", ()
        return "done"

    assert await perform(fetch, change()) == "done"
    assert sent == [
        ("WITH w0 AS (UPDATE a SET x = $1), w1 AS (UPDATE b SET x = $2) SELECT 1", (1, 2)),
        ("UPDATE a SET x = $1", (3,)),
        ("SELECT x FROM a", ()),
        ("DELETE FROM b", ()),
    ]
