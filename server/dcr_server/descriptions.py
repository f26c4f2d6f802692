"""What administrators see of a record, by API and command line: no secret, no hash."""

from collections.abc import Mapping

from dcr_protocol.json_document import JsonValue
from dcr_server.records import AuditEntry, Client, InitialAccessToken

Description = Mapping[str, JsonValue]


def describe_token(token: InitialAccessToken) -> Description:
    return {
        "token_id": token.token_id,
        "policy": token.owner.policy,
        "subject": token.owner.subject,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "max_uses": token.max_uses,
        "uses": token.uses,
        "note": token.note,
    }


def describe_client(client: Client) -> Description:
    """Tell what a list needs; the metadata are shown of one client at a time."""
    return {
        "client_id": client.client_id,
        "policy": client.owner.policy,
        "subject": client.owner.subject,
        "client_name": client.metadata.get("client_name"),
        "issued_at": client.issued_at,
        "expires_at": client.expires_at,
        "unused_expires_at": client.unused_expires_at,
    }


def describe_client_fully(client: Client) -> Description:
    return {**describe_client(client), "metadata": {**client.metadata}}


def describe_audit_entry(entry: AuditEntry) -> Description:
    return {
        "id": entry.id,
        "at": entry.at,
        "action": entry.action.value,
        "client_id": entry.client_id,
        "token_id": entry.token_id,
        "kid": entry.kid,
        "jti": entry.jti,
        "policy": entry.owner.policy,
        "subject": entry.owner.subject,
        "actor": entry.origin.actor.value,
        "address": entry.origin.address,
        "request_id": entry.origin.request_id,
    }
