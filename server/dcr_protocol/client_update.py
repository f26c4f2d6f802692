"""Client update requests: RFC 7592 §2.2. One half for the client, one for the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcr_protocol.json_document import JsonValue


def update_request_document(
    client_id: str, metadata: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Build the body of an update: the whole desired metadata and `client_id`."""
    raise NotImplementedError


def check_update_request(document: Mapping[str, JsonValue], client_id: str) -> SecretStr | None:
    """Check the members that are not metadata (S-122, S-123, S-124).

    Returns the `client_secret` that the request repeats, if it does: the caller, who holds the
    hash, must compare it and refuse with InvalidRequest when it differs.

    Raises InvalidRequest.
    """
    raise NotImplementedError
