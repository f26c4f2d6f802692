"""Client update requests: RFC 7592 §2.2. One half for the client, one for the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from dcr_protocol.errors import InvalidRequest
from dcr_protocol.vocabulary import FORBIDDEN_IN_UPDATE, READ_ONLY_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcr_protocol.json_document import JsonValue


def update_request_document(
    client_id: str, metadata: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Build the body of an update: the whole desired metadata and `client_id`."""
    # RFC 7592 §2.2: an update replaces the whole client metadata.
    return {"client_id": client_id} | {
        member: value for member, value in metadata.items() if member not in READ_ONLY_MEMBERS
    }


def check_update_request(document: Mapping[str, JsonValue], client_id: str) -> SecretStr | None:
    """Check the members that are not metadata (S-122, S-123, S-124).

    Returns the `client_secret` that the request repeats, if it does: the caller, who holds the
    hash, must compare it and refuse with InvalidRequest when it differs.

    Raises InvalidRequest.
    """
    forbidden = sorted(FORBIDDEN_IN_UPDATE.intersection(document))
    if forbidden:
        raise InvalidRequest(f"an update must not contain {forbidden[0]}")
    if document.get("client_id") != client_id:
        raise InvalidRequest("an update must contain the client_id of this client")
    if "client_secret" not in document:
        return None
    secret = document["client_secret"]
    # RFC 7592 §2.2: the client cannot choose its secret; null is no secret of anybody.
    if not isinstance(secret, str) or not secret:
        raise InvalidRequest("client_secret must be left out or be the current one")
    return SecretStr(secret)
