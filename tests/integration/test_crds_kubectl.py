"""The CRDs as people meet them: kubectl get and kubectl explain on the real API server."""

import pytest

from dcr_operator.crdgen import crd_documents
from dcr_operator.kube import API_GROUP, API_VERSION
from tests.cluster.client import KubernetesClient
from tests.cluster.starting import Cluster
from tests.integration.crd_rules import (
    CLIENT,
    CLUSTER_PROVIDER,
    JsonObject,
    described_fields,
    install,
    smallest,
)
from tests.processes.kubectl import Kubectl

pytestmark = pytest.mark.integration

_CLIENTS = f"{API_GROUP}/{API_VERSION}/{CLIENT}"
_READY = {
    "type": "Ready",
    "status": "False",
    "observedGeneration": 1,
    "reason": "SecretConflict",
    "message": "Secret reports exists and is not ours",
    "lastTransitionTime": "2026-01-02T03:04:05Z",
}
_STATUS = {
    "observedGeneration": 1,
    "conditions": [_READY],
    "providerRef": {"kind": "ClusterOAuthProvider", "name": "main"},
    "clientId": "c-1",
    "secretName": "reports-oauth",
    "clientSecretExpiresAt": "2027-01-02T03:04:05Z",
}
_COLUMNS = ["NAME", "READY", "REASON", "PROVIDER", "CLIENT-ID", "SECRET", "AGE"]
_DOCUMENTS: list[JsonObject] = [dict(document) for document in crd_documents()]


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster, admin: KubernetesClient) -> Kubectl:
    install(admin)
    return Kubectl(cluster.kubeconfig)


@pytest.fixture
def registered(admin: KubernetesClient, namespace: str) -> str:
    """A namespace with one OAuthClient whose status says something in every column."""
    admin.create(smallest(CLIENT, "reports", namespace, {}))
    admin.patch(_CLIENTS, namespace, "reports", {"status": _STATUS}, subresource="status")
    return namespace


def test_kubectl_get_shows_the_columns_of_the_documentation(
    kubectl: Kubectl, registered: str
) -> None:
    headers, row = kubectl.run("get", "oac", "-n", registered).splitlines()
    assert headers.split() == _COLUMNS
    assert row.split()[:-1] == [
        "reports",
        "False",
        "SecretConflict",
        "main",
        "c-1",
        "reports-oauth",
    ]


def test_kubectl_get_wide_also_shows_expiry_and_message(kubectl: Kubectl, registered: str) -> None:
    headers, row = kubectl.run("get", "oauthclient", "-n", registered, "-o", "wide").splitlines()
    assert headers.split()[-2:] == ["EXPIRES", "MESSAGE"]
    assert "2027-01-02T03:04:05Z" in row
    assert row.endswith("Secret reports exists and is not ours")


def test_kubectl_get_shows_how_a_provider_is(
    kubectl: Kubectl, admin: KubernetesClient, namespace: str
) -> None:
    admin.create(smallest(CLUSTER_PROVIDER, namespace, namespace, {}))
    headers = kubectl.run("get", "coap", namespace).splitlines()[0]
    assert headers.split() == ["NAME", "READY", "REASON", "ISSUER", "CLIENTS", "AGE"]
    kubectl.run("delete", "coap", namespace)


def test_the_category_lists_all_three_kinds(kubectl: Kubectl) -> None:
    listed = kubectl.run("api-resources", "--categories=oauth", "--no-headers", "-o", "wide")
    seen = {tuple(line.split()[:2]) for line in listed.splitlines()}
    assert seen == {
        ("oauthclients", "oac"),
        ("oauthproviders", "oap"),
        ("clusteroauthproviders", "coap"),
    }


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda d: d["spec"]["names"]["kind"])
def test_kubectl_explain_lists_every_field(kubectl: Kubectl, document: JsonObject) -> None:
    plural = document["spec"]["names"]["plural"]
    explained = kubectl.run("explain", plural, "--recursive")
    listed = {line.split()[0] for line in explained.splitlines() if "<" in line}
    assert {path.rpartition(".")[2] for path, _ in described_fields(document)} <= listed


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("oauthclients", "An OAuth client that is registered at a provider"),
        ("oauthclients.spec.deletionPolicy", "Retain leaves it there and keeps the Secret"),
        ("oauthclients.spec.clientMetadata.redirectUris", "Redirection URIs"),
        ("oauthclients.spec.clientMetadata.extra.client_id", "the server assigns it"),
        ("oauthclients.status.conditions", "Reconciling and Stalled"),
        ("clusteroauthproviders.spec.onVanishedClient", "Reregister makes a new one"),
        ("oauthproviders.spec.initialAccessToken.secretRef", "The Secret of this namespace"),
    ],
)
def test_kubectl_explain_says_what_a_field_is_for(kubectl: Kubectl, path: str, words: str) -> None:
    assert words in " ".join(kubectl.run("explain", path).split())
