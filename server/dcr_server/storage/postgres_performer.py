"""Operations in the words of PostgreSQL: parameters are numbered, rows are records.

What a statement costs is the way to the server and back. Those that return no rows are held until
the operation has to see some, or ends, and go there as one statement:

    INSERT INTO a …                  WITH w0 AS (INSERT INTO a …),
    UPDATE b …              ──►           w1 AS (UPDATE b …)
                                     SELECT 1

The parts of such a statement do not see each other's changes, so each is about another table.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Any, Final, TypeVar

import asyncpg

from dcr_server.storage.operations import Operation, Row

T = TypeVar("T")

Fetch = Callable[[str, Row], Awaitable[Sequence[asyncpg.Record]]]

_NUL: Final = "\0"
_STATEMENTS: Final = 500
_CHANGE: Final = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")


@lru_cache(maxsize=_STATEMENTS)
def numbered(sql: str, first: int = 1) -> str:
    """Make of each `?` a `$1`, `$2`, …; no statement of ours has one within a literal."""
    before, *others = sql.split("?")
    return before + "".join(f"${number}{text}" for number, text in zip(count(first), others))


@lru_cache(maxsize=_STATEMENTS)
def table_changed(sql: str) -> str | None:
    """Return the table of a statement that changes one and returns nothing."""
    found = _CHANGE.match(sql)
    return None if found is None or "RETURNING" in sql else found[1]


@lru_cache(maxsize=_STATEMENTS)
def as_one(statements: tuple[str, ...]) -> str:
    """Make one statement of several, for their parameters one after the other."""
    if len(statements) == 1:
        return numbered(statements[0])
    parts, first = [], 1
    for position, sql in enumerate(statements):
        parts.append(f"w{position} AS ({numbered(sql, first)})")
        first += sql.count("?")
    return f"WITH {', '.join(parts)} SELECT 1"


async def perform(fetch: Fetch, operation: Operation[T]) -> T:
    held = _Held()
    try:
        sql, parameters = next(operation)
        while True:
            table = table_changed(sql)
            if table is None or table in held.tables:
                await held.send(fetch)
            if table is None:
                sql, parameters = operation.send(await _rows(fetch, sql, parameters))
            else:
                held.add(table, sql, parameters)
                sql, parameters = operation.send([])
    except StopIteration as done:
        await held.send(fetch)
        outcome: T = done.value
        return outcome


@dataclass(slots=True)
class _Held:
    """Statements that the operation takes for done."""

    tables: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    parameters: list[object] = field(default_factory=list)

    def add(self, table: str, sql: str, parameters: Row) -> None:
        self.tables.append(table)
        self.statements.append(sql)
        self.parameters.extend(parameters)

    async def send(self, fetch: Fetch) -> None:
        if self.statements:
            await fetch(as_one(tuple(self.statements)), tuple(self.parameters))
            self.tables.clear()
            self.statements.clear()
            self.parameters.clear()


async def _rows(fetch: Fetch, sql: str, parameters: Row) -> list[Row]:
    # PostgreSQL has no text with a NUL in it, so none of its rows is the one that is looked for.
    if sql.startswith("SELECT") and any(_has_nul(parameter) for parameter in parameters):
        return []
    return [tuple(record) for record in await fetch(numbered(sql), parameters)]


def _has_nul(parameter: Any) -> bool:  # noqa: ANN401 - of every type that a column has
    return isinstance(parameter, str) and _NUL in parameter
