"""`dcr-server token`: initial access tokens, made, listed and revoked beside a running server."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from dcr_server.commands.options import (
    check_database_exists,
    config_option,
    database_option,
    dev_option,
    failures_in_one_line,
    run,
    settings_from,
    settings_of_a_server,
    text,
    with_database_of_dev,
)
from dcr_server.commands.output import (
    Description,
    all_pages,
    limit_option,
    output_option,
    print_list,
)
from dcr_server.configuration import ConfigurationError
from dcr_server.descriptions import describe_token
from dcr_server.durations import parse_duration
from dcr_server.minting import (
    MOST_USES,
    TokenRequest,
    keep_initial_access_token,
    mint_initial_access_token,
    new_subject,
)
from dcr_server.opening import open_storage
from dcr_server.records import COMMAND_LINE, InitialAccessToken, Owner
from dcr_server.settings import Settings
from dcr_server.storage.protocol import Storage
from dcr_server.tokens import system_clock, system_entropy

_COLUMNS: Final = (
    "token_id",
    "policy",
    "subject",
    "created_at",
    "expires_at",
    "uses",
    "max_uses",
    "note",
)


@click.group()
def token() -> None:
    """Initial access tokens: the right to register under a policy."""


@token.command("create")
@click.option(
    "--policy",
    required=True,
    callback=text,
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
    callback=text,
    help="Owner of the clients: tokens of one policy and subject may repeat each other's requests, "
    "so name the same holder by it only. Without it each token has a subject of its own.",
)
@click.option("--note", default="", callback=text, help="For people, such as who it was given to.")
@click.option(
    "--token-file",
    type=click.File("rb"),
    help="Accept the token in this file instead of making one; prints nothing.",
)
@dev_option
@config_option
@database_option
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
    """  # noqa: D301 - click takes the backspace for "do not rewrap"
    wanted = TokenRequest(
        owner=Owner(policy, subject or new_subject(system_entropy)),
        lifetime=_lifetime(expires_in),
        max_uses=max_uses,
        note=note,
    )
    with failures_in_one_line():
        settings = settings_from({"database": database}, config, dev=dev)
        settings = with_database_of_dev(settings)
        _check_policy_exists(policy, settings)
        given = token_file.read().decode("ascii", "replace").strip() if token_file else None
        if given is None and not dev:
            check_database_exists(settings)
        made = run(_create_token(wanted, settings, given))
    if made:
        click.echo(made)


@token.command("list")
@click.option("--policy", callback=text, help="Of this policy only.")
@limit_option
@output_option
@config_option
@database_option
def token_list(
    *, policy: str | None, limit: int, output: str, config: Path | None, database: str | None
) -> None:
    """List initial access tokens by what may be shown of them; never the tokens themselves."""

    async def print_all() -> None:
        async with open_storage(settings, migrate=False) as storage:
            await print_list(_described(storage, policy, limit), _COLUMNS, output)

    with failures_in_one_line():
        settings = settings_of_a_server(database, config)
        run(print_all())


@token.command("revoke")
@click.argument("token_id", callback=text)
@config_option
@database_option
def token_revoke(*, token_id: str, config: Path | None, database: str | None) -> None:
    """Revoke an initial access token, named by the TOKEN_ID that `token list` shows.

    What was registered with it stays.
    """

    async def revoke() -> bool:
        async with open_storage(settings) as storage:
            return await storage.initial_access_tokens.revoke(
                token_id, now=int(system_clock()), origin=COMMAND_LINE
            )

    with failures_in_one_line():
        settings = settings_of_a_server(database, config)
        if not run(revoke()):
            raise click.ClickException(f"there is no token {token_id}: see dcr-server token list")
    click.echo(f"revoked {token_id}", err=True)


async def _described(
    storage: Storage, policy: str | None, limit: int
) -> AsyncIterator[Description]:
    async def fetch(last: InitialAccessToken | None, count: int) -> Sequence[InitialAccessToken]:
        after = last.token_id if last else ""
        return await storage.initial_access_tokens.page(policy, after=after, limit=count)

    async for found in all_pages(fetch, limit):
        yield describe_token(found)


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


def _lifetime(expires_in: str | None) -> int | None:
    try:
        return None if expires_in is None else parse_duration(expires_in)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expires-in") from None
