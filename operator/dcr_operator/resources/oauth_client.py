"""OAuthClient: the client that a workload asks for, and what became of it."""

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from pydantic import ConfigDict, Field, JsonValue

from dcr_operator.resources.adoption import Adoption
from dcr_operator.resources.cel import Rule, quoted, schema
from dcr_operator.resources.client_keys import ClientKeysSpec
from dcr_operator.resources.client_metadata import ClientMetadataSpec
from dcr_operator.resources.condition import NOT_YET_SEEN, Condition
from dcr_operator.resources.provider_parts import LocalSecretKey
from dcr_operator.resources.resource_model import (
    LONGEST_ANSWER,
    ObjectMetadata,
    ObjectName,
    OperatorClass,
    ResourceModel,
    StatusModel,
)
from dcr_operator.resources.rollout_restart import RolloutRestartEntry, WorkloadRef
from dcr_operator.resources.rotation import RotationSpec
from dcr_operator.resources.secret_spec import SecretSpec
from dcr_protocol.vocabulary import AUTH_METHODS_WITH_SECRET, PRIVATE_KEY_JWT

# The name becomes the value of a label.
NAME_LENGTH: Final = 63


class ProviderKind(StrEnum):
    CLUSTER = "ClusterOAuthProvider"
    NAMESPACED = "OAuthProvider"


class DeletionPolicy(StrEnum):
    DELETE = "Delete"
    RETAIN = "Retain"


class ProviderRef(ResourceModel):
    kind: ProviderKind = Field(
        default=ProviderKind.CLUSTER,
        description="ClusterOAuthProvider, or OAuthProvider for one in this namespace.",
    )
    name: ObjectName = Field(description="Name of the provider.")


_METHOD: Final = "self.clientMetadata.?tokenEndpointAuthMethod.orValue('')"


class OAuthClientSpec(ResourceModel):
    """The client that is wanted."""

    model_config = ConfigDict(
        json_schema_extra=schema(
            Rule(
                "has(self.adopt) == has(oldSelf.adopt)"
                " && (!has(self.adopt) || self.adopt == oldSelf.adopt)",
                "adopt cannot be added, changed or removed: make a new OAuthClient",
                ".adopt",
            ),
            Rule(
                f"!({_METHOD} in {quoted((PRIVATE_KEY_JWT,))}) || has(self.clientKeys)"
                " || has(self.clientMetadata.jwks) || has(self.clientMetadata.jwksUri)",
                f"{PRIVATE_KEY_JWT} needs jwks, jwksUri or spec.clientKeys",
                ".clientMetadata.tokenEndpointAuthMethod",
            ),
            Rule(
                f"!has(self.clientKeys) || {_METHOD} == '{PRIVATE_KEY_JWT}'",
                f"clientKeys needs tokenEndpointAuthMethod {PRIVATE_KEY_JWT}",
                ".clientKeys",
            ),
            # RFC 7591 §2: one place for the keys.
            Rule(
                "!has(self.clientKeys)"
                " || !(has(self.clientMetadata.jwks) || has(self.clientMetadata.jwksUri))",
                "clientKeys makes the keys: remove jwks and jwksUri",
                ".clientKeys",
            ),
            Rule(
                "!has(self.clientKeys) || !has(self.clientMetadata.tokenEndpointAuthSigningAlg)"
                " || self.clientMetadata.tokenEndpointAuthSigningAlg == self.clientKeys.algorithm",
                "tokenEndpointAuthSigningAlg must be the algorithm of clientKeys, or be omitted",
                ".clientKeys.algorithm",
            ),
            Rule(
                "!has(self.rotation) || !has(self.clientMetadata.tokenEndpointAuthMethod)"
                " || self.clientMetadata.tokenEndpointAuthMethod in"
                f" {quoted(sorted(AUTH_METHODS_WITH_SECRET))}",
                "rotation is for clients that authenticate with a client secret: remove it, or"
                " choose another tokenEndpointAuthMethod",
                ".rotation",
            ),
        )
    )

    provider_ref: ProviderRef | None = Field(
        default=None,
        description=(
            "The provider to register the client at. Omitted: the ClusterOAuthProvider annotated"
            ' dcr-operator.dev/is-default-provider: "true" when the client is registered; it then'
            " stays there. After a change the client is registered at the new one first; the old"
            " registration is deleted five minutes after the Secret was written."
        ),
    )
    client_metadata: ClientMetadataSpec = Field(
        description=(
            "What is registered: RFC 7591 and OpenID Connect registration metadata, in camelCase."
        )
    )
    software_statement_ref: LocalSecretKey | None = Field(
        default=None,
        description=(
            "The Secret of this namespace that holds a software statement (RFC 7591 section 2.3),"
            " sent with every registration and update."
        ),
    )
    secret: SecretSpec = Field(
        default_factory=SecretSpec,
        description="The Secret of this namespace that the credentials are written to.",
    )
    adopt: Adoption | None = Field(
        default=None,
        description=(
            "A client that exists at the provider, to be taken over in place of a registration. It"
            " gets the clientMetadata of this object, and belongs to it from then on."
        ),
    )
    rollout_restart: tuple[WorkloadRef, ...] = Field(
        default=(),
        max_length=16,
        description=(
            "Workloads of this namespace whose pods are started anew when the content of the Secret"
            " changes. Each must carry the annotation dcr-operator.dev/allow-restart with the name"
            " of this object, and the operator's chart rolloutRestart.enabled."
        ),
        json_schema_extra=schema(
            x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["kind", "name"]
        ),
    )
    client_keys: ClientKeysSpec | None = Field(
        default=None,
        description=(
            "The operator makes a key pair for private_key_jwt: the public key is registered, the"
            " private one is in the Secret as private_key.pem and private_key.jwk, its name as"
            " key_id."
        ),
    )
    rotation: RotationSpec | None = Field(
        default=None,
        description=(
            "When the client secret is rotated. Without it on request alone, by the annotation"
            " dcr-operator.dev/rotate-requested-at, and when the secret has expired."
        ),
    )
    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.DELETE,
        description=(
            "What happens to the registration when this object is deleted: Delete removes it from"
            " the provider, Retain leaves it there and keeps the Secret."
        ),
    )
    suspend: bool = Field(
        default=False,
        description=(
            "true: nothing is changed for this object, neither at the provider nor in the cluster,"
            " until it is false again. Deleting the object still removes what there is."
        ),
    )


class DriftEntry(StatusModel):
    """One member that is in force otherwise than it was asked for."""

    member: str = Field(max_length=256, description="Name of the member, as on the wire.")
    message: str = Field(max_length=1024, description="How it differs and what follows from that.")


class OAuthClientStatus(StatusModel):
    """What became of it."""

    observed_generation: int = Field(
        default=-1,
        ge=-1,
        description="The metadata.generation seen last; -1 before the first time.",
    )
    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=16,
        description=(
            "Ready: the credentials in the Secret are those of this generation and believed valid."
            " ProviderReady, Registered and SecretPublished say how far it has come; Reconciling"
            " and Stalled are there only while they are True."
        ),
        json_schema_extra=schema(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["type"]),
    )
    operator_class: OperatorClass | None = Field(
        default=None,
        description="The class of the operator that wrote this status; absent when it has none.",
    )
    provider_ref: ProviderRef | None = Field(
        default=None,
        description=(
            "The provider that the client is registered at, or is to be; where spec.providerRef is"
            " omitted, the one that was the default then."
        ),
    )
    client_id: str | None = Field(
        default=None,
        max_length=LONGEST_ANSWER,
        description="Identifier that the provider gave the client.",
    )
    issuer: str | None = Field(
        default=None, max_length=2048, description="The provider's issuer identifier."
    )
    registration_client_uri: str | None = Field(
        default=None,
        max_length=LONGEST_ANSWER,
        description="Where the provider manages the registration.",
    )
    last_rotation_time: datetime | None = Field(
        default=None, description="When the credentials were rotated last."
    )
    next_rotation_time: datetime | None = Field(
        default=None, description="When they are to be rotated by the calendar."
    )
    last_handled_rotate_at: str | None = Field(
        default=None,
        max_length=256,
        description=(
            "The value of the annotation dcr-operator.dev/rotate-requested-at that was answered"
            " last, by other credentials."
        ),
    )
    last_handled_reconcile_at: str | None = Field(
        default=None,
        max_length=256,
        description=(
            "The value of the annotation dcr-operator.dev/reconcile-requested-at that was answered"
            " last, by a look at the registration at the provider."
        ),
    )
    secret_name: str | None = Field(
        default=None, max_length=253, description="The Secret that holds the credentials."
    )
    client_id_issued_at: datetime | None = Field(
        default=None, description="When the provider issued the client_id."
    )
    previous_credentials_valid_until: datetime | None = Field(
        default=None,
        description=(
            "Until when, at least, the credentials that were replaced go on working; absent when"
            " none are left."
        ),
    )
    client_secret_expires_at: datetime | None = Field(
        default=None, description="When the client_secret expires; absent when it does not."
    )
    rollout_restarts: tuple[RolloutRestartEntry, ...] = Field(
        default=(),
        max_length=16,
        description="For which content each workload of spec.rolloutRestart was restarted.",
        json_schema_extra=schema(
            x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["kind", "name"]
        ),
    )
    registered_metadata: dict[str, JsonValue] | None = Field(
        default=None,
        max_length=4096,
        description="The client metadata that the provider says is in force; never a secret.",
        json_schema_extra=schema(x_kubernetes_preserve_unknown_fields=True),
    )
    drift: tuple[DriftEntry, ...] = Field(
        default=(),
        max_length=512,
        description="Where the provider put something else in force than was asked for.",
        json_schema_extra=schema(
            x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["member"]
        ),
    )


class OAuthClient(ResourceModel):
    """An OAuth client that is registered at a provider, its credentials in a Secret."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra=schema(
            Rule(
                f"self.metadata.name.size() <= {NAME_LENGTH}",
                f"metadata.name must have at most {NAME_LENGTH} characters: it becomes a label",
            ),
        ),
    )

    kind: Literal["OAuthClient"] = "OAuthClient"
    metadata: ObjectMetadata
    spec: OAuthClientSpec
    status: OAuthClientStatus = Field(
        default_factory=OAuthClientStatus, json_schema_extra=schema(default=dict(NOT_YET_SEEN))
    )

    @property
    def secret_name(self) -> str:
        return self.spec.secret.name or self.metadata.name
