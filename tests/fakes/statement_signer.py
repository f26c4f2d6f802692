"""An issuer of software statements: signs well, or what an attacker would.

signer = StatementSigner("https://statements.test")
statement = signer.statement(software_id="shop")
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from joserfc.jwk import ECKey, KeyParameters, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from dcr_protocol.json_document import JsonValue

ISSUER = "https://statements.test"
NOW = 1_800_000_000
PrivateKey = ECKey | RSAKey | OKPKey


def make_key(algorithm: str, kid: str | None = "one") -> PrivateKey:
    parameters: KeyParameters = {} if kid is None else {"kid": kid}
    if algorithm.startswith("ES"):
        curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm]
        return ECKey.generate_key(curve, parameters, private=True)
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519", parameters, private=True)
    return RSAKey.generate_key(2048, parameters, private=True)


@dataclass(frozen=True)
class StatementSigner:
    algorithm: str = "ES256"
    kid: str | None = "one"
    issuer: str = ISSUER
    key: PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", make_key(self.algorithm, self.kid))

    def statement(self, **claims: JsonValue) -> str:
        """Sign claims of a good statement, with changes; a claim that is None is left out."""
        complete: dict[str, JsonValue] = {
            "iss": self.issuer,
            "iat": NOW,
            "software_id": "shop",
            **claims,
        }
        return self.sign(
            {"alg": self.algorithm, "typ": "JWT", "kid": self.kid},
            {name: value for name, value in complete.items() if value is not None},
        )

    def sign(self, header: Mapping[str, JsonValue], claims: Mapping[str, JsonValue] | bytes) -> str:
        members = {name: value for name, value in header.items() if value is not None}
        return compact(members, claims, self.signature)

    def signature(self, signing_input: bytes) -> bytes:
        return JWSRegistry.algorithms[self.algorithm].sign(signing_input, self.key)

    def jwk(self, **members: JsonValue) -> dict[str, JsonValue]:
        public = {name: str(value) for name, value in self.key.as_dict(private=False).items()}
        return {**public, **members}

    def write_jwks(self, path: Path, *more: "StatementSigner") -> Path:
        keys = [signer.jwk() for signer in (self, *more)]
        path.write_text(json.dumps({"keys": keys}), encoding="utf-8")
        return path


def compact(
    header: Mapping[str, JsonValue] | bytes,
    claims: Mapping[str, JsonValue] | bytes,
    sign: Callable[[bytes], bytes],
) -> str:
    signing_input = f"{encoded(header)}.{encoded(claims)}".encode("ascii")
    return f"{signing_input.decode('ascii')}.{base64url(sign(signing_input))}"


def encoded(part: Mapping[str, JsonValue] | bytes) -> str:
    return base64url(part if isinstance(part, bytes) else json.dumps(part).encode())


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
