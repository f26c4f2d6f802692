"""A client's key pair, as a client's library would use it: RFC 7523 §2.2, OIDC Core §9."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from joserfc.jwk import JWKRegistry, Key
from joserfc.jws import JWSRegistry

from dcr_protocol.json_document import JsonValue

_KINDS: Mapping[str, tuple[str, str | int]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def to_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True)
class ClientKey:
    algorithm: str
    key: Key
    kid: str = ""

    @property
    def jwk(self) -> dict[str, JsonValue]:
        """The public part, as in `jwks`."""
        public: dict[str, JsonValue] = {
            name: str(value) for name, value in self.key.as_dict(private=False).items()
        }
        return public | ({"kid": self.kid} if self.kid else {})

    @property
    def jwks(self) -> dict[str, JsonValue]:
        return {"keys": [self.jwk]}

    def sign(
        self, claims: Mapping[str, JsonValue] | bytes, header: Mapping[str, JsonValue] | None = None
    ) -> str:
        """Sign whatever is asked for; a member of the header that is None is left out."""
        members = {"alg": self.algorithm, "kid": self.kid or None, **(header or {})}
        named = {name: value for name, value in members.items() if value is not None}
        payload = claims if isinstance(claims, bytes) else to_json(dict(claims))
        return self.sign_parts(to_json(named), payload)

    def sign_parts(self, header: bytes, payload: bytes) -> str:
        signing_input = f"{base64url(header)}.{base64url(payload)}"
        algorithm = JWSRegistry.algorithms[self.algorithm]
        signature = algorithm.sign(signing_input.encode(), self.key)
        return f"{signing_input}.{base64url(signature)}"


@cache
def client_key(algorithm: str = "ES256", kid: str = "", number: int = 0) -> ClientKey:
    """Make one; the same arguments give the same key, since RSA takes its time."""
    assert number >= 0
    kty, size = _KINDS.get(algorithm, ("RSA", 2048))
    return ClientKey(algorithm, JWKRegistry.generate_key(kty, size, private=True), kid)


def assertion_claims(
    client_id: str, audience: JsonValue, now: float, **claims: JsonValue
) -> dict[str, JsonValue]:
    """The claims that RFC 7523 §3 asks for; one that is None is left out."""
    at = int(now)
    members: dict[str, JsonValue] = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": at,
        "exp": at + 60,
        "jti": "once",
        **claims,
    }
    return {name: value for name, value in members.items() if value is not None}
