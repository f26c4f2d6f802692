"""The client's keys: RFC 7591 §2, OIDCR §2, RFC 7517, RFC 8705 §2.2.2 (S-060 to S-064)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from dcr_protocol import base64url
from dcr_protocol.errors import InvalidClientMetadata
from dcr_protocol.vocabulary import PRIVATE_KEY_JWT, SELF_SIGNED_TLS_CLIENT_AUTH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcr_protocol.client_metadata import ClientMetadata
    from dcr_protocol.json_document import JsonValue

# RFC 7518 §6: what nobody but the client may know.
SECRET_KEY_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})

# RFC 7518 §6, RFC 8037 §2: what a public key is made of.
_PUBLIC_KEY_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}

_SIGNED_REQUEST_MEMBERS: Final = (
    "request_object_signing_alg",
    "backchannel_authentication_request_signing_alg",
)
_ENCRYPTED_RESPONSE_MEMBERS: Final = (
    "id_token_encrypted_response_alg",
    "userinfo_encrypted_response_alg",
    "authorization_encrypted_response_alg",
    "introspection_encrypted_response_alg",
)
_ASYMMETRIC_ENCRYPTION: Final = ("RSA", "ECDH-ES")
_AUTH_METHODS_WITH_KEYS: Final = frozenset({PRIVATE_KEY_JWT, SELF_SIGNED_TLS_CLIENT_AUTH})
# Most clients have no keys and need none.
_CONCERNED: Final = frozenset(
    {"jwks", "jwks_uri", *_SIGNED_REQUEST_MEMBERS, *_ENCRYPTED_RESPONSE_MEMBERS}
)


def check_client_keys(metadata: ClientMetadata) -> None:
    """Apply every rule about `jwks` and `jwks_uri` that needs no fetching.

    Raises InvalidClientMetadata; never with a part of a key in its text.
    """
    method = metadata.token_endpoint_auth_method
    if method not in _AUTH_METHODS_WITH_KEYS and _CONCERNED.isdisjoint(metadata.model_fields_set):
        return
    # RFC 7591 §2: both at once are an error.
    if metadata.jwks is not None and metadata.jwks_uri is not None:
        raise InvalidClientMetadata("jwks and jwks_uri must not be used together")
    keys = [] if metadata.jwks is None else _keys(metadata.jwks)
    reason = _why_keys_are_needed(metadata)
    if reason is not None and not keys and metadata.jwks_uri is None:
        raise InvalidClientMetadata(f"{reason} needs jwks or jwks_uri")
    _check_set(keys)
    if method == SELF_SIGNED_TLS_CLIENT_AUTH and not all("x5c" in key for key in keys):
        # RFC 8705 §2.2.2: the certificates themselves are what is compared.
        raise InvalidClientMetadata("self_signed_tls_client_auth: every key of jwks needs x5c")


def _why_keys_are_needed(metadata: ClientMetadata) -> str | None:
    if metadata.token_endpoint_auth_method in _AUTH_METHODS_WITH_KEYS:
        return metadata.token_endpoint_auth_method
    for member in _SIGNED_REQUEST_MEMBERS:
        signing: str | None = getattr(metadata, member)
        if signing is not None and signing != "none" and not signing.startswith("HS"):
            return member
    for member in _ENCRYPTED_RESPONSE_MEMBERS:
        algorithm: str | None = getattr(metadata, member)
        if algorithm is not None and algorithm.startswith(_ASYMMETRIC_ENCRYPTION):
            return member
    return None


def _keys(jwks: Mapping[str, JsonValue]) -> list[Mapping[str, JsonValue]]:
    keys = jwks.get("keys")
    if not isinstance(keys, list):
        raise InvalidClientMetadata("jwks must be an object with an array of keys")
    checked: list[Mapping[str, JsonValue]] = []
    for position, key in enumerate(keys):
        if not isinstance(key, dict):
            raise InvalidClientMetadata(f"jwks: key {position} must be an object")
        flaw = _flaw_in_key(key)
        if flaw is not None:
            raise InvalidClientMetadata(f"jwks: key {position} {flaw}")
        checked.append(key)
    return checked


def is_public_key(key: Mapping[str, JsonValue]) -> bool:
    """RFC 7517 §5: what is not understood, or holds more than the public part, is passed over."""
    return _flaw_in_key(key) is None and key["kty"] in _PUBLIC_KEY_MEMBERS


def _flaw_in_key(key: Mapping[str, JsonValue]) -> str | None:
    kty = key.get("kty")
    if not isinstance(kty, str):
        return "has no kty"
    # OIDCR §2: public keys only.
    if kty == "oct" or not SECRET_KEY_MEMBERS.isdisjoint(key):
        return "holds private or symmetric key material"
    for member in _PUBLIC_KEY_MEMBERS.get(kty, ()):
        if not isinstance(key.get(member), str):
            return f"has no {member}"
    if "kid" in key and not isinstance(key["kid"], str):
        return "has a kid that is no string"
    if "x5c" in key:
        return _flaw_in_certificate(key)
    return None


def _flaw_in_certificate(key: Mapping[str, JsonValue]) -> str | None:
    chain = key["x5c"]
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        return "has an x5c that is no array of certificates"
    try:
        # RFC 7517 §4.7: base64, not base64url, of the DER.
        certificate = base64.b64decode(chain[0], validate=True)
        # The parts of a public key stand in the certificate as they are.
        parts = [base64url.decode(str(key[member])) for member in ("n", "x", "y") if member in key]
    except (binascii.Error, ValueError):
        return "has an x5c or a key member that is not base64"
    # OIDCR §2: the bare key must match the certificate.
    return None if all(part in certificate for part in parts) else "does not match its x5c"


def _check_set(keys: list[Mapping[str, JsonValue]]) -> None:
    kids = [key["kid"] for key in keys if "kid" in key]
    if len(kids) != len(set(map(str, kids))):
        raise InvalidClientMetadata("jwks: two keys have the same kid")
    uses = {key.get("use") if isinstance(key.get("use"), str) else None for key in keys}
    # OIDCR §2: with signing and encryption keys in one set, each says which it is.
    if {"sig", "enc"} <= uses and None in uses:
        raise InvalidClientMetadata(
            "jwks: with signing and encryption keys in one set each key needs use"
        )
