"""Names that the operator writes on objects: labels, owner. Pure."""

from typing import Final

from dcr_operator.kube import API_GROUP, OAUTH_CLIENTS, JsonObject
from dcr_operator.state import ResourceFacts

MANAGED_BY: Final = {"app.kubernetes.io/managed-by": "dcr-operator"}
CLIENT_LABEL: Final = f"{API_GROUP}/oauthclient"


def tenant_labels(name: str) -> dict[str, str]:
    return {**MANAGED_BY, CLIENT_LABEL: name}


def owner_reference(resource: ResourceFacts) -> JsonObject:
    """Return the reference by which the Secret is ours and is collected with the resource."""
    return {
        "apiVersion": OAUTH_CLIENTS.api_version,
        "kind": OAUTH_CLIENTS.kind,
        "name": resource.key.name,
        "uid": resource.uid,
        "controller": True,
    }
