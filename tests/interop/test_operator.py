"""The operator as a whole, on the real API server, with real providers: apply, edit, delete."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.client import KubernetesClient
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.starting import Cluster
from tests.interop.conftest import InteropProvider
from tests.processes.dcr_operator import DcrOperatorSettings, running_dcr_operator
from tests.processes.installation import install, operator_kubeconfig
from tests.processes.kubectl import JsonObject, Kubectl
from tests.processes.registered_client import Credentials, Management, ProviderClient

pytestmark = [pytest.mark.interop, pytest.mark.integration]

API_VERSION = "dcr-operator.dev/v1alpha1"
OAUTH_CLIENT = f"{API_VERSION}/OAuthClient"
SECONDS = 30.0
METADATA = {
    "clientName": "before",
    "grantTypes": ["client_credentials"],
    "tokenEndpointAuthMethod": "client_secret_basic",
}


@dataclass(frozen=True)
class Tenant:
    """A namespace with a provider, an operator that serves it, and one OAuthClient."""

    admin: KubernetesClient
    namespace: str
    operator_namespace: str

    def apply(self, **metadata: object) -> None:
        spec = {
            "providerRef": {"kind": "OAuthProvider", "name": "main"},
            "clientMetadata": {**METADATA, **metadata},
        }
        self.admin.apply(self.manifest("OAuthClient", "dashboard", spec))

    def manifest(self, kind: str, name: str, spec: JsonObject) -> JsonObject:
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}

    def ready(self, generation: int) -> JsonObject:
        """Wait until the client is Ready at this generation, and return it."""
        seen = self.admin.wait_for(
            OAUTH_CLIENT,
            self.namespace,
            "dashboard",
            lambda client: client is not None and ready_generation(client) >= generation,
            deadline=SECONDS,
        )
        assert seen is not None
        return seen

    def credentials(self) -> Credentials:
        secret = self.admin.get("v1/Secret", self.namespace, "dashboard")
        assert secret is not None
        return Credentials.from_secret(secret)

    def management(self, client: JsonObject) -> Management:
        name = f"oauthclient-{client['metadata']['uid']}"
        record = self.admin.get("v1/Secret", self.operator_namespace, name)
        assert record is not None
        return Management.from_record(record)

    def wait_until_gone(self, kind: str, name: str, namespace: str | None = None) -> None:
        where = namespace or self.namespace
        self.admin.wait_for(kind, where, name, lambda seen: seen is None, deadline=SECONDS)


def ready_generation(client: JsonObject) -> int:
    conditions = client.get("status", {}).get("conditions", ())
    ready = [one for one in conditions if one["type"] == "Ready" and one["status"] == "True"]
    return max((one["observedGeneration"] for one in ready), default=-1)


def provider_manifests(tenant: Tenant, provider: InteropProvider) -> Iterator[JsonObject]:
    spec: JsonObject = {"issuer": provider.issuer}
    if provider.initial_access_token:
        metadata = {"name": "access", "namespace": tenant.namespace}
        token = {"token": provider.initial_access_token}
        yield {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": token}
        spec["initialAccessToken"] = {"secretRef": {"name": "access", "key": "token"}}
    yield tenant.manifest("OAuthProvider", "main", spec)


@pytest.fixture
def tenant(
    cluster: Cluster,
    admin: KubernetesClient,
    namespace: str,
    provider: InteropProvider,
    tmp_path: Path,
) -> Iterator[Tenant]:
    kubectl = Kubectl(cluster.kubeconfig)
    with fresh_namespace(admin, "operator") as operator_namespace:
        install(kubectl, operator_namespace, operator={"watchNamespaces": [namespace]})
        tenant = Tenant(admin, namespace, operator_namespace)
        for manifest in provider_manifests(tenant, provider):
            admin.apply(manifest)
        kubeconfig = operator_kubeconfig(kubectl, operator_namespace, tmp_path / "kubeconfig")
        settings = DcrOperatorSettings(tmp_path, kubeconfig, operator_namespace, (namespace,))
        with running_dcr_operator(settings):
            yield tenant


def test_the_credentials_in_the_secret_get_a_token(tenant: Tenant) -> None:
    tenant.apply()
    client = tenant.ready(1)
    credentials = tenant.credentials()
    assert credentials.client_id == client["status"]["clientId"]
    assert ProviderClient().token(credentials).json()["token_type"] == "Bearer"


def test_an_edit_reaches_the_same_client_by_put(tenant: Tenant) -> None:
    tenant.apply()
    before = tenant.ready(1)
    token_before = tenant.management(before).registration_access_token
    tenant.apply(clientName="after")
    after = tenant.ready(2)
    assert after["status"]["clientId"] == before["status"]["clientId"]
    management = tenant.management(after)
    # RFC 7592 §2.2: what answers a PUT here answers with a new token.
    assert management.registration_access_token != token_before
    assert ProviderClient().registration(management).json()["client_name"] == "after"
    assert ProviderClient().token(tenant.credentials()).is_success


def test_a_deleted_resource_leaves_nothing_behind(tenant: Tenant) -> None:
    tenant.apply()
    client = tenant.ready(1)
    credentials, management = tenant.credentials(), tenant.management(client)
    tenant.admin.delete(OAUTH_CLIENT, tenant.namespace, "dashboard")
    tenant.wait_until_gone(OAUTH_CLIENT, "dashboard")
    tenant.wait_until_gone("v1/Secret", "dashboard")
    record = f"oauthclient-{client['metadata']['uid']}"
    tenant.wait_until_gone("v1/Secret", record, tenant.operator_namespace)
    assert ProviderClient().token(credentials).status_code == 401
    assert ProviderClient().registration(management).status_code == 401


def test_a_secret_that_somebody_deletes_is_restored_with_the_same_credentials(
    tenant: Tenant,
) -> None:
    tenant.apply()
    tenant.ready(1)
    before = tenant.credentials()
    tenant.admin.delete("v1/Secret", tenant.namespace, "dashboard")
    tenant.admin.wait_for(
        "v1/Secret", tenant.namespace, "dashboard", lambda seen: seen is not None, deadline=SECONDS
    )
    assert tenant.credentials() == before


def test_a_refusal_of_the_provider_is_told_and_heals(tenant: Tenant) -> None:
    tenant.apply(grantTypes=["password"])
    refused = tenant.admin.wait_for(
        OAUTH_CLIENT,
        tenant.namespace,
        "dashboard",
        lambda seen: reason(seen) == "RegistrationRejected",
        deadline=SECONDS,
    )
    assert refused is not None
    tenant.apply()
    tenant.ready(2)


def reason(client: JsonObject | None) -> str | None:
    conditions = (client or {}).get("status", {}).get("conditions", ())
    return next((one["reason"] for one in conditions if one["type"] == "Ready"), None)
