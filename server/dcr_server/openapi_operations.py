"""What the endpoints do, as data for the OpenAPI document: one entry for each method of a path.

Paths without that of the issuer. A route that is missing here is a KeyError when the document is
made; a test makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from dcr_protocol.json_document import JsonValue
from dcr_server.client_configuration import LONGEST_OVERLAP
from dcr_server.requests import FORM, JSON
from dcr_server.token_endpoint import GRANT_TYPES

NOTHING: Final = ""
"""Instead of a security scheme: what is needed is elsewhere, or nothing is."""
INITIAL_ACCESS_TOKEN: Final = "initialAccessToken"
REGISTRATION_ACCESS_TOKEN: Final = "registrationAccessToken"
CLIENT_SECRET_BASIC: Final = "clientSecretBasic"

SECURITY_SCHEMES: Final[Mapping[str, JsonValue]] = {
    INITIAL_ACCESS_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "Lets its bearer register clients (RFC 7591 §3).",
    },
    REGISTRATION_ACCESS_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "Belongs to one client, came with its registration (RFC 7592 §2).",
    },
    CLIENT_SECRET_BASIC: {
        "type": "http",
        "scheme": "basic",
        "description": "client_id and client_secret, each form-urlencoded (RFC 6749 §2.3.1).",
    },
}

# RFC 6749 §2.3.1, RFC 7521 §4.2: one of these ways, or the Authorization header.
_CLIENT_AUTHENTICATION: Final[Mapping[str, JsonValue]] = {
    name: {"type": "string"}
    for name in ("client_id", "client_secret", "client_assertion", "client_assertion_type")
}
# RFC 6749 §4.4.2, RFC 8707 §2
_TOKEN_REQUEST: Final[JsonValue] = {
    "type": "object",
    "properties": {
        "grant_type": {"type": "string", "enum": list(GRANT_TYPES)},
        "scope": {"type": "string"},
        "resource": {"type": "array", "items": {"type": "string", "format": "uri"}},
        **_CLIENT_AUTHENTICATION,
    },
    "required": ["grant_type"],
}
# RFC 7662 §2.1, RFC 7009 §2.1
_ONE_TOKEN: Final[JsonValue] = {
    "type": "object",
    "properties": {
        "token": {"type": "string"},
        "token_type_hint": {"type": "string"},
        **_CLIENT_AUTHENTICATION,
    },
    "required": ["token"],
}
# RFC 7662 §2.2
_INTROSPECTION: Final[JsonValue] = {
    "type": "object",
    "properties": {
        "active": {"type": "boolean"},
        "token_type": {"type": "string"},
        "scope": {"type": "string"},
        "aud": {"type": ["string", "array"], "items": {"type": "string"}},
        **{name: {"type": "string"} for name in ("iss", "sub", "jti", "client_id")},
        **{name: {"type": "integer"} for name in ("exp", "iat")},
    },
    "required": ["active"],
    "additionalProperties": False,
}
# RFC 6749 §5.1
_TOKEN_RESPONSE: Final[JsonValue] = {
    "type": "object",
    "properties": {
        "access_token": {"type": "string"},
        "token_type": {"type": "string", "enum": ["Bearer"]},
        "expires_in": {"type": "integer", "minimum": 1},
        "scope": {"type": "string"},
    },
    "required": ["access_token", "token_type", "expires_in"],
    "additionalProperties": False,
}
_ROTATION_REQUEST: Final[JsonValue] = {
    "type": "object",
    "properties": {
        "overlap": {
            "description": "Seconds for which the secret before stays valid.",
            "type": ["integer", "null"],
            "minimum": 0,
            "maximum": LONGEST_OVERLAP,
        }
    },
}
_STATUS: Final[JsonValue] = {
    "type": "object",
    "properties": {"status": {"type": "string", "enum": ["ok", "leaving"]}},
    "required": ["status"],
}
REGISTRATION: Final = "/connect/register"
CLIENT: Final = f"{REGISTRATION}/{{client_id}}"

_DISCOVERY: Final = "AuthorizationServerMetadata"

Schema = str | JsonValue
"""The name of one of openapi_schemas, or one that is used once."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries."""

    media_type: str
    schema: Schema
    example: str | None = None
    """The name of one in openapi_examples.json."""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back when it went well; without a schema there is no body."""

    description: str
    schema: Schema = None
    example: str | None = None
    media_type: str = JSON
    links: tuple[str, ...] = ()
    """Operations that take the client_id of this answer."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. Errors are status codes; those that every path has are added."""

    operation_id: str
    summary: str
    answers: Mapping[int, Answer]
    errors: tuple[int, ...] = ()
    security: tuple[str, ...] = ()
    body: Body | None = None
    takes_idempotency_key: bool = False
    query: Mapping[str, JsonValue] = field(default_factory=dict)


_REGISTRATION: Final = {
    ("POST", REGISTRATION): Operation(
        "registerClient",
        "Register a client (RFC 7591 §3.1)",
        {
            201: Answer(
                "The client is registered, durably; secret and token are shown this once.",
                "ClientInformation",
                "client_information",
                links=("readClient", "updateClient", "deleteClient", "rotateSecret"),
            )
        },
        errors=(401, 403, 409, 415, 422, 429),
        security=(INITIAL_ACCESS_TOKEN,),
        body=Body(JSON, "ClientRegistrationRequest", "registration_request"),
        takes_idempotency_key=True,
    ),
    ("GET", CLIENT): Operation(
        "readClient",
        "Read a client (RFC 7592 §2.1)",
        {200: Answer("What is registered.", "ClientInformation", "client_information")},
        errors=(401, 429),
        security=(REGISTRATION_ACCESS_TOKEN,),
    ),
    ("PUT", CLIENT): Operation(
        "updateClient",
        "Replace what is registered for a client (RFC 7592 §2.2)",
        {
            200: Answer(
                "What is registered now, and the next registration access token.",
                "ClientInformation",
                "client_information",
            )
        },
        errors=(401, 403, 415, 422, 429),
        security=(REGISTRATION_ACCESS_TOKEN,),
        body=Body(JSON, "ClientUpdateRequest", "update_request"),
        takes_idempotency_key=True,
    ),
    ("DELETE", CLIENT): Operation(
        "deleteClient",
        "Remove a client (RFC 7592 §2.3)",
        {204: Answer("The client, its secret and its token are dead.")},
        errors=(401, 429),
        security=(REGISTRATION_ACCESS_TOKEN,),
    ),
}
_ROTATION: Final = {
    ("POST", f"{CLIENT}/secret"): Operation(
        "rotateSecret",
        "Issue another client_secret, an extension; the one before is valid for an overlap",
        {
            200: Answer(
                "What is registered, the next secret and the next registration access token.",
                "ClientInformation",
                "client_information",
            )
        },
        errors=(401, 403, 415, 422, 429),
        security=(REGISTRATION_ACCESS_TOKEN,),
        body=Body(JSON, _ROTATION_REQUEST, required=False),
        takes_idempotency_key=True,
    ),
}
_TOKENS: Final = {
    ("POST", "/token"): Operation(
        "issueToken",
        "Get an access token by client_credentials (RFC 6749 §4.4, RFC 9068)",
        {200: Answer("An access token.", _TOKEN_RESPONSE)},
        errors=(401, 415, 429),
        security=(CLIENT_SECRET_BASIC, NOTHING),
        body=Body(FORM, _TOKEN_REQUEST),
    ),
    ("POST", "/introspect"): Operation(
        "introspectToken",
        "Ask whether an access token is in force (RFC 7662)",
        {200: Answer("What the caller may know about it.", _INTROSPECTION)},
        errors=(401, 415, 429),
        security=(CLIENT_SECRET_BASIC, NOTHING),
        body=Body(FORM, _ONE_TOKEN),
    ),
    ("POST", "/revoke"): Operation(
        "revokeToken",
        "End an access token of one's own (RFC 7009)",
        {200: Answer("It is not in force any more.")},
        errors=(401, 415, 429),
        security=(CLIENT_SECRET_BASIC, NOTHING),
        body=Body(FORM, _ONE_TOKEN),
    ),
    ("GET", "/jwks"): Operation(
        "readKeys",
        "The keys that sign access tokens (RFC 7517)",
        {200: Answer("Public keys.", "JwkSet")},
    ),
}
_DOCUMENTS: Final = {
    ("GET", "/.well-known/oauth-authorization-server"): Operation(
        "readAuthorizationServerMetadata",
        "Discovery (RFC 8414)",
        {200: Answer("What this server serves.", _DISCOVERY)},
    ),
    ("GET", "/.well-known/openid-configuration"): Operation(
        "readOpenidConfiguration",
        "Discovery (OpenID Connect Discovery 1.0)",
        {200: Answer("What this server serves.", _DISCOVERY)},
    ),
    ("GET", "/healthz"): Operation(
        "readLiveness", "Whether the process is alive", {200: Answer("It is.", _STATUS)}
    ),
    ("GET", "/readyz"): Operation(
        "readReadiness",
        "Whether it can serve; 503 while it cannot or is about to leave",
        {200: Answer("It can.", _STATUS)},
    ),
    ("GET", "/openapi.json"): Operation(
        "readOpenapi", "This document", {200: Answer("OpenAPI 3.1.", {"type": "object"})}
    ),
}

OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = {
    **_REGISTRATION,
    **_ROTATION,
    **_TOKENS,
    **_DOCUMENTS,
}
