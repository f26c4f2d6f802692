"""spec.clientPolicy of a provider: what its clients may be registered with."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from dcr_operator.resources.cel import Rule, schema
from dcr_operator.resources.resource_model import ResourceModel
from dcr_protocol.uri_patterns import parse_uri_pattern

_SET: Final[Mapping[str, str]] = {"x_kubernetes_list_type": "set"}


def _is_pattern(text: str) -> str:
    parse_uri_pattern(text)
    return text


Word = Annotated[str, Field(min_length=1, max_length=256)]
Pattern = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2048,
        json_schema_extra=schema(
            Rule(
                "self == '*' || self.matches('^[A-Za-z][A-Za-z0-9+.-]*:')",
                "a pattern begins with https:// or a scheme of your own; * alone allows any URI",
            )
        ),
    ),
    AfterValidator(_is_pattern),
]
Scope = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        json_schema_extra=schema(
            Rule(
                "self.matches('^[!#-\\\\[\\\\]-~]+$') && !self.matches('[*].')",
                "write one scope value, or orders.* for all that begin so",
            )
        ),
    ),
]


class ClientPolicySpec(ResourceModel):
    """What is listed is all that is allowed; what is omitted is not limited, extraMembers aside."""

    grant_types: tuple[Word, ...] | None = Field(
        default=None,
        max_length=64,
        description="Grant types that clients may have.",
        json_schema_extra=schema(**_SET),
    )
    token_endpoint_auth_methods: tuple[Word, ...] | None = Field(
        default=None,
        max_length=64,
        description="Ways in which clients may authenticate; none stands for public clients.",
        json_schema_extra=schema(**_SET),
    )
    redirect_uris: tuple[Pattern, ...] | None = Field(
        default=None,
        max_length=256,
        description=(
            "Patterns of redirection URIs, such as https://*.apps.example.com/*. Every other URI of"
            " a client (pages, jwksUri, logout) must be at a scheme, host and port of a pattern,"
            " with any path."
        ),
        json_schema_extra=schema(**_SET),
    )
    scopes: tuple[Scope, ...] | None = Field(
        default=None,
        max_length=256,
        description="Scope values that clients may have, orders.* for all that begin so.",
        json_schema_extra=schema(**_SET),
    )
    max_clients_per_namespace: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="How many clients each namespace may have here; those that it has stay.",
    )
    extra_members: tuple[Word, ...] = Field(
        default=(),
        max_length=64,
        description=(
            "Members that clients may send in clientMetadata.extra. Omitted: none, once there is a"
            " clientPolicy."
        ),
        json_schema_extra=schema(**_SET),
    )
