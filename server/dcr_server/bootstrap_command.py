"""The command line of `bootstrap`."""

import datetime as dt
import os
import secrets

import click

from dcr_server.bootstrap import Wanted, make_missing_secrets
from dcr_server.kubernetes_secrets import KubernetesSecretsError, in_cluster


@click.command()
@click.option(
    "--encryption-key-secret", metavar="NAME", default="", help="Key encryption-key: 32 bytes."
)
@click.option(
    "--initial-access-token-secret",
    metavar="NAME",
    default="",
    help="Key token: for `token create --token-file`.",
)
@click.option(
    "--tls-secret",
    metavar="NAME",
    default="",
    help="A certificate for the server, and the authority that signed it.",
)
@click.option(
    "--tls-dns-name", "tls_dns_names", metavar="HOST", multiple=True, help="Repeat for each name."
)
def bootstrap(
    encryption_key_secret: str,
    initial_access_token_secret: str,
    tls_secret: str,
    tls_dns_names: tuple[str, ...],
) -> None:
    """Make the Secrets that are missing in this pod's namespace.

    A Secret that is there is left as it is. The pod's ServiceAccount needs the right to create
    Secrets. The Helm chart runs this as a Job.
    """
    if tls_secret and not tls_dns_names:
        raise click.UsageError("--tls-secret needs a --tls-dns-name")
    wanted = Wanted(encryption_key_secret, initial_access_token_secret, tls_secret, tls_dns_names)
    now = dt.datetime.now(dt.UTC)
    try:
        account = in_cluster(os.environ)
        for made in make_missing_secrets(wanted, account, entropy=secrets.token_bytes, now=now):
            click.echo(f"Secret {made.name}: {'made' if made.now else 'is there, left as it is'}")
    except KubernetesSecretsError as error:
        raise click.ClickException(str(error)) from None
