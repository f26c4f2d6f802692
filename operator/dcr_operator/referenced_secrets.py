"""Read what a provider refers to in Secrets: its initial access token and its certificates."""

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from dcr_operator.kube import SECRETS, ApiForbidden, JsonObject, texts
from dcr_operator.ports import Context
from dcr_operator.state import InitialAccessTokenAbsent, InitialAccessTokenFound, SecretKeyRef

# RFC 6750 §2.1 and what a header can hold; a byte order mark is the usual surprise.
_SENDABLE: Final = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class SecretKeyAbsent:
    why: str  # "does not exist", to follow the reference


async def read_secret_key(ref: SecretKeyRef, context: Context) -> str | SecretKeyAbsent:
    """Return the text under one key of a Secret, or what is wrong with it."""
    try:
        secret = await context.references.get(SECRETS, ref.namespace, ref.name)
    except ApiForbidden:
        return SecretKeyAbsent("may not be read by the operator")
    value = None if secret is None else _decoded(secret, ref.key)
    return value if value and value.strip() else SecretKeyAbsent("does not exist")


async def read_initial_access_token(
    ref: SecretKeyRef | None, context: Context
) -> InitialAccessTokenFound | InitialAccessTokenAbsent:
    if ref is None:
        return InitialAccessTokenFound(None)
    value = await read_secret_key(ref, context)
    if isinstance(value, SecretKeyAbsent):
        return InitialAccessTokenAbsent(
            f"{ref}, which should hold the initial access token, {value.why}. Mend it, or correct"
            " spec.initialAccessToken of the provider."
        )
    # A file that ends in a newline is how most such Secrets are made.
    token = value.strip()
    if not _SENDABLE.fullmatch(token):
        return InitialAccessTokenAbsent(
            f"{ref} holds characters that no access token has, such as a space or a byte order"
            " mark. Put the token there, and nothing else."
        )
    return InitialAccessTokenFound(SecretStr(token))


def _decoded(secret: JsonObject, key: str) -> str | None:
    encoded = texts(secret, "data").get(key)
    if encoded is None:
        return None
    try:
        return b64decode(encoded, validate=True).decode()
    except ValueError:
        return None
