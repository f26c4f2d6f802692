"""Making initial access tokens: what `dcr-server token create` does."""

from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from dcr_server.configuration import ConfigurationError
from dcr_server.records import COMMAND_LINE, InitialAccessToken, Origin, Owner
from dcr_server.storage.protocol import InitialAccessTokenStorage
from dcr_server.tokens import (
    INITIAL_ACCESS_TOKEN_PREFIX,
    Entropy,
    hash_of,
    is_opaque_token,
    mint,
)

SHORTEST_TOKEN: Final = 32
MOST_USES: Final = 2**53
"""What every database keeps, and every JSON reader understands."""
_SUBJECT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What the token is good for. Tokens of one owner can repeat each other's registrations."""

    owner: Owner
    lifetime: int | None = None
    """Seconds; None: it does not expire."""
    max_uses: int | None = None
    note: str = ""
    origin: Origin = COMMAND_LINE


def new_subject(entropy: Entropy) -> str:
    """Name the holder of a token that nobody named: no other token shares its registrations."""
    return f"token-{entropy(_SUBJECT_BYTES).hex()}"


async def mint_initial_access_token(
    wanted: TokenRequest, storage: InitialAccessTokenStorage, entropy: Entropy, *, now: int
) -> SecretStr:
    value, token = prepare_initial_access_token(wanted, entropy, now=now)
    await storage.add(token, wanted.origin)
    return value


def prepare_initial_access_token(
    wanted: TokenRequest, entropy: Entropy, *, now: int
) -> tuple[SecretStr, InitialAccessToken]:
    """Return the token and what is kept of it."""
    minted = mint(INITIAL_ACCESS_TOKEN_PREFIX, entropy)
    return minted.value, _record(wanted, minted.hash, now)


async def keep_initial_access_token(
    wanted: TokenRequest, token: str, storage: InitialAccessTokenStorage, *, now: int
) -> None:
    """Make a token known that was made elsewhere; one that is known stays as it is.

    Raises ConfigurationError for one that could be guessed, without showing it.
    """
    if len(token) < SHORTEST_TOKEN or not is_opaque_token(token):
        raise ConfigurationError(
            f"the token must be {SHORTEST_TOKEN} or more of A-Z a-z 0-9 - _: openssl rand -hex 32"
        )
    await storage.add(_record(wanted, hash_of(token), now), wanted.origin)


def _record(wanted: TokenRequest, token_hash: bytes, now: int) -> InitialAccessToken:
    return InitialAccessToken(
        token_hash=token_hash,
        owner=wanted.owner,
        created_at=now,
        expires_at=None if wanted.lifetime is None else now + wanted.lifetime,
        max_uses=wanted.max_uses,
        note=wanted.note,
    )
