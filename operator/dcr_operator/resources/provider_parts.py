"""The parts of a provider's spec: credentials, trust, limits, who may use it."""

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from dcr_operator.resources.cel import Rule, schema
from dcr_operator.resources.durations import Seconds
from dcr_operator.resources.label_selector import LabelSelector
from dcr_operator.resources.resource_model import (
    NamespaceName,
    ObjectName,
    ResourceModel,
    SecretKeyName,
)

EVERY_NAMESPACE = "*"
_PEM_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


class LocalSecretKey(ResourceModel):
    """One key of a Secret in the namespace of the resource."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: SecretKeyName = Field(description="Key in the data of the Secret.")


class SecretKey(LocalSecretKey):
    """One key of a Secret in a named namespace."""

    namespace: NamespaceName = Field(description="Namespace of the Secret.")


class LocalInitialAccessToken(ResourceModel):
    secret_ref: LocalSecretKey = Field(
        description="The Secret of this namespace that holds the initial access token."
    )


class InitialAccessToken(ResourceModel):
    secret_ref: SecretKey = Field(description="The Secret that holds the initial access token.")


CaBundle = Annotated[
    str,
    Field(
        min_length=1,
        max_length=65536,
        description="Certificates of the authorities to trust, PEM, in place of the system's.",
        json_schema_extra=schema(
            Rule(
                f"self.contains('{_PEM_CERTIFICATE}')",
                f"caBundle must hold PEM certificates ({_PEM_CERTIFICATE} …)",
            )
        ),
    ),
]
_ONE_CA = schema(
    Rule("has(self.caBundle) != has(self.caRef)", "set one of caBundle and caRef, not both or none")
)


class LocalTls(ResourceModel):
    model_config = ConfigDict(json_schema_extra=_ONE_CA)

    ca_bundle: CaBundle | None = None
    ca_ref: LocalSecretKey | None = Field(
        default=None,
        description="The Secret of this namespace that holds the certificates to trust.",
    )


class Tls(ResourceModel):
    model_config = ConfigDict(json_schema_extra=_ONE_CA)

    ca_bundle: CaBundle | None = None
    ca_ref: SecretKey | None = Field(
        default=None, description="The Secret that holds the certificates to trust."
    )


def _up_to(longest: int) -> Callable[[int], int]:
    def check(seconds: int) -> int:
        if not 1 <= seconds <= longest:
            raise ValueError(f"must be between 1s and {longest}s")
        return seconds

    return check


class Limits(ResourceModel):
    model_config = ConfigDict(
        json_schema_extra=schema(
            Rule(
                "!has(self.burst) || self.requestsPerSecond > 0",
                "burst does nothing without requestsPerSecond: set both or remove burst",
            )
        )
    )

    requests_per_second: int = Field(
        default=0,
        ge=0,
        le=10000,
        description="Requests to the provider in a second, on average; 0 sets no limit.",
    )
    burst: int | None = Field(
        default=None,
        ge=1,
        le=10000,
        description=(
            "Requests that may be sent at once before requestsPerSecond slows them down;"
            " twice requestsPerSecond when omitted."
        ),
    )
    max_concurrent: int = Field(
        default=16, ge=1, le=256, description="Requests that may be open at the same time."
    )
    timeout: Annotated[Seconds, AfterValidator(_up_to(60))] = Field(
        default=10,
        description="How long to wait for the answer to a request, 1s to 1m.",
        json_schema_extra=schema(
            Rule(
                "self.matches('^([1-9]|[1-5][0-9]|60)s$|^1m$')",
                "timeout must be between 1s and 1m",
            )
        ),
    )


class LocalLimits(Limits):
    """A tenant's provider holds workers that serve all tenants: so for less time."""

    timeout: Annotated[Seconds, AfterValidator(_up_to(30))] = Field(
        default=10,
        description="How long to wait for the answer to a request, 1s to 30s.",
        json_schema_extra=schema(
            Rule("self.matches('^([1-9]|[12][0-9]|30)s$')", "timeout must be between 1s and 30s")
        ),
    )


class AllowedNamespaces(ResourceModel):
    """Whose clients a cluster-scoped provider serves; names and selector add up."""

    model_config = ConfigDict(
        json_schema_extra=schema(
            Rule(
                "has(self.selector) || (has(self.names) && size(self.names) > 0)",
                'allowedNamespaces must hold names or a selector; names: ["*"] allows all',
            )
        )
    )

    names: tuple[
        Annotated[str, Field(max_length=63, pattern=r"^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$")], ...
    ] = Field(
        default=(),
        max_length=256,
        description='Names of namespaces; "*" stands for every namespace.',
        json_schema_extra=schema(x_kubernetes_list_type="set"),
    )
    selector: LabelSelector | None = Field(
        default=None, description="Allows the namespaces whose labels it matches."
    )

    def allow_by_name(self, namespace: str) -> bool:
        """Whether no label needs to be looked at."""
        return EVERY_NAMESPACE in self.names or namespace in self.names

    def allow(self, namespace: str, labels: Mapping[str, str]) -> bool:
        if self.allow_by_name(namespace):
            return True
        return self.selector is not None and self.selector.matches(labels)
