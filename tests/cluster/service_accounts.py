"""Act as a ServiceAccount: what runs under test gets no more rights than its own."""

from pathlib import Path

from tests.cluster.client import KubernetesClient
from tests.cluster.kubeconfig import Access, write_kubeconfig

TOKEN_SECONDS = 24 * 3600


def service_account_access(admin: KubernetesClient, namespace: str, name: str) -> Access:
    """Return the same API server's access with a fresh token of an existing ServiceAccount."""
    path = admin.path("v1/ServiceAccount", namespace, name)
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": TOKEN_SECONDS},
    }
    answer = admin.request("POST", f"{path}/token", body=request)
    access = admin.access
    return Access(access.server, access.certificate_authority, answer["status"]["token"])


def write_service_account_kubeconfig(
    admin: KubernetesClient, namespace: str, name: str, path: Path
) -> Path:
    write_kubeconfig(path, service_account_access(admin, namespace, name))
    return path
