"""What a tenant tries by the API server alone: refused there, before any operator looks at it."""

import pytest

from tests.cluster.client import ApiError, JsonObject, KubernetesClient
from tests.integration.crd_rules import CLIENT, install, smallest
from tests.integration.operator_stage import API_VERSION

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", autouse=True)
def _crds(admin: KubernetesClient) -> None:
    install(admin)


KEYS = [
    "app.kubernetes.io/managed-by",
    "kubernetes.io/service-account.name",
    "kubernetes.io/enforce-mountable-secrets",
    "node.kubernetes.io/x",
    "a.b.kubernetes.io/x",
    "k8s.io/x",
    "x.k8s.io/y",
    "cluster.x-k8s.io.k8s.io/x",
    "argocd.argoproj.io/instance",
    "argocd.argoproj.io/secret-type",
    "dcr-operator.dev/oauthclient",
    "sub.dcr-operator.dev/x",
    "dcr-operator.dev/allow-restart",
]
PROVIDER = "OAuthProvider"
REF = {"namespace": "kube-system", "name": "x", "key": "token"}

ATTEMPTS: list[tuple[str, JsonObject]] = [
    (CLIENT, {"spec.providerRef": {"kind": "Secret", "name": "x"}}),
    (CLIENT, {"spec.providerRef": {"name": "../x"}}),
    (CLIENT, {"spec.providerRef": {"name": "x", "namespace": "team-b"}}),
    (CLIENT, {"spec.secret": {"name": "../x"}}),
    (CLIENT, {"spec.secret": {"name": "x", "namespace": "kube-system"}}),
    (CLIENT, {"spec.secret": {"type": "kubernetes.io/service-account-token"}}),
    (CLIENT, {"spec.secret": {"type": "bootstrap.kubernetes.io/token"}}),
    (CLIENT, {"spec.softwareStatementRef": REF}),
    (CLIENT, {"spec.clientMetadata.softwareStatement": "a.b.c"}),
    (CLIENT, {"spec.clientMetadata.extra": {"client_id": "admin"}}),
    (CLIENT, {"spec.clientMetadata.extra": {"redirect_uris": ["https://evil.example.net/"]}}),
    (CLIENT, {"spec.clientMetadata.clientName": "x" * 2049}),
    (CLIENT, {"spec.clientMetadata.redirectUris": ["https://a.example.com/"] * 101}),
    (PROVIDER, {"spec.backchannelOrigin": "http://vault.vault.svc:8200"}),
    (PROVIDER, {"spec.initialAccessToken": {"secretRef": REF}}),
    (PROVIDER, {"spec.tls": {"caRef": REF}}),
    (PROVIDER, {"spec.allowedNamespaces": {"names": ["*"]}}),
    (PROVIDER, {"spec.issuer": "http://169.254.169.254"}),
    (PROVIDER, {"spec.issuer": "https://id.example.com@10.0.0.1"}),
    (PROVIDER, {"spec.registrationEndpoint": "http://kubernetes.default.svc/x"}),
    (PROVIDER, {"spec.allowedOrigins": ["http://10.0.0.1"]}),
    (PROVIDER, {"spec.limits": {"timeout": "1m"}}),
]


def try_to_create(admin: KubernetesClient, kind: str, changes: JsonObject) -> None:
    """Strictly, so that an unknown field is refused and not dropped in silence."""
    wanted = smallest(kind, "x", "default", changes)
    path = admin.path(f"{API_VERSION}/{kind}", "default")
    query = {"dryRun": "All", "fieldValidation": "Strict"}
    admin.request("POST", path, body=wanted, query=query)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_keys_that_other_programs_obey_are_refused(
    admin: KubernetesClient, field: str, key: str
) -> None:
    with pytest.raises(ApiError, match="must not have keys under"):
        try_to_create(admin, CLIENT, {"spec.secret": {field: {key: "x"}}})


def test_keys_of_ones_own_are_not(admin: KubernetesClient) -> None:
    own = {"team": "a", "example.com/team": "a", "kubernetes.io.example.com/x": "a"}
    try_to_create(admin, CLIENT, {"spec.secret": {"labels": own, "annotations": own}})


@pytest.mark.parametrize(("kind", "changes"), ATTEMPTS, ids=lambda each: str(each)[:60])
def test_it_is_refused_by_the_api_server(
    admin: KubernetesClient, kind: str, changes: JsonObject
) -> None:
    with pytest.raises(ApiError) as refused:
        try_to_create(admin, kind, changes)
    assert refused.value.status in (400, 422)
