"""What commands share: options, settings, failures in one line."""

import asyncio
import contextlib
import os
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TypeVar

import click
import uvloop

from dcr_server.configuration import ConfigurationError, load_settings, unknown_variables
from dcr_server.database_urls import SQLITE
from dcr_server.development import DATABASE, with_development_defaults
from dcr_server.settings import Settings
from dcr_server.storage.protocol import StorageError
from dcr_server.tokens import system_entropy

T = TypeVar("T")

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="YAML file with settings and policies, else DCR_SERVER_CONFIG.",
)
dev_option = click.option(
    "--dev",
    is_flag=True,
    help="For trying it out: http, a database and a key in .local/, a policy named default.",
)
database_option = click.option(
    "--database", help="sqlite:///path/file.db or postgresql://user:password@host/name"
)


def text(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse what cannot be stored; an argument may be any bytes."""
    if value is None:
        return None
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise click.BadParameter("this is not UTF-8") from None
    if parameter.required and not value:
        raise click.BadParameter("this is empty")
    return value


def settings_from(flags: dict[str, str | None], config: Path | None, *, dev: bool) -> Settings:
    """Raises ConfigurationError."""
    settings = load_settings(flags, config)
    return with_development_defaults(settings, system_entropy) if dev else settings


def settings_of_a_server(database: str | None, config: Path | None) -> Settings:
    """Find the database of a server that has been started; that of `serve --dev` untold.

    Raises ConfigurationError.
    """
    settings = with_database_of_dev(settings_from({"database": database}, config, dev=False))
    check_database_exists(settings)
    return settings


def with_database_of_dev(settings: Settings) -> Settings:
    """Find the database of `serve --dev` without being told, when there is no other."""
    if settings.database is not None or not DATABASE.exists():
        return settings
    return settings.model_copy(update={"database": f"{SQLITE}{DATABASE}"})


def check_database_exists(settings: Settings) -> None:
    """What is done to a database that no server opens would be of no use to anybody."""
    path = settings.database_path
    if path is not None and not path.exists():
        raise ConfigurationError(
            f"the database {path} does not exist: give that of the server, or start it first"
        )


def tell_unknown_variables() -> None:
    for name in unknown_variables(os.environ):
        click.echo(f"dcr-server: {name} is not a setting: see dcr-server config init", err=True)


def run(main_coroutine: Coroutine[object, object, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main_coroutine)


@contextlib.contextmanager
def failures_in_one_line() -> Iterator[None]:
    """Exit status 1 and what to do, for what cannot work."""
    try:
        yield
    except (ConfigurationError, StorageError) as error:
        raise click.ClickException(str(error)) from None
