"""Client information responses: RFC 7591 §3.2.1, RFC 7592 §3.

Both halves of the exchange: the server builds the document, the client reads it. All
tolerance for servers that do not follow the RFCs is in the reading half.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import SecretStr

from dcr_protocol.json_document import JsonValue

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ClientInformation:
    """What a server says about one client. Its repr shows no credential."""

    client_id: str
    client_secret: SecretStr | None = None
    client_id_issued_at: int | None = None
    # Seconds since 1970; 0 never expires. None: the server did not say, so never (C-013).
    client_secret_expires_at: int | None = None
    # RFC 7592 §3; each may be missing: no management, or unchanged (C-014).
    registration_access_token: SecretStr | None = None
    registration_client_uri: str | None = None
    # Everything else, as returned, without null and "".
    metadata: dict[str, JsonValue] = field(default_factory=dict)
    # What was odd about the response and how it was read; for logs and conditions.
    deviations: tuple[str, ...] = ()


def client_information_document(information: ClientInformation) -> dict[str, JsonValue]:
    """Build the response of the server, in the order of RFC 7591 §3.2.1 (S-085, S-110).

    The order is client_id, client_secret, client_id_issued_at, client_secret_expires_at,
    registration_access_token, registration_client_uri, then the metadata.
    """
    raise NotImplementedError


def parse_client_information_response(
    status: int, headers: Mapping[str, str], body: bytes
) -> ClientInformation:
    """Judge the answer to a register, read or update request (C-010 to C-014, C-024, C-025).

    Raises a `ProtocolResponseError` for everything that is not client information.
    """
    raise NotImplementedError


def parse_deletion_response(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Judge the answer to a delete request (C-040): return when the server says it is done.

    Raises a `ProtocolResponseError`; a `NotSupported` with status 404 may mean that the client
    was gone already.
    """
    raise NotImplementedError
