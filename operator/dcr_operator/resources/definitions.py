"""The three kinds as the API server is told of them: names, columns, models."""

from dataclasses import dataclass
from typing import Final

from dcr_operator.kube import (
    CLUSTER_OAUTH_PROVIDERS,
    OAUTH_CLIENTS,
    OAUTH_PROVIDERS,
    Resource,
)
from dcr_operator.resources.oauth_client import OAuthClient
from dcr_operator.resources.oauth_provider import ClusterOAuthProvider, OAuthProvider
from dcr_operator.resources.resource_model import ResourceModel

CATEGORY: Final = "oauth"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`; priority 1 shows it with `-o wide` only."""

    name: str
    json_path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Definition:
    resource: Resource
    model: type[ResourceModel]
    short_name: str
    columns: tuple[Column, ...]


def _of_ready(field: str) -> str:
    return f'.status.conditions[?(@.type=="Ready")].{field}'


_AGE = Column("Age", ".metadata.creationTimestamp", "date")
_CLIENT_COLUMNS = (
    Column("Ready", _of_ready("status")),
    Column("Reason", _of_ready("reason")),
    Column("Provider", ".status.providerRef.name"),
    Column("Client-ID", ".status.clientId"),
    Column("Secret", ".status.secretName"),
    _AGE,
    # Not of type date: kubectl shows dates as an age, which a date to come has not.
    Column("Expires", ".status.clientSecretExpiresAt", priority=1),
    Column("Message", _of_ready("message"), priority=1),
)
_PROVIDER_COLUMNS = (
    Column("Ready", _of_ready("status")),
    Column("Reason", _of_ready("reason")),
    Column("Issuer", ".spec.issuer"),
    Column("Clients", ".status.clients", "integer"),
    _AGE,
    Column("Message", _of_ready("message"), priority=1),
)

DEFINITIONS: Final = (
    Definition(OAUTH_CLIENTS, OAuthClient, "oac", _CLIENT_COLUMNS),
    Definition(OAUTH_PROVIDERS, OAuthProvider, "oap", _PROVIDER_COLUMNS),
    Definition(CLUSTER_OAUTH_PROVIDERS, ClusterOAuthProvider, "coap", _PROVIDER_COLUMNS),
)
