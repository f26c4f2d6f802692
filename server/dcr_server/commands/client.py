"""`dcr-server client`: the clients of everybody, beside a running server."""

import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import click

from dcr_server.commands.options import (
    config_option,
    database_option,
    failures_in_one_line,
    run,
    settings_of_a_server,
    text,
)
from dcr_server.commands.output import (
    Description,
    all_pages,
    limit_option,
    output_option,
    print_list,
    print_one,
)
from dcr_server.descriptions import describe_client, describe_client_fully
from dcr_server.opening import open_storage
from dcr_server.records import COMMAND_LINE, Client
from dcr_server.settings import Settings
from dcr_server.storage.protocol import Storage
from dcr_server.storage.requests import ClientFilter
from dcr_server.tokens import system_clock

_COLUMNS: Final = ("client_id", "policy", "subject", "client_name", "issued_at", "expires_at")


@click.group()
def client() -> None:
    """Registered clients: see them, remove them."""


@client.command("list")
@click.option("--policy", callback=text, help="Of this policy only.")
@click.option("--subject", callback=text, help="Of this owner only.")
@limit_option
@output_option
@config_option
@database_option
def client_list(
    *,
    policy: str | None,
    subject: str | None,
    limit: int,
    output: str,
    config: Path | None,
    database: str | None,
) -> None:
    """List clients, oldest first, without their metadata."""

    async def print_all() -> None:
        async with open_storage(settings, migrate=False) as storage:
            wanted = ClientFilter(policy=policy, subject=subject)
            await print_list(_described(storage, wanted, limit), _COLUMNS, output)

    with failures_in_one_line():
        settings = settings_of_a_server(database, config)
        run(print_all())


@client.command("show")
@click.argument("client_id", callback=text)
@output_option
@config_option
@database_option
def client_show(*, client_id: str, output: str, config: Path | None, database: str | None) -> None:
    """Show a client with its metadata; its secret and tokens are known to nobody but itself."""
    with failures_in_one_line():
        settings = settings_of_a_server(database, config)
        found = run(_find(settings, client_id))
        if found is None:
            raise _no_such_client(client_id)
    print_one(describe_client_fully(found), output)


@client.command("delete")
@click.argument("client_id", callback=text)
@click.option("--yes", is_flag=True, help="Do not ask, at a terminal either.")
@config_option
@database_option
def client_delete(*, client_id: str, yes: bool, config: Path | None, database: str | None) -> None:
    """Remove a client: its secret and its tokens are of no use from then on.

    Asks first if there is a terminal to ask at.
    """
    with failures_in_one_line():
        settings = settings_of_a_server(database, config)
        if not yes and sys.stdin.isatty():
            click.confirm(f"Remove the client {client_id} for good?", abort=True, err=True)
        if not run(_remove(settings, client_id)):
            raise _no_such_client(client_id)
    click.echo(f"removed {client_id}", err=True)


async def _described(
    storage: Storage, wanted: ClientFilter, limit: int
) -> AsyncIterator[Description]:
    async def fetch(last: Client | None, count: int) -> Sequence[Client]:
        after = last.client_id if last else ""
        return await storage.clients.page(wanted, after=after, limit=count)

    async for found in all_pages(fetch, limit):
        yield describe_client(found)


async def _find(settings: Settings, client_id: str) -> Client | None:
    async with open_storage(settings, migrate=False) as storage:
        return await storage.clients.find(client_id)


async def _remove(settings: Settings, client_id: str) -> bool:
    async with open_storage(settings) as storage:
        now = int(system_clock())
        return await storage.clients.remove(client_id, now=now, origin=COMMAND_LINE)


def _no_such_client(client_id: str) -> click.ClickException:
    return click.ClickException(f"there is no client {client_id}: see dcr-server client list")
