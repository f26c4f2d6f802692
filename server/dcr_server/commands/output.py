"""Lists as people read them, or as programs do: `--output table` or `json`."""

import datetime as dt
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import click
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dcr_protocol.json_document import JsonValue

PAGE: Final = 500
_WIDE: Final = 400
_TIMES: Final = ("_at", "at", "_from")
_MOST: Final = 2**31

Item = TypeVar("Item")
Description = Mapping[str, JsonValue]

output_option = click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="json: one array, times in seconds since 1970.",
)
limit_option = click.option(
    "--limit", type=click.IntRange(min=1, max=_MOST), default=_MOST, help="Show no more than this."
)


async def all_pages(
    fetch: Callable[[Item | None, int], Awaitable[Sequence[Item]]], limit: int
) -> AsyncIterator[Item]:
    """Fetch page after page, each after the last item of the one before."""
    last: Item | None = None
    while limit > 0:
        page = await fetch(last, min(PAGE, limit))
        for item in page:
            yield item
        if len(page) < min(PAGE, limit):
            return
        last = page[-1]
        limit -= len(page)


async def print_list(rows: AsyncIterator[Description], columns: Sequence[str], output: str) -> None:
    """JSON as it comes, since it may be long; a table when all is there."""
    if output == "json":
        await _print_json(rows)
    else:
        _print_table([row async for row in rows], columns)


def print_one(description: Description, output: str) -> None:
    if output == "json":
        click.echo(to_json(description, indent=2).decode())
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in description.items():
        table.add_row(Text(name), _shown(name, value))
    _console().print(table)


async def _print_json(rows: AsyncIterator[Description]) -> None:
    before = "["
    async for row in rows:
        click.echo(f"{before}\n{to_json(row).decode()}", nl=False)
        before = ","
    click.echo("[]" if before == "[" else "\n]")


def _print_table(rows: Sequence[Description], columns: Sequence[str]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper().replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_shown(column, row[column]) for column in columns))
    _console().print(table)


def _console() -> Console:
    # What reads a pipe wants whole lines.
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE)


def _shown(name: str, value: JsonValue) -> Text:
    if value is None or value == "":
        return Text("-")
    if isinstance(value, int) and name.endswith(_TIMES):
        return Text(_time(value))
    plain = value if isinstance(value, str) else to_json(value, indent=2).decode()
    # Some of it was chosen by strangers: nothing that a terminal takes for a command.
    return Text("".join(_visible(character) for character in plain))


def _time(seconds: int) -> str:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError):
        # Durations may be longer than calendars.
        return f"@{seconds}"


def _visible(character: str) -> str:
    return character if character.isprintable() or character == "\n" else ascii(character)[1:-1]
