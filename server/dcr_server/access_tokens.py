"""Access tokens as JWTs (RFC 9068), signed with keys that all processes share by the database."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey

from dcr_protocol.json_document import JsonValue
from dcr_server.encryption import Sealer
from dcr_server.records import SigningKey
from dcr_server.storage.protocol import SigningKeyStorage

ALGORITHM: Final = "ES256"
LIFETIME: Final = 3600
"""Seconds."""


@dataclass(frozen=True, slots=True)
class AccessTokenClaims:
    """RFC 9068 §2.2; for client credentials the subject is the client itself."""

    issuer: str
    client_id: str
    audience: Sequence[str]
    issued_at: int
    jwt_id: str
    scope: str

    def to_wire(self) -> dict[str, JsonValue]:
        claims: dict[str, JsonValue] = {
            "iss": self.issuer,
            "sub": self.client_id,
            "aud": self.audience[0] if len(self.audience) == 1 else list(self.audience),
            "exp": self.issued_at + LIFETIME,
            "iat": self.issued_at,
            "jti": self.jwt_id,
            "client_id": self.client_id,
        }
        return claims | {"scope": self.scope} if self.scope else claims


class AccessTokenSigner:
    """Signs with the newest key, publishes all of them."""

    def __init__(self, keys: Sequence[ECKey]) -> None:
        self._keys = tuple(keys)

    def sign(self, claims: AccessTokenClaims) -> str:
        key = self._keys[-1]
        # RFC 9068 §2.1: the type keeps the token from being taken for an ID Token.
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": str(key.kid)}
        return jwt.encode(header, claims.to_wire(), key, algorithms=[ALGORITHM])

    def jwks(self) -> dict[str, JsonValue]:
        """RFC 7517 §5: public parts only."""
        return {"keys": [_public_part(key) for key in self._keys]}


async def open_signer(keys: SigningKeyStorage, sealer: Sealer, *, now: int) -> AccessTokenSigner:
    """Load the keys, made on the first start.

    Raises WrongEncryptionKey.
    """
    if not await keys.all():
        await keys.add_first(_new_key(sealer, now))
    return AccessTokenSigner([_open(key, sealer) for key in await keys.all()])


def _new_key(sealer: Sealer, now: int) -> SigningKey:
    key = ECKey.generate_key("P-256", private=True)
    kid = key.thumbprint()
    private = json.dumps(key.as_dict(private=True)).encode()
    return SigningKey(
        kid=kid, sealed_private_key=sealer.seal(private, place=_place(kid)), created_at=now
    )


def _open(key: SigningKey, sealer: Sealer) -> ECKey:
    private = json.loads(sealer.open(key.sealed_private_key, place=_place(key.kid)))
    return ECKey.import_key({**private, "kid": key.kid})


def _place(kid: str) -> str:
    return f"signing_keys/{kid}"


def _public_part(key: ECKey) -> dict[str, JsonValue]:
    members = {name: str(value) for name, value in key.as_dict(private=False).items()}
    return {**members, "use": "sig", "alg": ALGORITHM}
