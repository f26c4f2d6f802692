"""The JSON Schemas of the OpenAPI document, made from the models that read and write the wire.

JSON Schema 2020-12, which OpenAPI 3.1 speaks. Cross-field rules and what a policy allows are no
part of them: RFC 7591 leaves those to the server, and an error says which one was broken.
"""

from collections.abc import Mapping
from typing import Final, cast

from pydantic import BaseModel

from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.errors import RegistrationErrorCode
from dcr_protocol.json_document import JsonValue
from dcr_protocol.server_metadata import MEMBERS_WITH_DEFAULT, AuthorizationServerMetadata
from dcr_protocol.vocabulary import FORBIDDEN_IN_UPDATE, LOCALIZABLE_MEMBERS

Schema = dict[str, JsonValue]

_LOCALIZED: Final = "localized"
_LANGUAGE_TAG: Final = "[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*"
_LOCALIZED_MEMBER: Final = f"^({'|'.join(sorted(LOCALIZABLE_MEMBERS))})#{_LANGUAGE_TAG}$"
# RFC 6749 §5.2, RFC 7591 §3.2.2
_DESCRIPTION_CHARACTERS: Final = r"^[\x20-\x21\x23-\x5b\x5d-\x7e]*$"
_TEXT: Final[Schema] = {"type": "string"}
_SECONDS: Final[Schema] = {"type": "integer", "minimum": 0}


def reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def schemas() -> dict[str, JsonValue]:
    """Give every schema by its name; operations refer to them."""
    return {
        "ClientRegistrationRequest": registration_request(),
        "ClientUpdateRequest": update_request(),
        "ClientInformation": client_information(),
        "AuthorizationServerMetadata": server_metadata(),
        "JwkSet": jwk_set(),
        "Error": error(),
    }


def model_schema(model: type[BaseModel]) -> Schema:
    """Describe a model that reads exactly what it says."""
    schema = cast("Schema", model.model_json_schema())
    properties = _object(schema["properties"])
    described = {name: _without_titles(value) for name, value in properties.items()}
    return {key: value for key, value in schema.items() if key not in {"title", "description"}} | {
        "properties": described
    }


def registration_request() -> Schema:
    """RFC 7591 §2 and §3.1: unknown members are ignored, null and "" say nothing (S-020, S-026)."""
    return _requested({**_metadata_members()})


def update_request() -> Schema:
    """RFC 7592 §2.2: the metadata, client_id, and the secret if it is repeated."""
    members = {"client_id": _TEXT, "client_secret": _TEXT}
    schema = _requested(_metadata_members())
    # Written out, not required: a schema for what must not be there.
    refused: Schema = dict.fromkeys(sorted(FORBIDDEN_IN_UPDATE), False)
    return schema | {
        "properties": {**members, **_object(schema["properties"]), **refused},
        "required": ["client_id"],
    }


def client_information() -> Schema:
    """RFC 7591 §3.2.1, RFC 7592 §3: what is registered, in full, without null and ""."""
    assigned: dict[str, JsonValue] = {
        "client_id": {"type": "string", "minLength": 1},
        "client_secret": _TEXT | {"description": "Shown once, when it is issued."},
        "client_id_issued_at": _SECONDS,
        "client_secret_expires_at": _SECONDS | {"description": "0: it does not expire."},
        "registration_access_token": _TEXT,
        "registration_client_uri": {"type": "string", "format": "uri"},
    }
    return {
        "type": "object",
        "properties": assigned | _metadata_members(),
        "patternProperties": {_LOCALIZED_MEMBER: _localized_value()},
        "additionalProperties": False,
        "required": [
            "client_id",
            "client_id_issued_at",
            "registration_access_token",
            "registration_client_uri",
        ],
    }


def server_metadata() -> Schema:
    """RFC 8414 §2. Further members may come."""
    properties = _properties(AuthorizationServerMetadata.model_json_schema())
    return {
        "type": "object",
        "properties": properties,
        "required": ["issuer", "token_endpoint", "registration_endpoint", *MEMBERS_WITH_DEFAULT],
    }


def jwk_set() -> Schema:
    """RFC 7517 §5, public keys only."""
    key: Schema = {
        "type": "object",
        "properties": dict.fromkeys(("kty", "kid", "use", "alg"), _TEXT),
        # RFC 7518 §6.2.2, §6.3.2, §6.4.1: private and symmetric parts.
        "not": {"anyOf": [{"required": [part]} for part in ("d", "p", "q", "dp", "dq", "qi", "k")]},
        "required": ["kty", "kid", "use", "alg"],
    }
    return {
        "type": "object",
        "properties": {"keys": {"type": "array", "items": key}},
        "required": ["keys"],
        "additionalProperties": False,
    }


def error() -> Schema:
    """RFC 7591 §3.2.2, RFC 6749 §5.2."""
    return {
        "type": "object",
        "properties": {
            "error": {"type": "string", "enum": [code.value for code in RegistrationErrorCode]},
            "error_description": {"type": "string", "pattern": _DESCRIPTION_CHARACTERS},
        },
        "required": ["error", "error_description"],
        "additionalProperties": False,
    }


def _requested(members: Mapping[str, JsonValue]) -> Schema:
    properties = {name: _or_nothing(schema) for name, schema in members.items()}
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": {_LOCALIZED_MEMBER: _or_nothing(_localized_value())},
    }


def _or_nothing(schema: JsonValue) -> JsonValue:
    inner = dict(_object(schema))
    description = inner.pop("description", None)
    nothing: Schema = {"anyOf": [inner, {"enum": [None, ""]}]}
    return nothing if description is None else {"description": description, **nothing}


def _metadata_members() -> dict[str, JsonValue]:
    members = _properties(ClientMetadata.model_json_schema())
    del members[_LOCALIZED]
    return members


def _localized_value() -> JsonValue:
    localized = _properties(ClientMetadata.model_json_schema())[_LOCALIZED]
    return _object(localized)["additionalProperties"]


def _properties(model_schema: Mapping[str, object]) -> dict[str, JsonValue]:
    properties = cast("dict[str, JsonValue]", model_schema["properties"])
    return {name: _member(schema) for name, schema in properties.items()}


def _member(schema: JsonValue) -> JsonValue:
    """Drop what says how Python keeps the value: the title, the default, None for "not set"."""
    kept = _object(_without_titles(schema))
    alternatives = kept.pop("anyOf", None)
    if isinstance(alternatives, list):
        (value,) = [_object(one) for one in alternatives if one != {"type": "null"}]
        kept |= value
    # A value of any kind: the models name it, a schema leaves it open.
    if kept.get("additionalProperties") == {"$ref": "#/$defs/JsonValue"}:
        kept["additionalProperties"] = True
    return kept


def _without_titles(schema: JsonValue) -> JsonValue:
    return {key: value for key, value in _object(schema).items() if key not in {"title", "default"}}


def _object(schema: JsonValue) -> dict[str, JsonValue]:
    if not isinstance(schema, dict):
        raise TypeError("a schema is an object here")
    return schema
