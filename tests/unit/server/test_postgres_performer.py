from collections.abc import Sequence

import asyncpg
import pytest

from dcr_server.storage.operations import Operation, Row
from dcr_server.storage.postgres_performer import numbered, perform


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
