"""OAuthProvider and ClusterOAuthProvider: where clients are registered, and how."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from dcr_operator.resources.cel import Rule, https_url, immutable, no_user_info, schema
from dcr_operator.resources.client_policy import ClientPolicySpec
from dcr_operator.resources.condition import NOT_YET_SEEN, Condition
from dcr_operator.resources.durations import Seconds
from dcr_operator.resources.provider_parts import (
    AllowedNamespaces,
    InitialAccessToken,
    Limits,
    LocalInitialAccessToken,
    LocalLimits,
    LocalTls,
    Tls,
)
from dcr_operator.resources.resource_model import (
    LONGEST_ANSWER,
    ObjectMetadata,
    OperatorClass,
    ResourceModel,
    StatusModel,
    Url,
)

_HTTPS_OR_LOOPBACK = "must be an https URL (http is for loopback addresses only)"
_IS_ORIGIN = " && self.matches('^[^/]*//[^/?#@]+$')"


class OnAmbiguousCreate(StrEnum):
    RETRY = "Retry"
    STOP = "Stop"


class OnVanishedClient(StrEnum):
    REREGISTER = "Reregister"
    STOP = "Stop"


class OnLostRegistrationAccessToken(StrEnum):
    STOP = "Stop"
    REREGISTER = "Reregister"


class ProviderSpec(ResourceModel):
    """What both kinds of provider have in common."""

    issuer: Url = Field(
        description=(
            "Issuer identifier of the authorization server, as its discovery document spells it."
            " Cannot be changed: clients are known to one issuer only."
        ),
        json_schema_extra=schema(
            immutable("issuer cannot be changed: make a new provider and move the clients to it"),
            Rule(https_url(), f"issuer {_HTTPS_OR_LOOPBACK}"),
            # RFC 8414 §2: the issuer has no query or fragment components.
            Rule(
                no_user_info(" && !self.contains('?') && !self.contains('#')"),
                "issuer must not have a query, a fragment or user information",
            ),
        ),
    )
    operator_class: OperatorClass | None = Field(
        default=None,
        description=(
            "Which operator serves this provider and its clients, where a cluster runs more than"
            " one: the one whose DCR_OPERATOR_CLASS is this. Omitted: the one without a class."
            " Registrations do not move with a change: remove the clients first."
        ),
    )
    registration_endpoint: Url | None = Field(
        default=None,
        description=(
            "Client registration endpoint, for a server whose discovery document"
            " does not name it or names it wrongly."
        ),
        json_schema_extra=schema(
            Rule(https_url(), f"registrationEndpoint {_HTTPS_OR_LOOPBACK}"),
            Rule(
                no_user_info(" && !self.contains('#')"),
                "registrationEndpoint must not have a fragment or user information",
            ),
        ),
    )
    allowed_origins: tuple[
        Annotated[
            Url,
            Field(
                json_schema_extra=schema(
                    Rule(
                        https_url() + _IS_ORIGIN,
                        "allowedOrigins must hold origins such as https://id.example.com,"
                        " without a path (http is for loopback addresses only)",
                    )
                )
            ),
        ],
        ...,
    ] = Field(
        default=(),
        max_length=16,
        description=(
            "Origins beside the issuer's that may be given to clients as registration_client_uri;"
            " tokens are sent to no other."
        ),
        json_schema_extra=schema(x_kubernetes_list_type="set"),
    )
    client_policy: ClientPolicySpec | None = Field(
        default=None,
        description=(
            "What clients may be registered with: judged before anything is sent, and again on"
            " what the provider puts in force."
        ),
    )
    limits: Limits = Field(
        default_factory=Limits, description="How much the provider is asked at a time."
    )
    resync_every: Seconds | None = Field(
        default=None,
        description=(
            "How often a registration is read and repaired when nothing has changed here; 0s is"
            " never. Omitted: the operator's own setting."
        ),
    )
    on_ambiguous_create: OnAmbiguousCreate = Field(
        default=OnAmbiguousCreate.RETRY,
        description=(
            "When a registration was sent and no answer came, and the provider cannot say what it"
            " did: Retry registers again and reports the client that may be left behind, Stop"
            " waits for a person."
        ),
    )
    on_vanished_client: OnVanishedClient = Field(
        default=OnVanishedClient.REREGISTER,
        description=(
            "When the provider no longer knows a client: Reregister makes a new one and updates"
            " the Secret, Stop waits for a person."
        ),
    )
    on_lost_registration_access_token: OnLostRegistrationAccessToken = Field(
        default=OnLostRegistrationAccessToken.STOP,
        description=(
            "When the client still works but the provider refuses the token that manages it: Stop"
            " waits for a person, Reregister makes a new client and leaves the old one behind."
        ),
    )


class OAuthProviderSpec(ProviderSpec):
    """A provider for the clients of its own namespace."""

    limits: LocalLimits = Field(
        default_factory=LocalLimits, description="How much the provider is asked at a time."
    )
    initial_access_token: LocalInitialAccessToken | None = Field(
        default=None,
        description="The token that allows registration; omitted when the provider asks for none.",
    )
    tls: LocalTls | None = Field(
        default=None, description="Whom to trust on the way to the provider."
    )


class ClusterOAuthProviderSpec(ProviderSpec):
    """A provider for the clients of the namespaces that it allows."""

    backchannel_origin: Url | None = Field(
        default=None,
        description=(
            "Origin by which the operator reaches the issuer's endpoints inside the cluster. URLs"
            " shown to clients stay those of the issuer."
        ),
        json_schema_extra=schema(
            Rule(
                https_url(cluster_local=True) + _IS_ORIGIN,
                "backchannelOrigin must be an origin such as https://id.example.com, without a"
                " path; http is for loopback addresses and names ending in .svc or"
                " .svc.cluster.local only",
            )
        ),
    )
    initial_access_token: InitialAccessToken | None = Field(
        default=None,
        description="The token that allows registration; omitted when the provider asks for none.",
    )
    tls: Tls | None = Field(default=None, description="Whom to trust on the way to the provider.")
    allowed_namespaces: AllowedNamespaces = Field(
        description="The namespaces whose clients are registered here."
    )


class OAuthProviderStatus(StatusModel):
    """What the operator knows about a provider."""

    observed_generation: int = Field(
        default=-1,
        ge=-1,
        description="The metadata.generation seen last; -1 before the first time.",
    )
    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=16,
        description="Ready: the provider answers and can register clients.",
        json_schema_extra=schema(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["type"]),
    )
    issuer: str | None = Field(
        default=None, max_length=2048, description="The issuer that answered."
    )
    registration_endpoint: str | None = Field(
        default=None, max_length=LONGEST_ANSWER, description="Where clients are registered."
    )
    capabilities: tuple[Annotated[str, Field(max_length=64)], ...] = Field(
        default=(),
        max_length=64,
        description="What the provider says it can do beyond registration.",
        json_schema_extra=schema(x_kubernetes_list_type="set"),
    )
    endpoints_digest: str | None = Field(
        default=None,
        max_length=64,
        description=(
            "Digest of what of the provider is in the Secrets of its clients: endpoints and"
            " certificates to trust. When it changes, the Secrets follow."
        ),
    )
    clients: int | None = Field(
        default=None, ge=0, description="OAuthClients that are registered here."
    )


class OAuthProvider(ResourceModel):
    """A provider of one namespace, written by people who own nothing else."""

    model_config = ConfigDict(extra="ignore")

    kind: Literal["OAuthProvider"] = "OAuthProvider"
    metadata: ObjectMetadata
    spec: OAuthProviderSpec
    status: OAuthProviderStatus = Field(
        default_factory=OAuthProviderStatus, json_schema_extra=schema(default=dict(NOT_YET_SEEN))
    )


class ClusterOAuthProvider(ResourceModel):
    """A provider of the cluster, written by its administrators."""

    model_config = ConfigDict(extra="ignore")

    kind: Literal["ClusterOAuthProvider"] = "ClusterOAuthProvider"
    metadata: ObjectMetadata
    spec: ClusterOAuthProviderSpec
    status: OAuthProviderStatus = Field(
        default_factory=OAuthProviderStatus, json_schema_extra=schema(default=dict(NOT_YET_SEEN))
    )


AnyProvider = OAuthProvider | ClusterOAuthProvider
