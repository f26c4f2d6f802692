"""spec.secret of an OAuthClient: where the credentials go, and in which form."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from dcr_operator.resources.cel import Rule, quoted, schema
from dcr_operator.resources.label_selector import LabelValue
from dcr_operator.resources.resource_model import ObjectName, ResourceModel

# A label in these domains could make other programs act on the Secret, or us mistake it.
REFUSED_DOMAINS: Final = ("kubernetes.io", "k8s.io", "argocd.argoproj.io", "dcr-operator.dev")
# As the API server has it: no path, and nothing that a volume keeps for itself.
_KEY: Final = r"^([-_a-zA-Z0-9]|[.][-_a-zA-Z0-9])[-._a-zA-Z0-9]*$"
_KEY_LENGTH: Final = 253
# What can be published, by default key; the only placeholders of a template.
SECRET_VALUES: Final[Mapping[str, str]] = {
    "client_id": "Identifier of the client.",
    "client_secret": "Its secret, where its authentication method uses one.",
    "client_secret_expires_at": "When the secret expires, in seconds since 1970; 0 is never.",
    "previous_client_secret": "The secret before, while the overlap of a rotation lasts.",
    "issuer": "Issuer identifier of the provider.",
    "token_endpoint": "Where tokens are got.",
    "authorization_endpoint": "Where users are sent to sign in.",
    "userinfo_endpoint": "Where claims about a user are read.",
    "jwks_uri": "Where the provider publishes its keys.",
    "token_endpoint_auth_method": "How the client authenticates, as the provider put in force.",
    "scope": "Scopes that the client may ask for, separated by spaces.",
}
_TEMPLATE_LENGTH: Final = 16384


class SecretPreset(StrEnum):
    DEFAULT = "Default"
    ENV_FILE = "EnvFile"
    JSON = "Json"
    OAUTH2_PROXY = "OAuth2Proxy"
    ENVOY_GATEWAY = "EnvoyGateway"
    SPRING_BOOT = "SpringBoot"
    ARGO_CD = "ArgoCD"
    GRAFANA = "Grafana"


class SecretType(StrEnum):
    OPAQUE = "Opaque"
    BASIC_AUTH = "kubernetes.io/basic-auth"


def _refused_keys(field: str) -> Rule:
    domains = "|".join(domain.replace(".", "[.]") for domain in REFUSED_DOMAINS)
    return Rule(
        f"self.all(key, !key.matches('^([^/]*[.])?({domains})/'))",
        f"{field} must not have keys under {', '.join(REFUSED_DOMAINS)}",
    )


OwnKey = Annotated[str, Field(min_length=1, max_length=_KEY_LENGTH, pattern=_KEY)]


class SecretSpec(ResourceModel):
    """The Secret that the credentials are written to."""

    name: ObjectName | None = Field(
        default=None, description="Name of the Secret; the name of the OAuthClient when omitted."
    )
    preset: SecretPreset = Field(
        default=SecretPreset.DEFAULT,
        description=(
            "The keys that a program looks for, in place of the default keys;"
            " docs/secret-keys.md lists those of each."
        ),
    )
    keys: dict[str, OwnKey] = Field(
        default_factory=dict,
        max_length=len(SECRET_VALUES),
        description=(
            "Own keys for single values, which are named by their default key, such as"
            " {client_id: OAUTH_ID}."
        ),
        json_schema_extra=schema(
            Rule(
                f"self.all(name, name in {quoted(SECRET_VALUES)})",
                f"keys must name values by their default keys: {', '.join(SECRET_VALUES)}",
            )
        ),
    )
    template: dict[str, Annotated[str, Field(max_length=_TEMPLATE_LENGTH)]] = Field(
        default_factory=dict,
        max_length=16,
        description=(
            "More keys, each with a text in which ${client_id} stands for the value of that default"
            " key; |json, |shell and |url quote it. An unknown placeholder is refused."
        ),
        json_schema_extra=schema(
            Rule(
                f"self.all(key, key.size() <= {_KEY_LENGTH} && key.matches('{_KEY}'))",
                "the keys of template must be keys of a Secret: letters, digits, - _ and .",
            )
        ),
    )
    labels: dict[str, LabelValue] = Field(
        default_factory=dict,
        max_length=32,
        description="Labels of the Secret, beside those that the operator sets.",
        json_schema_extra=schema(_refused_keys("labels")),
    )
    annotations: dict[str, Annotated[str, Field(max_length=4096)]] = Field(
        default_factory=dict,
        max_length=32,
        description="Annotations of the Secret.",
        json_schema_extra=schema(_refused_keys("annotations")),
    )
    type: SecretType = Field(
        default=SecretType.OPAQUE,
        description=(
            "Type of the Secret; kubernetes.io/basic-auth adds the keys username and password."
        ),
    )

    @model_validator(mode="after")
    def _keys_are_keys(self) -> Self:
        unknown = sorted(self.keys.keys() - set(SECRET_VALUES))
        if unknown:
            raise ValueError(f"keys must name values by their default keys, not {unknown[0]}")
        if not all(len(key) <= _KEY_LENGTH and re.fullmatch(_KEY, key) for key in self.template):
            raise ValueError("the keys of template must be keys of a Secret")
        return self
