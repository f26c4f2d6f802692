"""The operator as a whole, on the real API server, with real providers: apply, edit, delete."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cluster.client import Condition, KubernetesClient
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
    """A namespace with a provider and an operator that serves it."""

    admin: KubernetesClient
    namespace: str
    operator_namespace: str

    def manifest(self, kind: str, name: str, spec: JsonObject) -> JsonObject:
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


@dataclass(frozen=True)
class Workload:
    """One OAuthClient of the tenant, and what became of it."""

    tenant: Tenant
    name: str

    def apply(self, **metadata: object) -> None:
        spec = {
            "providerRef": {"kind": "OAuthProvider", "name": "main"},
            "clientMetadata": {**METADATA, **metadata},
        }
        self.tenant.admin.apply(self.tenant.manifest("OAuthClient", self.name, spec))

    def wait_for(
        self, kind: str, condition: Condition, *, name: str = "", namespace: str = ""
    ) -> JsonObject:
        where = namespace or self.tenant.namespace
        seen = self.tenant.admin.wait_for(
            kind, where, name or self.name, condition, deadline=SECONDS
        )
        return seen or {}

    def ready(self, generation: int) -> JsonObject:
        return self.wait_for(OAUTH_CLIENT, lambda seen: ready_generation(seen) >= generation)

    def credentials(self) -> Credentials:
        secret = self.tenant.admin.get("v1/Secret", self.tenant.namespace, self.name)
        assert secret is not None
        return Credentials.from_secret(secret)

    def management(self, client: JsonObject) -> Management:
        name = record_name(client)
        record = self.tenant.admin.get("v1/Secret", self.tenant.operator_namespace, name)
        assert record is not None
        return Management.from_record(record)


def record_name(client: JsonObject) -> str:
    return f"oauthclient-{client['metadata']['uid']}"


def ready_condition(client: JsonObject | None) -> JsonObject:
    conditions = (client or {}).get("status", {}).get("conditions", ())
    found: JsonObject = next((one for one in conditions if one["type"] == "Ready"), {})
    return found


def ready_generation(client: JsonObject | None) -> int:
    ready = ready_condition(client)
    return int(ready["observedGeneration"]) if ready.get("status") == "True" else -1


def is_gone(seen: JsonObject | None) -> bool:
    return seen is None


def is_there(seen: JsonObject | None) -> bool:
    return seen is not None


def provider_manifests(tenant: Tenant, provider: InteropProvider) -> Iterator[JsonObject]:
    spec: JsonObject = {"issuer": provider.issuer, "operatorClass": tenant.operator_namespace}
    if provider.initial_access_token:
        metadata = {"name": "access", "namespace": tenant.namespace}
        token = {"token": provider.initial_access_token}
        yield {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": token}
        spec["initialAccessToken"] = {"secretRef": {"name": "access", "key": "token"}}
    yield tenant.manifest("OAuthProvider", "main", spec)


# One operator for all tests of a provider: each test has a client of its own.
@pytest.fixture(scope="module")
def tenant(
    cluster: Cluster,
    admin: KubernetesClient,
    provider: InteropProvider,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Tenant]:
    kubectl = Kubectl(cluster.kubeconfig)
    directory = tmp_path_factory.mktemp("operator")
    with fresh_namespace(admin, "operator") as own, fresh_namespace(admin, "tenant") as namespace:
        install(kubectl, own, operator={"watchNamespaces": [namespace]})
        tenant = Tenant(admin, namespace, own)
        for manifest in provider_manifests(tenant, provider):
            admin.apply(manifest)
        kubeconfig = operator_kubeconfig(kubectl, own, directory / "kubeconfig")
        # A class of its own: other operators of this run leave its provider alone, and it theirs.
        settings = DcrOperatorSettings(directory, kubeconfig, own, (namespace,), own)
        with running_dcr_operator(settings):
            yield tenant


@pytest.fixture
def workload(tenant: Tenant) -> Workload:
    return Workload(tenant, f"client-{secrets.token_hex(4)}")


def test_the_credentials_in_the_secret_get_a_token(workload: Workload) -> None:
    workload.apply()
    client = workload.ready(1)
    credentials = workload.credentials()
    assert credentials.client_id == client["status"]["clientId"]
    assert ProviderClient().token(credentials).json()["token_type"] == "Bearer"


def test_an_edit_reaches_the_same_client_by_put(workload: Workload) -> None:
    workload.apply()
    before = workload.ready(1)
    token_before = workload.management(before).registration_access_token
    workload.apply(clientName="after")
    after = workload.ready(2)
    assert after["status"]["clientId"] == before["status"]["clientId"]
    management = workload.management(after)
    # RFC 7592 §2.2: what answers a PUT here answers with a new token.
    assert management.registration_access_token != token_before
    assert ProviderClient().registration(management).json()["client_name"] == "after"
    assert ProviderClient().token(workload.credentials()).is_success


def test_a_deleted_resource_leaves_nothing_behind(workload: Workload) -> None:
    workload.apply()
    client = workload.ready(1)
    credentials, management = workload.credentials(), workload.management(client)
    tenant = workload.tenant
    tenant.admin.delete(OAUTH_CLIENT, tenant.namespace, workload.name)
    workload.wait_for(OAUTH_CLIENT, is_gone)
    workload.wait_for("v1/Secret", is_gone)
    record = record_name(client)
    workload.wait_for("v1/Secret", is_gone, name=record, namespace=tenant.operator_namespace)
    assert ProviderClient().token(credentials).status_code == 401
    assert ProviderClient().registration(management).status_code == 401


def test_a_deleted_secret_is_restored_with_the_same_credentials(workload: Workload) -> None:
    workload.apply()
    workload.ready(1)
    before = workload.credentials()
    workload.tenant.admin.delete("v1/Secret", workload.tenant.namespace, workload.name)
    workload.wait_for("v1/Secret", is_there)
    assert workload.credentials() == before


def test_a_refusal_of_the_provider_is_told_and_heals(workload: Workload) -> None:
    workload.apply(grantTypes=["password"])
    workload.wait_for(
        OAUTH_CLIENT, lambda seen: ready_condition(seen).get("reason") == "RegistrationRejected"
    )
    workload.apply()
    workload.ready(2)
