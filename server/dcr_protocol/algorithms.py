"""JOSE algorithms in client metadata: OIDCR §2, JARM §3, RFC 9701 §6, RFC 9101 §10.5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcr_protocol.errors import InvalidClientMetadata
from dcr_protocol.grants import returns_id_token
from dcr_protocol.vocabulary import (
    AUTH_METHODS_WITH_SECRET,
    CLIENT_SECRET_JWT,
    DEFAULT_CONTENT_ENCRYPTION,
    PRIVATE_KEY_JWT,
)

if TYPE_CHECKING:
    from dcr_protocol.client_metadata import ClientMetadata

_UNSIGNED: Final = "none"

# Key management algorithm and content encryption of one kind of message.
_ENCRYPTION_PAIRS: Final = (
    ("id_token_encrypted_response_alg", "id_token_encrypted_response_enc"),
    ("userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
    ("request_object_encryption_alg", "request_object_encryption_enc"),
    ("authorization_encrypted_response_alg", "authorization_encrypted_response_enc"),
    ("introspection_encrypted_response_alg", "introspection_encrypted_response_enc"),
)

_NEVER_UNSIGNED: Final = (
    "token_endpoint_auth_signing_alg",
    "authorization_signed_response_alg",
    "introspection_signed_response_alg",
    "backchannel_authentication_request_signing_alg",
)
# What a response or request is signed by: with a MAC, the client's secret is the key.
_SIGNING: Final = (
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "request_object_signing_alg",
    "authorization_signed_response_alg",
    "introspection_signed_response_alg",
)
_ASYMMETRIC_ENCRYPTION: Final = ("RSA", "ECDH-ES")

# Most clients name no algorithm: then nothing here concerns them.
_CONCERNED: Final = frozenset(
    {
        *(member for pair in _ENCRYPTION_PAIRS for member in pair),
        *_NEVER_UNSIGNED,
        *_SIGNING,
    }
)


def content_encryption_defaults(metadata: ClientMetadata) -> dict[str, str]:
    """Provision `_enc` where only `_alg` was sent (OIDCR §2)."""
    if _CONCERNED.isdisjoint(metadata.model_fields_set):
        return {}
    return {
        encryption: DEFAULT_CONTENT_ENCRYPTION
        for algorithm, encryption in _ENCRYPTION_PAIRS
        if getattr(metadata, algorithm) is not None and getattr(metadata, encryption) is None
    }


def check_algorithms(metadata: ClientMetadata) -> None:
    """Refuse algorithms that contradict another member or may never be used.

    Raises InvalidClientMetadata.
    """
    if not _CONCERNED.isdisjoint(metadata.model_fields_set):
        _check_named_algorithms(metadata)


def _check_named_algorithms(metadata: ClientMetadata) -> None:
    for algorithm, encryption in _ENCRYPTION_PAIRS:
        if getattr(metadata, encryption) is not None and getattr(metadata, algorithm) is None:
            raise InvalidClientMetadata(f"{encryption} needs {algorithm}")
    _check_unsigned(metadata)
    # CIBA §7.1.1: who sent the request must be provable.
    if (metadata.backchannel_authentication_request_signing_alg or "").startswith("HS"):
        raise InvalidClientMetadata(
            "backchannel_authentication_request_signing_alg must be asymmetric"
        )
    _check_assertion_algorithm(metadata)
    if metadata.token_endpoint_auth_method not in AUTH_METHODS_WITH_SECRET:
        _check_without_secret(metadata)


def _check_unsigned(metadata: ClientMetadata) -> None:
    for member in _NEVER_UNSIGNED:
        if getattr(metadata, member) == _UNSIGNED:
            raise InvalidClientMetadata(f"{member} must not be none")
    # OIDCR §2: an ID Token that comes through the browser is signed.
    if metadata.id_token_signed_response_alg == _UNSIGNED and returns_id_token(
        metadata.response_types or ()
    ):
        raise InvalidClientMetadata("id_token_signed_response_alg must not be none")
    # RFC 9101 §10.5
    if metadata.request_object_signing_alg == _UNSIGNED and metadata.require_signed_request_object:
        raise InvalidClientMetadata("require_signed_request_object excludes unsigned ones")


def _check_without_secret(metadata: ClientMetadata) -> None:
    """OIDC Core §10.1, §10.2: symmetric keys come from the client_secret, which it must have."""
    for member in _SIGNING:
        if (getattr(metadata, member) or "").startswith("HS"):
            raise InvalidClientMetadata(f"{member}: an HS algorithm needs a client with a secret")
    for member, _ in _ENCRYPTION_PAIRS:
        algorithm = getattr(metadata, member)
        if algorithm is not None and not algorithm.startswith(_ASYMMETRIC_ENCRYPTION):
            raise InvalidClientMetadata(
                f"{member}: a symmetric algorithm needs a client with a secret"
            )


def _check_assertion_algorithm(metadata: ClientMetadata) -> None:
    # OIDC Core §9: a shared secret makes MACs, a key pair makes signatures.
    algorithm = metadata.token_endpoint_auth_signing_alg
    method = metadata.token_endpoint_auth_method
    if algorithm is None:
        return
    is_mac = algorithm.startswith("HS")
    if method == CLIENT_SECRET_JWT and not is_mac:
        raise InvalidClientMetadata("client_secret_jwt needs an HS algorithm")
    if method == PRIVATE_KEY_JWT and is_mac:
        raise InvalidClientMetadata("private_key_jwt needs an asymmetric algorithm")
