"""The command line: parse, compose, run. Exit status 0 done, 1 failed, 2 usage."""

import asyncio
import contextlib
import os
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Final

import click
import structlog
import uvloop

from dcr_server.answering import serving_tls
from dcr_server.bootstrap_command import bootstrap
from dcr_server.configuration import (
    ConfigurationError,
    admin_token,
    check_issuer_is_safe,
    configuration_file,
    encryption_key,
    load_settings,
    required,
    unknown_variables,
)
from dcr_server.configuration_check import Step, check_settings
from dcr_server.configuration_example import EXAMPLE
from dcr_server.database_urls import SQLITE
from dcr_server.development import DATABASE, with_development_defaults
from dcr_server.durations import parse_duration
from dcr_server.minting import (
    MOST_USES,
    TokenRequest,
    keep_initial_access_token,
    mint_initial_access_token,
    new_subject,
)
from dcr_server.opening import make_outside, open_storage
from dcr_server.records import Owner
from dcr_server.serving import serve
from dcr_server.settings import Settings
from dcr_server.storage.protocol import StorageError
from dcr_server.structured_logging import configure_logging
from dcr_server.tokens import system_clock, system_entropy
from dcr_server.worker_command import worker

_config = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="YAML file with settings and policies, else DCR_SERVER_CONFIG.",
)
_dev = click.option(
    "--dev",
    is_flag=True,
    help="For trying it out: http, a database and a key in .local/, a policy named default.",
)


def _text(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
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


_STEPS: Final[tuple[Step, ...]] = (
    lambda settings: required(settings, ["issuer", "database"]),
    check_issuer_is_safe,
    encryption_key,
    admin_token,
    serving_tls,
    make_outside,
)

log = structlog.get_logger()

_database = click.option(
    "--database", help="sqlite:///path/file.db or postgresql://user:password@host/name"
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="dcr-operator", prog_name="dcr-server")
def main() -> None:
    """OAuth 2.0 Dynamic Client Registration (RFC 7591, RFC 7592) as a server.

    \b
    To try it out:
      dcr-server serve --dev
      TOKEN=$(dcr-server token create --dev --policy default)
      curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
        -d '{"grant_types": ["client_credentials"]}' http://127.0.0.1:8080/connect/register

    \b
    To run it:
      dcr-server config init > dcr-server.yaml
      dcr-server serve --config dcr-server.yaml

    Settings come from flags, from DCR_SERVER_* in the environment and from the file, in that
    order. Exit status: 0 done, 1 failed, 2 usage.
    """  # noqa: D301 - click takes the backspace for "do not rewrap"


@main.command("serve")
@_dev
@_config
@click.option("--issuer", help="URL that clients know the server by.")
@click.option("--listen", help="host:port; port 0 picks one and logs it.  [127.0.0.1:8080]")
@_database
@click.option("--tls-cert-file", help="Certificate chain in PEM; serves https.")
@click.option("--tls-key-file", help="Private key of the certificate.")
@click.option(
    "--admin-listen", help="host:port of admin API and metrics, or off.  [127.0.0.1:8082]"
)
@click.option("--workers", help="Processes that answer requests.  [1]")
@click.option("--log-format", help="json or text.  [json]")
@click.option("--log-level", help="debug, info, warning or error.  [info]")
def serve_command(*, dev: bool, config: Path | None, **flags: str | None) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Logs one line that says where it listens; /readyz answers 200 once it can be used.
    """
    with _failures_in_one_line():
        settings = _settings(flags, config, dev=dev)
        configure_logging(settings.log_format, settings.log_level)
        _tell_unknown_variables()
        for warning in check_settings(settings, configuration_file(config)):
            # What --dev fills in is as open as it should be.
            if not dev:
                log.warning("configuration", detail=warning)
        _run(serve(settings, development=dev))


@main.group()
def token() -> None:
    """Initial access tokens: the right to register under a policy."""


@token.command("create")
@click.option(
    "--policy",
    required=True,
    callback=_text,
    help="Name of the policy that says what may be registered.",
)
@click.option(
    "--max-uses",
    type=click.IntRange(min=1, max=MOST_USES),
    help="Registrations that it is good for.",
)
@click.option("--expires-in", help="Such as 90s, 15m, 1h, 30d; without it the token stays good.")
@click.option(
    "--subject",
    callback=_text,
    help="Owner of the clients: tokens of one policy and subject may repeat each other's requests, "
    "so name the same holder by it only. Without it each token has a subject of its own.",
)
@click.option("--note", default="", callback=_text, help="For people, such as who it was given to.")
@click.option(
    "--token-file",
    type=click.File("rb"),
    help="Accept the token in this file instead of making one; prints nothing.",
)
@_dev
@_config
@_database
def token_create(
    *,
    policy: str,
    max_uses: int | None,
    expires_in: str | None,
    subject: str | None,
    note: str,
    token_file: Any,  # noqa: ANN401 - click.File has no type of its own
    dev: bool,
    config: Path | None,
    database: str | None,
) -> None:
    """Make an initial access token and print it, alone, on standard output.

    Works while the server runs. Only a hash is stored: the token is shown this once.

    \b
      dcr-server token create --policy machines --expires-in 1h --max-uses 1
    """  # noqa: D301 - as above
    wanted = TokenRequest(
        owner=Owner(policy, subject or new_subject(system_entropy)),
        lifetime=_lifetime(expires_in),
        max_uses=max_uses,
        note=note,
    )
    with _failures_in_one_line():
        settings = _settings({"database": database}, config, dev=dev)
        settings = _with_database_of_dev(settings)
        _check_policy_exists(policy, settings)
        given = token_file.read().decode("ascii", "replace").strip() if token_file else None
        if given is None and not dev:
            _check_database_exists(settings)
        made = _run(_create_token(wanted, settings, given))
    if made:
        click.echo(made)


main.add_command(bootstrap)
main.add_command(worker)


@main.group("config")
def config_group() -> None:
    """The configuration file."""


@config_group.command("init")
def config_init() -> None:
    """Print a commented starting file."""
    click.echo(EXAMPLE, nl=False)


@config_group.command("check")
@_config
def config_check(config: Path | None) -> None:
    """Check settings and policies as `serve` would, without serving.

    Names everything that is wrong at once, each with its place, its value and what to do. What
    works, but hardly as it was meant, is a warning on standard error and no failure.
    """
    with _failures_in_one_line():
        settings = load_settings({}, config)
        warnings = check_settings(settings, configuration_file(config), _STEPS)
    for warning in warnings:
        click.echo(f"dcr-server: {warning}", err=True)
    _tell_unknown_variables()
    named = ", ".join(settings.policies) or "none, so nobody may register"
    click.echo(f"settings are complete; policies: {named}")


async def _create_token(wanted: TokenRequest, settings: Settings, given: str | None) -> str | None:
    now = int(system_clock())
    async with open_storage(settings) as storage:
        if given is not None:
            await keep_initial_access_token(wanted, given, storage.initial_access_tokens, now=now)
            return None
        made = await mint_initial_access_token(
            wanted, storage.initial_access_tokens, system_entropy, now=now
        )
    return made.get_secret_value()


def _tell_unknown_variables() -> None:
    for name in unknown_variables(os.environ):
        click.echo(f"dcr-server: {name} is not a setting: see dcr-server config init", err=True)


def _settings(flags: dict[str, str | None], config: Path | None, *, dev: bool) -> Settings:
    settings = load_settings(flags, config)
    return with_development_defaults(settings, system_entropy) if dev else settings


def _with_database_of_dev(settings: Settings) -> Settings:
    """Find the database of `serve --dev` without being told, when there is no other."""
    if settings.database is not None or not DATABASE.exists():
        return settings
    return settings.model_copy(update={"database": f"{SQLITE}{DATABASE}"})


def _check_policy_exists(policy: str, settings: Settings) -> None:
    if not settings.policies:
        # The server may have them from elsewhere, --dev for one.
        click.echo(
            f"no policies are configured here: make sure that the server has one named {policy}",
            err=True,
        )
    elif policy not in settings.policies:
        raise ConfigurationError(
            f"--policy={policy}: no such policy; configured: {', '.join(settings.policies)}"
        )


def _check_database_exists(settings: Settings) -> None:
    """A token in a database that no server opens would be of no use to anybody."""
    path = settings.database_path
    if path is not None and not path.exists():
        raise ConfigurationError(
            f"the database {path} does not exist: give that of the server, or start it first"
        )


def _lifetime(expires_in: str | None) -> int | None:
    try:
        return None if expires_in is None else parse_duration(expires_in)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expires-in") from None


def _run(main_coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it returns
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main_coroutine)


@contextlib.contextmanager
def _failures_in_one_line() -> Iterator[None]:
    try:
        yield
    except (ConfigurationError, StorageError) as error:
        raise click.ClickException(str(error)) from None
