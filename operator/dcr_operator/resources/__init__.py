"""The custom resources as Pydantic models: the source of the CRDs, and what the core reads."""

from dcr_operator.resources.client_metadata import ClientMetadataSpec
from dcr_operator.resources.condition import Condition, ConditionStatus
from dcr_operator.resources.durations import format_duration, parse_duration
from dcr_operator.resources.oauth_client import (
    DeletionPolicy,
    DriftEntry,
    OAuthClient,
    OAuthClientSpec,
    OAuthClientStatus,
    ProviderKind,
    ProviderRef,
)
from dcr_operator.resources.oauth_provider import (
    AnyProvider,
    ClusterOAuthProvider,
    ClusterOAuthProviderSpec,
    OAuthProvider,
    OAuthProviderSpec,
    OAuthProviderStatus,
    OnAmbiguousCreate,
    OnLostRegistrationAccessToken,
    OnVanishedClient,
)
from dcr_operator.resources.parsing import (
    InvalidSpecError,
    Problem,
    parse_cluster_oauth_provider,
    parse_oauth_client,
    parse_oauth_provider,
    parse_provider,
)
from dcr_operator.resources.provider_parts import AllowedNamespaces, Limits, SecretKey
from dcr_operator.resources.resource_model import ObjectMetadata
from dcr_operator.resources.rotation import RotationSpec, RotationStrategy
from dcr_operator.resources.secret_spec import (
    SECRET_VALUES,
    SecretPreset,
    SecretSpec,
    SecretType,
)

__all__ = [
    "SECRET_VALUES",
    "AllowedNamespaces",
    "AnyProvider",
    "ClientMetadataSpec",
    "ClusterOAuthProvider",
    "ClusterOAuthProviderSpec",
    "Condition",
    "ConditionStatus",
    "DeletionPolicy",
    "DriftEntry",
    "InvalidSpecError",
    "Limits",
    "OAuthClient",
    "OAuthClientSpec",
    "OAuthClientStatus",
    "OAuthProvider",
    "OAuthProviderSpec",
    "OAuthProviderStatus",
    "ObjectMetadata",
    "OnAmbiguousCreate",
    "OnLostRegistrationAccessToken",
    "OnVanishedClient",
    "Problem",
    "ProviderKind",
    "ProviderRef",
    "RotationSpec",
    "RotationStrategy",
    "SecretKey",
    "SecretPreset",
    "SecretSpec",
    "SecretType",
    "format_duration",
    "parse_cluster_oauth_provider",
    "parse_duration",
    "parse_oauth_client",
    "parse_oauth_provider",
    "parse_provider",
]
