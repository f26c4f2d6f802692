"""The command line, put together. Exit status 0 done, 1 failed, 2 usage."""

from pathlib import Path
from typing import Final

import click
import structlog

from dcr_server.answering import serving_tls
from dcr_server.bootstrap_command import bootstrap
from dcr_server.commands.audit import audit
from dcr_server.commands.client import client
from dcr_server.commands.keys import keys
from dcr_server.commands.migrate import migrate
from dcr_server.commands.options import (
    config_option,
    database_option,
    dev_option,
    failures_in_one_line,
    run,
    settings_from,
    tell_unknown_variables,
)
from dcr_server.commands.token import token
from dcr_server.configuration import (
    admin_token,
    check_issuer_is_safe,
    configuration_file,
    encryption_key,
    load_settings,
    required,
)
from dcr_server.configuration_check import Step, check_settings
from dcr_server.configuration_example import EXAMPLE
from dcr_server.opening import make_outside
from dcr_server.serving import serve
from dcr_server.structured_logging import configure_logging
from dcr_server.worker_command import worker

_STEPS: Final[tuple[Step, ...]] = (
    lambda settings: required(settings, ["issuer", "database"]),
    check_issuer_is_safe,
    encryption_key,
    admin_token,
    serving_tls,
    make_outside,
)

log = structlog.get_logger()


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
@dev_option
@config_option
@click.option("--issuer", help="URL that clients know the server by.")
@click.option("--listen", help="host:port; port 0 picks one and logs it.  [127.0.0.1:8080]")
@database_option
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
    with failures_in_one_line():
        settings = settings_from(flags, config, dev=dev)
        configure_logging(settings.log_format, settings.log_level)
        tell_unknown_variables()
        for warning in check_settings(settings, configuration_file(config)):
            # What --dev fills in is as open as it should be.
            if not dev:
                log.warning("configuration", detail=warning)
        run(serve(settings, development=dev))


for command in (audit, bootstrap, client, keys, migrate, token, worker):
    main.add_command(command)


@main.group("config")
def config_group() -> None:
    """The configuration file."""


@config_group.command("init")
def config_init() -> None:
    """Print a commented starting file."""
    click.echo(EXAMPLE, nl=False)


@config_group.command("check")
@config_option
def config_check(config: Path | None) -> None:
    """Check settings and policies as `serve` would, without serving.

    Names everything that is wrong at once, each with its place, its value and what to do. What
    works, but hardly as it was meant, is a warning on standard error and no failure.
    """
    # First: what is said to be missing may just be misspelt.
    tell_unknown_variables()
    with failures_in_one_line():
        settings = load_settings({}, config)
        warnings = check_settings(settings, configuration_file(config), _STEPS)
    for warning in warnings:
        click.echo(f"dcr-server: {warning}", err=True)
    named = ", ".join(settings.policies) or "none, so nobody may register"
    click.echo(f"settings are complete; policies: {named}")
