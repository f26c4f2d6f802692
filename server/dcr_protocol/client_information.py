"""Client information responses: RFC 7591 §3.2.1, RFC 7592 §3.

Both halves of the exchange: the server builds the document, the client reads it. All
tolerance for servers that do not follow the RFCs is in the reading half.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from dcr_protocol.frozen import dataclass
from dcr_protocol.json_document import JsonValue, read_json_object
from dcr_protocol.member_reader import MemberReader
from dcr_protocol.response_errors import MalformedResponse, response_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

# C-010: 201 for a registration, 200 for the rest; some answer 200 to a registration too.
_SUCCESS: Final = frozenset({200, 201})
# C-040
_DELETED: Final = frozenset({200, 202, 204})


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
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    # What was odd about the response and how it was read; for logs and conditions.
    deviations: tuple[str, ...] = ()


def client_information_document(information: ClientInformation) -> dict[str, JsonValue]:
    """Build the response of the server, in the order of RFC 7591 §3.2.1 (S-085, S-110).

    The order is client_id, client_secret, client_id_issued_at, client_secret_expires_at,
    registration_access_token, registration_client_uri, then the metadata.
    """
    secret, token = information.client_secret, information.registration_access_token
    document: dict[str, JsonValue] = {"client_id": information.client_id}
    if secret is not None:
        document["client_secret"] = secret.get_secret_value()
    if information.client_id_issued_at is not None:
        document["client_id_issued_at"] = information.client_id_issued_at
    if information.client_secret_expires_at is not None:
        document["client_secret_expires_at"] = information.client_secret_expires_at
    if token is not None:
        document["registration_access_token"] = token.get_secret_value()
    if information.registration_client_uri is not None:
        document["registration_client_uri"] = information.registration_client_uri
    document.update(information.metadata)
    return document


def parse_client_information_response(
    status: int, headers: Mapping[str, str], body: bytes
) -> ClientInformation:
    """Judge the answer to a register, read or update request (C-010 to C-014, C-024, C-025).

    Raises a `ProtocolResponseError` for everything that is not client information.
    """
    if status not in _SUCCESS:
        raise response_error(status, headers, body)
    document = read_json_object(body)
    if document is None:
        raise MalformedResponse("a success without a JSON object", status=status)
    reader = MemberReader(document)
    client_id = reader.identifier("client_id")
    if client_id is None:
        # RFC 7591 §3.2.1: the one member that every response has.
        raise MalformedResponse("a success without client_id", status=status)
    return ClientInformation(
        client_id=client_id,
        client_secret=reader.secret("client_secret"),
        client_id_issued_at=reader.time("client_id_issued_at"),
        client_secret_expires_at=reader.time("client_secret_expires_at"),
        registration_access_token=reader.access_token("registration_access_token"),
        registration_client_uri=reader.url("registration_client_uri"),
        metadata=reader.rest(),
        deviations=tuple(reader.deviations),
    )


def parse_deletion_response(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Judge the answer to a delete request (C-040): return when the server says it is done.

    Raises a `ProtocolResponseError`; a `NotSupported` with status 404 may mean that the client
    was gone already.
    """
    if status not in _DELETED:
        raise response_error(status, headers, body)
