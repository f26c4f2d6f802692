"""Access tokens as JWTs (RFC 9068): what they say, and which of them are ours and in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dcr_protocol.json_document import DEFAULT_MAX_BYTES, JsonValue
from dcr_server.json_web_tokens import Claims, InvalidJwt, UnverifiedJwt, numeric_date, parse_jwt
from dcr_server.jwt_signing import ACCESS_TOKEN_TYPE
from dcr_server.signing_keys import SigningKeys
from dcr_server.verification_keys import verify_signature

LIFETIME: Final = 3600
"""Seconds, where the policy says nothing else."""


@dataclass(frozen=True, slots=True)
class AccessTokenClaims:
    """RFC 9068 §2.2; for client credentials the subject is the client itself."""

    issuer: str
    client_id: str
    audience: Sequence[str]
    issued_at: int
    lifetime: int
    jwt_id: str
    scope: str

    def to_wire(self) -> dict[str, JsonValue]:
        claims: dict[str, JsonValue] = {
            "iss": self.issuer,
            "sub": self.client_id,
            "aud": self.audience[0] if len(self.audience) == 1 else list(self.audience),
            "exp": self.issued_at + self.lifetime,
            "iat": self.issued_at,
            "jti": self.jwt_id,
            "client_id": self.client_id,
        }
        if self.scope:
            claims["scope"] = self.scope
        return claims


async def read_access_token(
    token: str, keys: SigningKeys, *, issuer: str, now: int
) -> Claims | None:
    """Return the claims of a token that we signed and that is not over; None for anything else.

    Raises StorageUnavailable.
    """
    try:
        # Scopes and audiences make it as long as they are; the body that it came in is limited.
        jwt = parse_jwt(token, DEFAULT_MAX_BYTES)
        # A token of ours for another purpose, or of another server, is no access token of ours.
        if jwt.type != ACCESS_TOKEN_TYPE or jwt.kid is None or jwt.claims.get("iss") != issuer:
            return None
        await _verify(jwt, jwt.kid, keys, now)
        expires_at = numeric_date(jwt.claims, "exp")
    except InvalidJwt:
        return None
    return None if expires_at is None or expires_at <= now else jwt.claims


async def _verify(jwt: UnverifiedJwt, kid: str, keys: SigningKeys, now: int) -> None:
    key = await keys.find(kid, now)
    if key is None:
        raise InvalidJwt("the kid is not ours")
    verify_signature(jwt, [key.public], algorithms=[key.algorithm])
