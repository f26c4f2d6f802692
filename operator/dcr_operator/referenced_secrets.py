"""Read what resources refer to in Secrets: tokens, certificates, software statements."""

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from dcr_operator.kube import SECRETS, ApiForbidden, JsonObject, text, texts
from dcr_operator.ports import Context, ReferenceReader
from dcr_operator.record import SECRET_TYPE
from dcr_operator.state import (
    InitialAccessTokenAbsent,
    InitialAccessTokenFound,
    SecretKeyRef,
    SoftwareStatementAbsent,
    SoftwareStatementFound,
)

# RFC 6750 §2.1 and what a header can hold; a byte order mark is the usual surprise.
_SENDABLE: Final = re.compile(r"[\x21-\x7e]+")
# RFC 7519 §3, RFC 7515 §7.1: a JWT that is signed, whose header begins with `{"`.
_SIGNED_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]+")
_LONGEST_STATEMENT: Final = 65536
# What speaks for a ServiceAccount of the namespace, and records, are not sent to any provider.
_NOT_TO_BE_SENT: Final = frozenset(
    {
        "kubernetes.io/service-account-token",
        "bootstrap.kubernetes.io/token",
        SECRET_TYPE,
    }
)


@dataclass(frozen=True, slots=True)
class SecretKeyAbsent:
    why: str  # "does not exist", to follow the reference


async def read_secret_key(ref: SecretKeyRef, context: Context) -> str | SecretKeyAbsent:
    """Return the text under one key of a Secret, or what is wrong with it."""
    return await _read(ref, context.references)


async def _read(
    ref: SecretKeyRef, reads: ReferenceReader, refused_types: frozenset[str] = frozenset()
) -> str | SecretKeyAbsent:
    try:
        secret = await reads.get(SECRETS, ref.namespace, ref.name)
    except ApiForbidden:
        return SecretKeyAbsent("may not be read by the operator")
    if secret is not None and text(secret, "type") in refused_types:
        return SecretKeyAbsent(f"is in a Secret of type {text(secret, 'type')}")
    value = None if secret is None else decoded_key(secret, ref.key)
    return value if value and value.strip() else SecretKeyAbsent("does not exist")


async def read_initial_access_token(
    ref: SecretKeyRef | None, context: Context
) -> InitialAccessTokenFound | InitialAccessTokenAbsent:
    if ref is None:
        return InitialAccessTokenFound(None)
    value = await _read(ref, context.references, _NOT_TO_BE_SENT)
    if isinstance(value, SecretKeyAbsent):
        return InitialAccessTokenAbsent(
            f"{ref}, which should hold the initial access token, {value.why}. Mend it, or correct"
            " spec.initialAccessToken of the provider."
        )
    # A file that ends in a newline is how most such Secrets are made.
    token = value.strip()
    if not is_sendable(token):
        return InitialAccessTokenAbsent(
            f"{ref} holds characters that no access token has, such as a space or a byte order"
            " mark. Put the token there, and nothing else."
        )
    return InitialAccessTokenFound(SecretStr(token))


async def read_software_statement(
    ref: SecretKeyRef, context: Context
) -> SoftwareStatementFound | SoftwareStatementAbsent:
    """Return the JWT (RFC 7591 §2.3); anything else in that Secret goes to no provider."""
    # It is one client's alone, and a change is to be seen: read live.
    value = await _read(ref, context.kubernetes, _NOT_TO_BE_SENT)
    if isinstance(value, SecretKeyAbsent):
        return SoftwareStatementAbsent(
            f"{ref}, which should hold the software statement, {value.why}. Mend it, or correct"
            " spec.softwareStatementRef."
        )
    statement = value.strip()
    if len(statement) > _LONGEST_STATEMENT or not _SIGNED_JWT.fullmatch(statement):
        return SoftwareStatementAbsent(
            f"{ref} holds no software statement, which is a signed JWT. Put the statement there,"
            " and nothing else."
        )
    return SoftwareStatementFound(SecretStr(statement))


def is_sendable(token: str) -> bool:
    return _SENDABLE.fullmatch(token) is not None


def decoded_key(secret: JsonObject, key: str) -> str | None:
    """Return the text under a key of a Secret; None where there is none, or no text."""
    encoded = texts(secret, "data").get(key)
    if encoded is None:
        return None
    try:
        return b64decode(encoded, validate=True).decode()
    except ValueError:
        return None
