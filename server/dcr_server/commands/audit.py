"""`dcr-server audit`: who did what."""

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
)
from dcr_server.descriptions import describe_audit_entry
from dcr_server.opening import open_storage
from dcr_server.records import Action, Actor, AuditEntry
from dcr_server.storage.protocol import Storage
from dcr_server.storage.requests import AuditFilter

_COLUMNS: Final = (
    "at",
    "action",
    "actor",
    "client_id",
    "policy",
    "subject",
    "token_id",
    "kid",
    "jti",
    "address",
    "request_id",
)


@click.group()
def audit() -> None:
    """The audit trail: every change, with who asked for it."""


@audit.command("list")
@click.option("--action", type=click.Choice([*map(str, Action)]), help="Of this kind only.")
@click.option("--actor", type=click.Choice([*map(str, Actor)]), help="Asked for by these only.")
@click.option("--client-id", callback=text, help="About this client only.")
@click.option("--policy", callback=text, help="Under this policy only.")
@click.option("--subject", callback=text, help="About clients and tokens of this owner only.")
@click.option("--token-id", callback=text, help="With or about this initial access token only.")
@click.option("--kid", callback=text, help="About this signing key only.")
@limit_option
@output_option
@config_option
@database_option
def audit_list(
    *,
    action: str | None,
    actor: str | None,
    limit: int,
    output: str,
    config: Path | None,
    database: str | None,
    **texts: str | None,
) -> None:
    """List the entries, oldest first."""
    wanted = AuditFilter(
        action=Action(action) if action else None, actor=Actor(actor) if actor else None, **texts
    )

    async def print_all() -> None:
        async with open_storage(settings, migrate=False) as storage:
            await print_list(_described(storage, wanted, limit), _COLUMNS, output)

    with failures_in_one_line():
        settings = settings_of_a_server(database, config)
        run(print_all())


async def _described(
    storage: Storage, wanted: AuditFilter, limit: int
) -> AsyncIterator[Description]:
    async def fetch(last: AuditEntry | None, count: int) -> Sequence[AuditEntry]:
        return await storage.audit.page(wanted, after=last.id if last else 0, limit=count)

    async for entry in all_pages(fetch, limit):
        yield describe_audit_entry(entry)
