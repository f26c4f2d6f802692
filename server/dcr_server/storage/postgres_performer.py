"""Operations in the words of PostgreSQL: parameters are numbered, rows are records."""

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, TypeVar

import asyncpg

from dcr_server.storage.operations import Operation, Row

T = TypeVar("T")

Fetch = Callable[[str, Row], Awaitable[Sequence[asyncpg.Record]]]

_NUL = "\0"


@lru_cache(maxsize=500)
def numbered(sql: str) -> str:
    """Make of each `?` a `$1`, `$2`, …; no statement of ours has one within a literal."""
    first, *others = sql.split("?")
    return first + "".join(f"${number}{text}" for number, text in zip(count(1), others))


async def perform(fetch: Fetch, operation: Operation[T]) -> T:
    rows: list[Row] = []
    try:
        sql, parameters = next(operation)
        while True:
            rows = await _rows(fetch, sql, parameters)
            sql, parameters = operation.send(rows)
    except StopIteration as done:
        outcome: T = done.value
        return outcome


async def _rows(fetch: Fetch, sql: str, parameters: Row) -> list[Row]:
    # PostgreSQL has no text with a NUL in it, so none of its rows is the one that is looked for.
    if sql.startswith("SELECT") and any(_has_nul(parameter) for parameter in parameters):
        return []
    return [tuple(record) for record in await fetch(numbered(sql), parameters)]


def _has_nul(parameter: Any) -> bool:  # noqa: ANN401 - of every type that a column has
    return isinstance(parameter, str) and _NUL in parameter
