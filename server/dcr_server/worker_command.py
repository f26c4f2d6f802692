"""The command that the supervisor starts its workers by; nobody else has a use for it."""

import asyncio

import click
import uvloop

from dcr_server.configuration import ConfigurationError
from dcr_server.storage.protocol import StorageError
from dcr_server.structured_logging import configure_logging
from dcr_server.worker import read_brief, serve_as_worker


@click.command(hidden=True)
def worker() -> None:
    """Answer clients for `serve --workers`, with settings from standard input."""
    brief = read_brief()
    configure_logging(brief.settings.log_format, brief.settings.log_level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve_as_worker(brief))
    except (ConfigurationError, StorageError) as error:
        raise click.ClickException(str(error)) from None
