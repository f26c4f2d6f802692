"""Which of the keys that we hold for somebody verifies a token: RFC 7517, RFC 7518, RFC 8725.

The token's header names an algorithm and a key; the keys themselves come from elsewhere, and what
a key is made of decides for which algorithms it serves. So neither can be talked into another use.
"""

import functools
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from joserfc.jws import JWSRegistry

from dcr_protocol import base64url
from dcr_protocol.json_document import JsonValue
from dcr_server.json_web_tokens import InvalidJwt, UnverifiedJwt

Jwk = Mapping[str, JsonValue]


class _Form(NamedTuple):
    """What a key must be for an algorithm."""

    kty: str
    crv: str | None = None


# RFC 8725 §3.1: an allow-list; asymmetric only, so that no public key serves as a secret.
_FORMS: Final[Mapping[str, _Form]] = {
    "ES256": _Form("EC", "P-256"),
    "ES384": _Form("EC", "P-384"),
    "ES512": _Form("EC", "P-521"),
    "PS256": _Form("RSA"),
    "PS384": _Form("RSA"),
    "PS512": _Form("RSA"),
    "RS256": _Form("RSA"),
    "RS384": _Form("RSA"),
    "RS512": _Form("RSA"),
    "EdDSA": _Form("OKP", "Ed25519"),
    "Ed25519": _Form("OKP", "Ed25519"),
}
ASYMMETRIC_ALGORITHMS: Final = tuple(_FORMS)

_MEMBERS: Final = {"EC": ("crv", "x", "y"), "RSA": ("n", "e"), "OKP": ("crv", "x")}
# Bits: RFC 7518 §3.3 asks for the first; beyond the others a check takes long.
_SHORTEST_MODULUS: Final = 2048
_LONGEST_MODULUS: Final = 8192
_LONGEST_EXPONENT: Final = 32
_KEYS_THAT_SIGN_AGAIN: Final = 64


def verify_signature(
    jwt: UnverifiedJwt, keys: Sequence[Jwk], *, algorithms: Collection[str]
) -> None:
    """Raise InvalidJwt unless the one key that fits made the signature."""
    if jwt.algorithm not in algorithms or jwt.algorithm not in _FORMS:
        raise InvalidJwt("the algorithm is not among those that are accepted")
    algorithm = JWSRegistry.algorithms[jwt.algorithm]
    try:
        key = _imported(_public_part(_fitting_key(jwt, keys)))
        verified = algorithm.verify(jwt.signing_input, jwt.signature, key)
    except (JoseError, ValueError, TypeError):
        raise InvalidJwt("the key is damaged") from None
    if not verified:
        raise InvalidJwt("the signature does not verify")


def _fitting_key(jwt: UnverifiedJwt, keys: Sequence[Jwk]) -> Jwk:
    """Choose by `kid`, else by algorithm; more than one is none: a request costs one check.

    OpenID Connect Core §10.1: with several keys in the set, `kid` must say which.
    """
    named = [key for key in keys if jwt.kid is not None and key.get("kid") == jwt.kid]
    # The maker may name a key that was registered without a name.
    candidates = named or [key for key in keys if jwt.kid is None or "kid" not in key]
    fitting = [key for key in candidates if _serves_for(key, jwt.algorithm)]
    if len(fitting) != 1:
        found = "several keys fit" if fitting else "no key fits"
        raise InvalidJwt(f"{found} the algorithm and the kid")
    return fitting[0]


def _serves_for(key: Jwk, algorithm: str) -> bool:
    form = _FORMS[algorithm]
    if (key.get("kty"), key.get("crv") if form.crv else None) != form:
        return False
    operations = key.get("key_ops")
    return (
        key.get("alg", algorithm) == algorithm
        and key.get("use", "sig") == "sig"
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and (form.kty != "RSA" or _is_reasonable_rsa_key(key))
    )


def _is_reasonable_rsa_key(key: Jwk) -> bool:
    return (
        _SHORTEST_MODULUS <= _bits(key.get("n")) <= _LONGEST_MODULUS
        and _bits(key.get("e")) <= _LONGEST_EXPONENT
    )


def _bits(number: JsonValue) -> int:
    """RFC 7518 §2, Base64urlUInt; 0 for anything else."""
    try:
        octets = base64url.decode(str(number))
    except ValueError:
        return 0
    return int.from_bytes(octets).bit_length()


def _public_part(key: Jwk) -> tuple[tuple[str, str], ...]:
    kty = str(key["kty"])
    return ("kty", kty), *((name, str(key.get(name, ""))) for name in _MEMBERS[kty])


# Whoever signs does so again, and to make a key of its numbers takes half as long as a check.
@functools.lru_cache(maxsize=_KEYS_THAT_SIGN_AGAIN)
def _imported(public_part: tuple[tuple[str, str], ...]) -> Key:
    """Raises JoseError, ValueError or TypeError for a key that is damaged."""
    return JWKRegistry.import_key(dict(public_part))
