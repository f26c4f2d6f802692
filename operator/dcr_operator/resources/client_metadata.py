"""Client metadata in a resource: the protocol's own model in camelCase.

RFC 7591 §2, OpenID Connect Dynamic Client Registration 1.0 §2.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from dcr_operator.resources.cel import schema
from dcr_operator.resources.client_metadata_rules import (
    ANY_JWKS,
    EXTRA_MEMBERS,
    FIELD_RULES,
    JWKS_SCHEMA,
    LANGUAGE_TAG,
    LEFT_OUT,
    MODEL_RULES,
    TAG_LENGTH,
    extra_schema,
    localized_schema,
)
from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.member_types import Text
from dcr_protocol.vocabulary import LOCALIZABLE_MEMBERS, READ_ONLY_MEMBERS

DEEPEST_MEMBER: Final = 32
# Members of the resource that are not members on the wire.
_CONTAINERS: Final = frozenset({"localized", "extra"})
# Their order means something (OIDCR §2); every other list is a set.
_ORDERED: Final = frozenset({"default_acr_values"})
_LOCALIZABLE: Final = {to_camel(member): member for member in LOCALIZABLE_MEMBERS}
_MEMBER_NAME: Final = re.compile(r"[!\x22\x24-\x7e]{1,256}", re.ASCII)
_LANGUAGE_TAG: Final = re.compile(LANGUAGE_TAG, re.ASCII)


def _to_wire_names(value: object) -> object:
    """Turn `{clientName: {de: …}}` into `{"client_name#de": …}` (RFC 7591 §2.2)."""
    if not isinstance(value, Mapping):
        return value
    members: dict[str, object] = {}
    for name, translations in value.items():
        if name not in _LOCALIZABLE or not isinstance(translations, Mapping):
            raise ValueError(
                f"only {', '.join(sorted(_LOCALIZABLE))} can be localized, by language"
            )
        for tag, text in translations.items():
            if len(str(tag)) > TAG_LENGTH or not _LANGUAGE_TAG.fullmatch(str(tag)):
                raise ValueError(f"{name}: the keys must be language tags such as de or pt-BR")
            members[f"{_LOCALIZABLE[name]}#{tag}"] = text
    return members


class ClientMetadataSpec(ClientMetadata):
    """What the client asks for. Frozen, and a ClientMetadata wherever one is wanted."""

    model_config = ConfigDict(
        extra="forbid",
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
        hide_input_in_errors=True,
    )

    localized: Annotated[
        dict[str, Text] | None, Field(max_length=100), BeforeValidator(_to_wire_names)
    ] = Field(
        None, description="Members in other languages, such as clientName: {de: Mein Client}."
    )
    extra: dict[str, JsonValue] = Field(
        default_factory=dict,
        max_length=EXTRA_MEMBERS,
        description=(
            "Members that have no field here, spelled as on the wire (snake_case), sent as they"
            " are, at most 32 levels deep. Members with a field here and those that the server"
            " assigns are refused."
        ),
    )

    @model_validator(mode="after")
    def _extra_is_extra(self) -> Self:
        taken = sorted(self.extra.keys() & FORBIDDEN_IN_EXTRA)
        if taken or self.software_statement is not None:
            raise ValueError(f"extra must not hold {', '.join(taken) or 'software_statement'}")
        if _is_deeper(self.extra, DEEPEST_MEMBER) or _is_deeper(self.jwks, DEEPEST_MEMBER):
            raise ValueError(f"extra and jwks must not nest more than {DEEPEST_MEMBER} levels")
        if not all(_MEMBER_NAME.fullmatch(name) for name in self.extra):
            raise ValueError(
                "the keys of extra must be names of at most 256 ASCII characters without space"
                " and #; members in other languages belong in localized"
            )
        return self

    def to_wire(self) -> dict[str, JsonValue]:
        document = super().to_wire()
        document.pop("extra", None)
        return document | {name: v for name, v in self.extra.items() if v is not None}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        reference = handler(core_schema)
        _complete(handler.resolve_ref_schema(reference))
        return reference


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list | tuple):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inner)


TYPED_MEMBERS: Final = frozenset(ClientMetadataSpec.model_fields) - _CONTAINERS - LEFT_OUT
FORBIDDEN_IN_EXTRA: Final = TYPED_MEMBERS | LEFT_OUT | set(READ_ONLY_MEMBERS)


def _complete(resource: JsonSchemaValue) -> None:
    """Add what Kubernetes wants to know and the protocol does not."""
    properties = resource["properties"]
    properties["jwks"] = {"description": properties["jwks"]["description"], **JWKS_SCHEMA}
    members = sorted(TYPED_MEMBERS | LEFT_OUT)
    typed = {member: {**properties[to_camel(member)]} for member in members}
    typed["jwks"] = ANY_JWKS
    for member in LEFT_OUT:
        del properties[to_camel(member)]
    for member in TYPED_MEMBERS:
        _complete_member(member, properties[to_camel(member)])
    properties["localized"] |= localized_schema()
    properties["extra"] |= extra_schema(typed)
    resource |= schema(*MODEL_RULES)


def _complete_member(member: str, property_: JsonSchemaValue) -> None:
    rules = FIELD_RULES.get(member, ())
    property_ |= schema(*rules)
    if any(branch.get("type") == "array" for branch in property_.get("anyOf", [])):
        property_["x-kubernetes-list-type"] = "atomic" if member in _ORDERED else "set"
