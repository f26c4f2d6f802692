"""The cross-field rules of client metadata as the API server checks them.

What only the provider can judge (which algorithms, which pages) is left to the provider.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue

from dcr_operator.resources.cel import Rule, none_of, quoted, schema
from dcr_protocol.vocabulary import (
    DEFAULT_APPLICATION_TYPE,
    LOCALIZABLE_MEMBERS,
    READ_ONLY_MEMBERS,
    REDIRECT_GRANTS,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    TLS_CLIENT_AUTH,
    TLS_CLIENT_AUTH_MEMBERS,
)

# RFC 5646 §2.1, as far as its shape goes; §4.4.1: 35 characters are enough for every tag.
TAG_LENGTH: Final = 35
LANGUAGE_TAG: Final = r"[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*"
# A software statement belongs in a Secret, not in a resource that everyone can read.
LEFT_OUT: Final = frozenset({"software_statement"})
EXTRA_MEMBERS: Final = 64
_LANGUAGES: Final = 32
_KEYS: Final = 20

# The API server makes a list of all members of clientMetadata for each time that a rule names one,
# and it does so in every write of an OAuthClient, its status included. So each rule names as few
# members as it can, what decides most clients first.
_method = "self.?tokenEndpointAuthMethod.orValue('')"
_redirect_grants = quoted(sorted(REDIRECT_GRANTS))
_certificate_members = [to_camel(member) for member in TLS_CLIENT_AUTH_MEMBERS]

MODEL_RULES: Final = (
    # RFC 7591 §2: both must not be present in the same request.
    Rule(
        "!(has(self.jwks) && has(self.jwksUri))",
        "set one of jwks and jwksUri, not both",
        ".jwksUri",
    ),
    # RFC 8705 §2.2: without keys nobody can check what the client presents; private_key_jwt has its
    # rule where clientKeys is.
    Rule(
        f"{_method} != '{SELF_SIGNED_TLS_CLIENT_AUTH}' || has(self.jwks) || has(self.jwksUri)",
        f"{SELF_SIGNED_TLS_CLIENT_AUTH} needs jwks or jwksUri",
        ".tokenEndpointAuthMethod",
    ),
    # RFC 7591 §2: clients of redirect-based flows MUST register their redirection URIs.
    Rule(
        "self.?redirectUris.orValue([]).size() > 0"
        " || [self.?grantTypes.orValue([])].exists(grants, grants.size() > 0"
        f" && !grants.exists(grant, grant in {_redirect_grants}))",
        "redirectUris are needed with the grants authorization_code (which is meant when"
        " grantTypes is omitted) and implicit",
        ".redirectUris",
    ),
    # OIDCR §2, application_type: web clients have web addresses.
    Rule(
        "!has(self.redirectUris)"
        " || self.redirectUris.all(uri, uri.startsWith('https://') || uri.startsWith('http://'))"
        f" || self.?applicationType.orValue('{DEFAULT_APPLICATION_TYPE}')"
        f" != '{DEFAULT_APPLICATION_TYPE}'",
        "redirectUris of applicationType web (which is meant when it is omitted) must be http"
        " or https URLs; other schemes are for applicationType native",
        ".redirectUris",
    ),
    # RFC 8705 §2.1.2
    Rule(
        f"{_method} != '{TLS_CLIENT_AUTH}' || ["
        + ", ".join(f"has(self.{member})" for member in _certificate_members)
        + "].filter(present, present).size() == 1",
        f"{TLS_CLIENT_AUTH} needs exactly one of {', '.join(_certificate_members)}",
        ".tokenEndpointAuthMethod",
    ),
)

FIELD_RULES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "redirect_uris": (
        # RFC 6749 §3.1.2
        Rule(
            "self.all(uri, !uri.contains('#'))",
            "redirectUris must not contain a fragment (#)",
        ),
        Rule(
            "self.all(uri, uri.matches('^[A-Za-z][A-Za-z0-9+.-]*:.'))",
            "redirectUris must be absolute, such as https://app.example.com/callback",
        ),
    ),
}

_PRIVATE_MEMBERS: Final = ("d", "k", "priv")
JWKS_SCHEMA: Final[dict[str, JsonValue]] = {
    "type": "object",
    "required": ["keys"],
    "properties": {
        "keys": {
            "type": "array",
            "description": "Public keys, each a JWK (RFC 7517).",
            "minItems": 1,
            "maxItems": _KEYS,
            "x-kubernetes-list-type": "atomic",
            "items": {
                "type": "object",
                "description": "One public key.",
                "required": ["kty"],
                "x-kubernetes-preserve-unknown-fields": True,
                "properties": {
                    "kty": {
                        "type": "string",
                        "maxLength": 32,
                        "description": "Key type, such as EC.",
                    },
                    **{
                        name: {
                            "type": "string",
                            "maxLength": 8192,
                            "description": "Not allowed here: private key material.",
                        }
                        for name in _PRIVATE_MEMBERS
                    },
                },
                # OIDCR §2: the set contains public keys.
                **schema(
                    Rule(
                        none_of(_PRIVATE_MEMBERS),
                        "jwks must hold public keys only: remove the private members"
                        f" ({', '.join(_PRIVATE_MEMBERS)}) and replace the key, which is no"
                        " longer secret",
                    )
                ),
            },
        }
    },
}

# CEL sees an object only when it has a declared property.
ANY_JWKS: Final[dict[str, JsonValue]] = {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": True,
    "properties": {
        "keys": {
            "type": "array",
            "description": "Keys.",
            "maxItems": _KEYS,
            "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        }
    },
}


def localized_schema() -> dict[str, JsonValue]:
    """Return the schema of `{clientName: {de: …}}`."""
    return {
        "type": "object",
        "properties": {
            to_camel(member): {
                "type": "object",
                "description": f"{to_camel(member)} by language tag (RFC 5646).",
                "maxProperties": _LANGUAGES,
                "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 2048},
                **schema(
                    Rule(
                        f"self.all(tag, size(tag) <= {TAG_LENGTH}"
                        f" && tag.matches('^{LANGUAGE_TAG}$'))",
                        "the keys of localized must be language tags such as de or pt-BR",
                    )
                ),
            }
            for member in sorted(LOCALIZABLE_MEMBERS)
        },
    }


def extra_schema(typed: Mapping[str, JsonSchemaValue]) -> dict[str, JsonValue]:
    """Return the schema of the members that the model does not know.

    CEL sees declared properties only, so what is forbidden is declared, with its own type.
    """
    forbidden: dict[str, JsonValue] = {
        name: {**_assigned_type(name), **_forbidden("the server assigns it")}
        for name in READ_ONLY_MEMBERS
    }
    for name, member in typed.items():
        why = "it is not supported" if name in LEFT_OUT else f"use clientMetadata.{to_camel(name)}"
        forbidden[name] = {**member, **_forbidden(why)}
    return {
        "type": "object",
        "maxProperties": EXTRA_MEMBERS,
        "x-kubernetes-preserve-unknown-fields": True,
        "properties": forbidden,
    }


def _assigned_type(name: str) -> dict[str, JsonValue]:
    if name.endswith("_at"):  # client_id_issued_at, client_secret_expires_at
        return {"type": "integer"}
    return {"type": "string", "maxLength": 8192}


def _forbidden(why: str) -> dict[str, JsonValue]:
    return {
        "description": f"Not allowed here: {why}.",
        **schema(Rule("false", f"remove it: {why}")),
    }
