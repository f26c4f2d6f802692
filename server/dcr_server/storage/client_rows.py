"""A client as a row, and the row as a client; the columns are the schema's."""

import functools
from collections.abc import Mapping
from typing import Final, cast

from pydantic_core import from_json, to_json

from dcr_protocol.json_document import JsonValue
from dcr_server.credentials import NEVER, Credentials, Held, Overlapping, OverlappingSecret
from dcr_server.records import Client, Owner
from dcr_server.storage.operations import Row

COLUMNS: Final = (
    "client_id, policy, subject, issued_at, expires_at, unused_expires_at, statement_issuer, "
    "credentials, overlapping, metadata"
)
_NOTHING_OVERLAPS: Final = "[]"
_RECENT: Final = 64


# An update reads its client twice: for who asks, and in its own transaction, where nearly always it
# is still the same.
@functools.lru_cache(maxsize=_RECENT)
def client_from_row(row: Row) -> Client:
    # The columns' types, as the schema declares and `row_of` writes them.
    (
        client_id,
        policy,
        subject,
        issued_at,
        expires_at,
        unused,
        statement_issuer,
        credentials,
        overlapping,
        metadata,
    ) = cast("tuple[str, str, str, int, int | None, int | None, str, str, str, str]", row)
    return Client(
        client_id=client_id,
        owner=Owner(policy=policy, subject=subject),
        issued_at=issued_at,
        expires_at=expires_at,
        unused_expires_at=unused,
        statement_issuer=statement_issuer,
        credentials=_credentials_from_json(credentials),
        overlapping=() if overlapping == _NOTHING_OVERLAPS else _overlapping(overlapping),
        metadata=from_json(metadata),
    )


def row_of(client: Client) -> Row:
    return (
        client.client_id,
        client.owner.policy,
        client.owner.subject,
        client.issued_at,
        client.expires_at,
        client.unused_expires_at,
        client.statement_issuer,
        *changeable_columns(client),
    )


def changeable_columns(client: Client) -> tuple[str, str, str]:
    """Give credentials, overlapping and metadata: what an update writes."""
    return (
        credentials_to_json(client.credentials),
        overlapping_to_json(client.overlapping),
        _metadata_to_json(client.metadata),
    )


def credentials_to_json(held: Held) -> str:
    return to_json([_credentials_entry(credentials) for credentials in held]).decode()


def overlapping_to_json(overlapping: Overlapping) -> str:
    if not overlapping:
        return _NOTHING_OVERLAPS
    return to_json([[each.secret_hash.hex(), each.ends_at] for each in overlapping]).decode()


def _credentials_entry(credentials: Credentials) -> list[JsonValue]:
    secret = credentials.secret_hash
    entry: list[JsonValue] = [
        credentials.pair,
        credentials.token_hash.hex(),
        None if secret is None else secret.hex(),
    ]
    return [*entry, credentials.secret_expires_at] if credentials.secret_expires_at else entry


def _credentials_from_json(text: str) -> Held:
    return tuple(
        Credentials(
            pair=pair,
            token_hash=bytes.fromhex(token),
            secret_hash=None if secret is None else bytes.fromhex(secret),
            secret_expires_at=expires_at[0] if expires_at else NEVER,
        )
        for pair, token, secret, *expires_at in from_json(text)
    )


def _overlapping(text: str) -> Overlapping:
    return tuple(
        OverlappingSecret(bytes.fromhex(secret), ends_at) for secret, ends_at in from_json(text)
    )


def _metadata_to_json(metadata: Mapping[str, JsonValue]) -> str:
    return to_json(metadata).decode()
