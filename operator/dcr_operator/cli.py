"""The command line: ``dcr-operator run``, ``crds``, ``plan``, ``orphans``, ``records``.

Whatever goes wrong for a reason that the user can mend is one line on standard error.
Exit status: 0 done, 1 failed, 2 usage or settings.
"""

import asyncio
import json
import os
import sys
from typing import NoReturn, TextIO

import click

from dcr_operator.crdgen import render_crds
from dcr_operator.lease import LeadershipLostError
from dcr_operator.plan_preview import UnreadableFileError, preview
from dcr_operator.record_commands import orphans, records
from dcr_operator.settings import (
    Settings,
    SettingsError,
    load_settings,
    pod_namespace,
    unknown_variables,
    variable_of,
)
from dcr_operator.startup_error import StartupError
from dcr_operator.structured_logging import configure_logging
from dcr_operator.version import VERSION

_FAILED = 1
_USAGE = 2


def _settings_help() -> str:
    rows = [
        f"  {variable_of(name)}\n      {field.description}"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(rows)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Install the CRDs: dcr-operator crds | kubectl apply --server-side -f -",
)
@click.version_option(VERSION, prog_name="dcr-operator")
def main() -> None:
    """Give every workload in a Kubernetes cluster its own OAuth client.

    An OAuthClient resource is registered at its provider by OAuth 2.0 Dynamic Client
    Registration (RFC 7591); the credentials appear in a Secret, stay in step (RFC 7592)
    and go when the resource goes.
    """


@main.command(
    epilog="\b\nSettings, by environment variables:\n" + _settings_help(),
)
def run() -> None:
    """Run the operator until a signal.

    The cluster is that of KUBECONFIG, else the pod's own, else ~/.kube/config.
    """
    try:
        settings = load_settings(os.environ, pod_namespace=pod_namespace())
    except SettingsError as error:
        _fail(str(error), _USAGE)
    configure_logging(settings.log_format, settings.log_level)
    for name in unknown_variables(os.environ):
        click.echo(f"dcr-operator: {name} is not a setting: see dcr-operator run --help", err=True)
    # kopf and the Kubernetes client take a while to import: not for --help.
    from dcr_operator.main import run as run_operator  # noqa: PLC0415

    try:
        # Not uvloop: while an API server is away it may refuse the number of a socket that is used
        # again ("File descriptor is used by transport"), which would end the watches.
        asyncio.run(run_operator(settings, os.environ))
    except (StartupError, LeadershipLostError) as error:
        _fail(str(error), _FAILED)
    except OSError as error:
        _fail(f"cannot listen on {settings.listen}: {error.strerror or error}", _FAILED)


@main.command()
def crds() -> None:
    """Print the CustomResourceDefinitions, for kubectl apply --server-side -f -."""
    click.echo(render_crds(), nl=False)


@main.command()
@click.option(
    "-f",
    "--file",
    "file",
    type=click.File("r", encoding="utf-8"),
    required=True,
    help="YAML with OAuthClients, and their providers if at hand; - is standard input.",
)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def plan(file: TextIO, output: str) -> None:
    """Show what applying a resource would send, without sending it.

    Needs neither cluster nor provider. Exit status 1 when a resource is not valid, or its
    metadata breaks a rule of RFC 7591 or of OpenID Connect's dynamic registration.
    """
    try:
        previews = preview(file.read())
    except UnreadableFileError as error:
        _fail(f"{file.name}: {error}", _FAILED)
    if output == "json":
        click.echo(json.dumps([each.to_document() for each in previews], indent=2))
    else:
        click.echo("\n\n".join(each.to_text() for each in previews))
    if any(each.problems for each in previews):
        sys.exit(_FAILED)


main.add_command(orphans)
main.add_command(records)


def _fail(message: str, status: int) -> NoReturn:
    click.echo(f"dcr-operator: {message}", err=True)
    sys.exit(status)
