"""Making initial access tokens: what `dcr-server token create` does."""

from dataclasses import dataclass

from pydantic import SecretStr

from dcr_server.records import InitialAccessToken, Owner
from dcr_server.storage.protocol import InitialAccessTokenStorage
from dcr_server.tokens import INITIAL_ACCESS_TOKEN_PREFIX, Entropy, mint


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What the token is good for. Tokens of one owner can repeat each other's registrations."""

    owner: Owner
    lifetime: int | None = None
    """Seconds; None: it does not expire."""
    max_uses: int | None = None
    note: str = ""


async def mint_initial_access_token(
    wanted: TokenRequest, storage: InitialAccessTokenStorage, entropy: Entropy, *, now: int
) -> SecretStr:
    minted = mint(INITIAL_ACCESS_TOKEN_PREFIX, entropy)
    await storage.add(
        InitialAccessToken(
            token_hash=minted.hash,
            owner=wanted.owner,
            created_at=now,
            expires_at=None if wanted.lifetime is None else now + wanted.lifetime,
            max_uses=wanted.max_uses,
            note=wanted.note,
        )
    )
    return minted.value
