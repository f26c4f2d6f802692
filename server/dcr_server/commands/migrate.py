"""`dcr-server migrate`: the database's tables, brought to what this version knows."""

from pathlib import Path

import click

from dcr_server.commands.options import (
    config_option,
    database_option,
    failures_in_one_line,
    run,
    settings_from,
    with_database_of_dev,
)
from dcr_server.opening import open_storage
from dcr_server.settings import Settings


@click.command()
@config_option
@database_option
def migrate(*, config: Path | None, database: str | None) -> None:
    """Make the database, or bring it up to date, and end.

    `serve` does this when it starts; apart from that it is for those who want it done before, or
    by another user of the database. A database of a newer version is refused.
    """
    with failures_in_one_line():
        settings = with_database_of_dev(settings_from({"database": database}, config, dev=False))
        run(_open(settings))
    click.echo("the database is up to date", err=True)


async def _open(settings: Settings) -> None:
    async with open_storage(settings) as storage:
        await storage.check()
