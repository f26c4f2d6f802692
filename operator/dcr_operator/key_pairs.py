"""Key pairs for clients: RFC 7517, RFC 7518 §6, RFC 8037. The adapter of `ports.NewKeyPair`."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Final

from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from pydantic import SecretStr

from dcr_operator.client_keys import KeyPair

_KINDS: Final[dict[str, tuple[str, str | int]]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "RS256": ("RSA", 2048),
    "PS256": ("RSA", 2048),
    "EdDSA": ("OKP", "Ed25519"),
}


class KeyPairs:
    """Makes key pairs in a thread: an RSA key takes a good part of a second."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    async def __call__(self, algorithm: str) -> KeyPair:
        return await asyncio.to_thread(make_key_pair, algorithm, self._now())


def make_key_pair(algorithm: str, made_at: datetime) -> KeyPair:
    kind, size = _KINDS[algorithm]
    key = JWKRegistry.generate_key(kind, size, private=True)
    if not isinstance(key, ECKey | RSAKey | OKPKey):
        raise TypeError(f"{kind} is no asymmetric key")
    # RFC 7638: a name that follows from the key.
    kid = key.thumbprint()
    members = {"kid": kid, "use": "sig", "alg": algorithm}
    return KeyPair(
        kid=kid,
        algorithm=algorithm,
        made_at=made_at,
        public_jwk={**{k: str(v) for k, v in key.as_dict(private=False).items()}, **members},
        private_jwk=SecretStr(json.dumps({**key.as_dict(private=True), **members})),
        private_pem=SecretStr(key.as_pem(private=True).decode()),
    )
