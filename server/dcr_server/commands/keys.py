"""`dcr-server keys`: the keys that sign access tokens, beside running servers."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

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
)
from dcr_server.commands.output import Description, output_option, print_list, print_one
from dcr_server.encryption import WrongEncryptionKey
from dcr_server.encryption_settings import sealer_of, wrong_encryption_key
from dcr_server.key_rotation import Rotation, Wish, reseal, rotate, state_of
from dcr_server.opening import open_storage
from dcr_server.records import SigningKey
from dcr_server.settings import Settings
from dcr_server.signing_keys import SECONDS_BETWEEN_LOOKS
from dcr_server.tokens import system_clock

_COLUMNS: Final = ("kid", "algorithm", "state", "created_at", "signs_from", "expires_at")


@click.group()
def keys() -> None:
    """Keys that sign access tokens, and the key that seals them in the database."""


@keys.command("list")
@output_option
@config_option
@database_option
def keys_list(*, output: str, config: Path | None, database: str | None) -> None:
    """List the signing keys and what each of them does now.

    \b
    waiting    published, signs from the time that is shown
    signing    signs access tokens
    published  signs no more; tokens that it signed may still be in use
    over       verifies nothing any more, and will be removed
    """  # noqa: D301 - click takes the backspace for "do not rewrap"

    async def print_all() -> None:
        async with open_storage(settings, migrate=False) as storage:
            stored = await storage.signing_keys.all()
        await print_list(_described(stored), _COLUMNS, output)

    with failures_in_one_line():
        settings = settings_of_a_server(database, config)
        run(print_all())


@keys.command("rotate")
@click.option(
    "--now",
    "at_once",
    is_flag=True,
    help="For a compromised key: the new one signs at once, and all tokens of the others end.",
)
@click.option(
    "--kid",
    callback=text,
    help="With --now: the compromised key; nothing is done if it is not in use any more.",
)
@output_option
@dev_option
@config_option
@database_option
def keys_rotate(
    *,
    at_once: bool,
    kid: str | None,
    output: str,
    dev: bool,
    config: Path | None,
    database: str | None,
) -> None:
    """Make the next signing key, for the algorithm that the settings name.

    Running servers publish it within seconds and sign with it minutes later, when every cache
    of the JWKS has it. The key before stays published until its last token has expired.
    While a key waits for its turn, another rotation changes nothing.
    """
    if kid is not None and not at_once:
        raise click.UsageError("--kid names a compromised key: use it with --now")
    with failures_in_one_line():
        settings = _settings(database, config, dev=dev)
        rotation = run(_rotate(settings, Wish(settings.signing_algorithm, at_once, kid)))
    print_one(_description(rotation.key, [rotation.key], _now()), output)
    click.echo(_what_was_done(rotation, at_once=at_once), err=True)


@keys.command("reseal")
@dev_option
@config_option
@database_option
def keys_reseal(*, dev: bool, config: Path | None, database: str | None) -> None:
    """Seal all signing keys with the current encryption key.

    \b
    To replace the encryption key:
      1. restart the servers with the new key as DCR_SERVER_ENCRYPTION_KEY and the old one in
         DCR_SERVER_PREVIOUS_ENCRYPTION_KEYS
      2. dcr-server keys reseal, with the same settings
      3. take the old key out of the settings
    """  # noqa: D301 - as above
    with failures_in_one_line():
        settings = _settings(database, config, dev=dev)
        resealed = run(_reseal(settings))
    click.echo(f"{resealed} sealed anew; every key is sealed with the current encryption key")


def _settings(database: str | None, config: Path | None, *, dev: bool) -> Settings:
    settings = settings_from({"database": database}, config, dev=dev)
    check_database_exists(settings)
    return settings


async def _rotate(settings: Settings, wish: Wish) -> Rotation:
    sealer = sealer_of(settings)
    async with open_storage(settings) as storage:
        try:
            return await rotate(storage.signing_keys, sealer, wish, now=_now())
        except WrongEncryptionKey:
            raise wrong_encryption_key() from None


async def _reseal(settings: Settings) -> int:
    sealer = sealer_of(settings)
    async with open_storage(settings) as storage:
        try:
            return await reseal(storage.signing_keys, sealer, now=_now())
        except WrongEncryptionKey:
            raise wrong_encryption_key() from None


async def _described(stored: Sequence[SigningKey]) -> AsyncIterator[Description]:
    for key in stored:
        yield _description(key, stored, _now())


def _description(key: SigningKey, stored: Sequence[SigningKey], now: int) -> Description:
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": state_of(key, stored, now).value,
        "created_at": key.created_at,
        "signs_from": key.signs_from,
        "expires_at": key.expires_at,
    }


def _what_was_done(rotation: Rotation, *, at_once: bool) -> str:
    seconds = int(SECONDS_BETWEEN_LOOKS)
    if not rotation.made:
        return "nothing was to be done: this is the key that signs next, or already does"
    if at_once:
        return f"made; servers that run use it within {seconds} seconds, the others are revoked"
    return f"made; servers that run publish it within {seconds} seconds"


def _now() -> int:
    return int(system_clock())
