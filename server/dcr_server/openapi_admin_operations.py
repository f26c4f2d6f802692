"""What the admin listener serves, as data for the OpenAPI document; see openapi_operations."""

from collections.abc import Mapping
from typing import Final

from dcr_protocol.json_document import JsonValue
from dcr_server.admin.initial_access_tokens import WantedToken
from dcr_server.admin.paging import DEFAULT_LIMIT, LARGEST_LIMIT, LONGEST_VALUE
from dcr_server.openapi_operations import Answer, Body, Operation
from dcr_server.openapi_schemas import model_schema
from dcr_server.records import Action, Actor
from dcr_server.requests import JSON

ADMIN_TOKEN: Final = "adminToken"

_TEXT: Final[JsonValue] = {"type": "string"}
_TIME: Final[JsonValue] = {"type": "integer", "description": "Seconds since 1970."}
_TIME_OR_NEVER: Final[JsonValue] = {"type": ["integer", "null"], "description": "null: never."}
_FILTER: Final[JsonValue] = {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE}
_PAGING: Final[Mapping[str, JsonValue]] = {
    "limit": {
        "type": "integer",
        "minimum": 1,
        "maximum": LARGEST_LIMIT,
        "default": DEFAULT_LIMIT,
    },
    "after": {"type": "string", "description": "The value of next of the page before."},
}
_OWNER: Final[Mapping[str, JsonValue]] = {"policy": _TEXT, "subject": _TEXT}
_TOKEN: Final[Mapping[str, JsonValue]] = {
    "token_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    **_OWNER,
    "created_at": _TIME,
    "expires_at": _TIME_OR_NEVER,
    "max_uses": {"type": ["integer", "null"], "description": "null: any number."},
    "uses": {"type": "integer", "minimum": 0},
    "note": _TEXT,
}
_CLIENT: Final[Mapping[str, JsonValue]] = {
    "client_id": _TEXT,
    **_OWNER,
    "client_name": {"type": ["string", "null"]},
    "issued_at": _TIME,
    "expires_at": _TIME_OR_NEVER,
    "unused_expires_at": _TIME_OR_NEVER,
}
_AUDIT_ENTRY: Final[Mapping[str, JsonValue]] = {
    "id": {"type": "integer"},
    "at": _TIME,
    "action": {"type": "string", "enum": [action.value for action in Action]},
    "client_id": _TEXT,
    "token_id": {"type": "string", "description": "Of the initial access token, if any."},
    "kid": {"type": "string", "description": "Of the signing key, if it is about one."},
    "jti": {"type": "string", "description": "Of the access token, if it is about one."},
    **_OWNER,
    "actor": {"type": "string", "enum": [actor.value for actor in Actor]},
    "address": _TEXT,
    "request_id": _TEXT,
}


def _exactly(members: Mapping[str, JsonValue]) -> JsonValue:
    return {
        "type": "object",
        "properties": {**members},
        "required": [*members],
        "additionalProperties": False,
    }


def _page_of(members: Mapping[str, JsonValue]) -> JsonValue:
    return {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": _exactly(members)},
            "next": {"type": "string", "description": "There is more: give it as after."},
        },
        "required": ["items"],
        "additionalProperties": False,
    }


def _listing(name: str, summary: str, item: Mapping[str, JsonValue], *filters: str) -> Operation:
    return Operation(
        name,
        summary,
        {200: Answer("A page of them.", _page_of(item))},
        errors=(401,),
        security=(ADMIN_TOKEN,),
        query={**dict.fromkeys(filters, _FILTER), **_PAGING},
    )


ADMIN_OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = {
    ("GET", "/admin/initial-access-tokens"): _listing(
        "listInitialAccessTokens", "Initial access tokens", _TOKEN, "policy"
    ),
    ("POST", "/admin/initial-access-tokens"): Operation(
        "createInitialAccessToken",
        "Make an initial access token, shown this once",
        {201: Answer("The token.", _exactly({**_TOKEN, "initial_access_token": _TEXT}))},
        errors=(401, 415),
        security=(ADMIN_TOKEN,),
        body=Body(JSON, model_schema(WantedToken)),
    ),
    ("DELETE", "/admin/initial-access-tokens/{token_id}"): Operation(
        "revokeInitialAccessToken",
        "End an initial access token; its clients stay",
        {204: Answer("It is not good for anything any more.")},
        errors=(401,),
        security=(ADMIN_TOKEN,),
    ),
    ("GET", "/admin/clients"): _listing(
        "listClients", "Clients, oldest first", _CLIENT, "policy", "subject"
    ),
    ("GET", "/admin/clients/{client_id}"): Operation(
        "showClient",
        "One client and its metadata",
        {200: Answer("The client.", _exactly({**_CLIENT, "metadata": {"type": "object"}}))},
        errors=(401,),
        security=(ADMIN_TOKEN,),
    ),
    ("DELETE", "/admin/clients/{client_id}"): Operation(
        "removeClient",
        "Remove a client without a token of its own",
        {204: Answer("The client, its secret and its token are dead.")},
        errors=(401,),
        security=(ADMIN_TOKEN,),
    ),
    ("GET", "/admin/audit"): _listing(
        "readAuditTrail",
        "Who did what, oldest first",
        _AUDIT_ENTRY,
        "action",
        "actor",
        "client_id",
        "policy",
        "subject",
        "token_id",
        "kid",
    ),
    ("GET", "/metrics"): Operation(
        "readMetrics",
        "What the server counts, for Prometheus",
        {200: Answer("Text of Prometheus.", _TEXT, media_type="text/plain")},
    ),
}
"""Without what the listener serves at paths that the public one has too."""
