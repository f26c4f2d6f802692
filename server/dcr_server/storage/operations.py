"""What is done to a database, as generators: they yield statements and are sent the rows.

An operation knows SQL that SQLite and PostgreSQL share, and no driver. Whoever performs it gives
one transaction to it, so it may be performed again from the start when that is undone.

    operation  ── yields (sql, parameters) ──►  performer
               ◄── is sent the rows ──────────
               ── returns its outcome ──────►

Parameters stand as `?`. A statement that ends in FOR_UPDATE locks the rows that it reads where
several transactions write at once; SQLite has one writer and does without. One that ends in CHANGED
returns a row for each that it changed, of which only the number counts.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Final, TypeVar

FOR_UPDATE: Final = " FOR UPDATE"
CHANGED: Final = " RETURNING 1"

T = TypeVar("T")
Item = TypeVar("Item")

Row = tuple[object, ...]
Statement = tuple[str, Row]


class Each(tuple[Row, ...]):
    """In the place of parameters: the statement is performed with each of these rows in turn.

    Only SQLite is given such statements, see `Database.write_together`.
    """

    __slots__ = ()


Operation = Generator[Statement, list[Row], T]
Begin = Callable[[], Operation[T]]
"""Makes the operation; called again when its transaction has to be repeated."""
BeginAll = Callable[[Sequence[Item]], Operation[Sequence[T]]]
"""Makes one operation of several items."""


class LostRace(Exception):  # noqa: N818 - what happened, not a fault
    """Another transaction was there first: undo this one and begin again."""


def first_row(sql: str, parameters: Row = ()) -> Operation[Row | None]:
    rows = yield sql, parameters
    return rows[0] if rows else None


def changes(sql: str, parameters: Row) -> Operation[bool]:
    """Perform a statement that ends in CHANGED, and say whether it changed any row."""
    rows = yield sql, parameters
    return bool(rows)
