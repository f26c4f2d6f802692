"""Signing JWTs fast: the header is made once per key, and nothing is looked up per token.

ES256: RFC 7518 §3.4; RS256: §3.3; compact serialization: RFC 7515 §7.1; typ: RFC 9068 §2.1.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic_core import to_json

from dcr_protocol.json_document import JsonValue

ACCESS_TOKEN_TYPE: Final = "at+jwt"
"""RFC 9068 §2.1: the type keeps an access token from being taken for an ID Token."""

Sign = Callable[[Mapping[str, JsonValue]], str]

_ECDSA_SHA256: Final = ECDSA(SHA256())
_PKCS1: Final = PKCS1v15()
_SHA256: Final = SHA256()
_P256_OCTETS: Final = 32


def signing_function(
    key: EllipticCurvePrivateKey | RSAPrivateKey | None, algorithm: str, kid: str
) -> Sign:
    """Return what makes an access token of claims.

    Raises ValueError for a key of another kind.
    """
    header = {"alg": algorithm, "typ": ACCESS_TOKEN_TYPE, "kid": kid}
    head = _base64url(to_json(header)) + b"."
    signature = _signature_function(key, algorithm)

    def sign(claims: Mapping[str, JsonValue]) -> str:
        signing_input = head + _base64url(to_json(claims))
        return (signing_input + b"." + _base64url(signature(signing_input))).decode("ascii")

    return sign


def _signature_function(
    key: EllipticCurvePrivateKey | RSAPrivateKey | None, algorithm: str
) -> Callable[[bytes], bytes]:
    if isinstance(key, EllipticCurvePrivateKey) and algorithm == "ES256":
        return lambda octets: _fixed_size(key.sign(octets, _ECDSA_SHA256))
    if isinstance(key, RSAPrivateKey) and algorithm == "RS256":
        return lambda octets: key.sign(octets, _PKCS1, _SHA256)
    raise ValueError(f"the key cannot sign by {algorithm}")


def _fixed_size(der: bytes) -> bytes:
    """RFC 7518 §3.4: both numbers at their full size, not as DER."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(_P256_OCTETS) + s.to_bytes(_P256_OCTETS)


def _base64url(octets: bytes) -> bytes:
    return base64.urlsafe_b64encode(octets).rstrip(b"=")
