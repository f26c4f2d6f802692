"""A stage for the real operator: the real API server, our server, tenants with namespaces.

The operator runs as its ServiceAccount with the chart's RBAC. It serves namespaces that are
made before it starts; each test takes the next one. Its class is its own namespace's name, so that
stages beside each other leave each other alone.
"""

import base64
import json
import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydantic import JsonValue

from tests.cluster.audit import AuditLog
from tests.cluster.client import JsonObject, KubernetesClient
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.starting import Cluster
from tests.processes.dcr_operator import DcrOperator, DcrOperatorSettings, start_dcr_operator
from tests.processes.dcr_server import DcrServer, DcrServerSettings, start_dcr_server
from tests.processes.installation import install, operator_kubeconfig
from tests.processes.kubectl import Kubectl
from tests.processes.registered_client import Credentials

API_VERSION = "dcr-operator.dev/v1alpha1"
CLIENT = f"{API_VERSION}/OAuthClient"
CLUSTER_PROVIDER = f"{API_VERSION}/ClusterOAuthProvider"
NAMESPACES = 16  # at least one for each test of a module
SECONDS = 30.0


@dataclass
class Stage:
    """One operator and one server for the tests of a module."""

    admin: KubernetesClient
    audit: AuditLog
    namespace: str  # the operator's
    namespaces: list[str]  # of tenants, not taken yet
    settings: DcrOperatorSettings
    server: DcrServer
    operator: DcrOperator
    chart: Mapping[str, JsonValue] = field(default_factory=dict)  # the values that it runs with

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{self.namespace}:dcr-operator"

    def restart_operator(self) -> None:
        self.operator = start_dcr_operator(self.settings)

    def requests_to_providers(self, operation: str) -> float:
        text = httpx.get(f"{self.operator.url}/metrics", trust_env=False).text
        pattern = rf'dcr_provider_requests_seconds_count{{.*operation="{operation}".*}} (\S+)'
        return sum(float(each) for each in re.findall(pattern, text))

    def clients_at_server(self, client_name: str) -> int:
        """Count what our server really has, whoever asks."""
        path = self.server.settings.directory / "dcr-server.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT metadata FROM clients").fetchall()
        return sum(json.loads(row[0]).get("client_name") == client_name for row in rows)


@dataclass
class Tenant:
    """A namespace with a provider that allows it."""

    stage: Stage
    namespace: str
    provider: str = field(default_factory=lambda: f"main-{secrets.token_hex(4)}")
    access: str = "access"  # the Secret of the initial access token

    @property
    def admin(self) -> KubernetesClient:
        return self.stage.admin

    def apply_provider(self, **spec: object) -> None:
        whole = {
            "issuer": self.stage.server.issuer,
            "operatorClass": self.stage.settings.operator_class,
            "allowedNamespaces": {"names": [self.namespace]},
            "initialAccessToken": {
                "secretRef": {"namespace": self.namespace, "name": self.access, "key": "token"}
            },
        }
        manifest = {"apiVersion": API_VERSION, "kind": "ClusterOAuthProvider"}
        metadata = {"name": self.provider}
        self.admin.apply({**manifest, "metadata": metadata, "spec": whole | spec})

    def replace_provider(self, **spec: object) -> None:
        """Make it anew: the issuer of a provider never changes."""
        self.admin.delete(CLUSTER_PROVIDER, None, self.provider)
        self.wait_until_provider_gone()
        self.apply_provider(**spec)

    def wait_until_provider_gone(self) -> None:
        self.admin.wait_for(
            CLUSTER_PROVIDER, None, self.provider, lambda seen: seen is None, deadline=SECONDS
        )

    def use_token(self, token: str | None) -> None:
        """Have the provider refer to a Secret that nobody has read yet; None: to none."""
        self.access = f"access-{secrets.token_hex(4)}"
        if token is not None:
            self.apply_token(token)
        self.apply_provider()

    def apply_token(self, token: str) -> None:
        """Write the token into its Secret; what the operator has read serves it some seconds."""
        metadata = {"name": self.access, "namespace": self.namespace}
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
        self.admin.apply({**manifest, "stringData": {"token": token}})

    def apply(self, name: str, **metadata: object) -> None:
        ref = {"kind": "ClusterOAuthProvider", "name": self.provider}
        wanted = {"clientName": f"{self.namespace}-{name}", "grantTypes": ["client_credentials"]}
        manifest = {
            "apiVersion": API_VERSION,
            "kind": "OAuthClient",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"providerRef": ref, "clientMetadata": wanted | metadata},
        }
        self.admin.apply(manifest)

    def apply_spec(self, name: str, **spec: object) -> None:
        """Apply a client with more in its spec than metadata."""
        ref = {"kind": "ClusterOAuthProvider", "name": self.provider}
        wanted = {"clientName": f"{self.namespace}-{name}", "grantTypes": ["client_credentials"]}
        manifest = {"apiVersion": API_VERSION, "kind": "OAuthClient"}
        metadata = {"name": name, "namespace": self.namespace}
        whole = {"providerRef": ref, "clientMetadata": wanted}
        self.admin.apply({**manifest, "metadata": metadata, "spec": whole | spec})

    def delete(self, name: str) -> None:
        self.admin.delete(CLIENT, self.namespace, name)

    def wait(
        self, name: str, condition: Callable[[JsonObject], object], *, deadline: float = SECONDS
    ) -> JsonObject:
        seen = self.admin.wait_for(
            CLIENT,
            self.namespace,
            name,
            lambda found: found is not None and condition(found),
            deadline=deadline,
        )
        assert seen is not None
        return seen

    def wait_until_ready(self, name: str, generation: int = 1) -> JsonObject:
        return self.wait(name, lambda found: is_ready(found, generation))

    def wait_for_reason(self, name: str, reason: str) -> JsonObject:
        return self.wait(name, lambda found: ready(found).get("reason") == reason)

    def wait_until_gone(self, name: str) -> None:
        self.admin.wait_for(CLIENT, self.namespace, name, lambda o: o is None, deadline=SECONDS)

    def wait_for_secret(
        self, name: str, condition: Callable[[JsonObject], object] = bool
    ) -> JsonObject:
        found = self.admin.wait_for(
            "v1/Secret",
            self.namespace,
            name,
            lambda seen: seen is not None and condition(seen),
            deadline=SECONDS,
        )
        assert found is not None
        return found

    def credentials(self, name: str) -> Credentials:
        found = self.admin.get("v1/Secret", self.namespace, name)
        assert found is not None
        return Credentials.from_secret(found)

    def wait_for_event(self, reason: str) -> JsonObject:
        """Wait for an Event about something in this namespace."""
        events = "events.k8s.io/v1/Event"
        version = self.admin.request("GET", self.admin.path(events, self.namespace))["metadata"]
        found = self._events(reason)
        if found:
            return found[0]
        until = time.monotonic() + SECONDS
        for event in self.admin.watch(
            events, self.namespace, resource_version=version["resourceVersion"], until=until
        ):
            if event.object["reason"] == reason:
                return event.object
        raise AssertionError(f"no Event {reason} in {self.namespace}")

    def _events(self, reason: str) -> list[JsonObject]:
        events = self.admin.list("events.k8s.io/v1/Event", self.namespace)
        return [event for event in events if event["reason"] == reason]


def ready(client: JsonObject) -> JsonObject:
    conditions = client.get("status", {}).get("conditions", ())
    return next((one for one in conditions if one["type"] == "Ready"), {})


def is_ready(client: JsonObject, generation: int = 1) -> bool:
    condition = ready(client)
    return (
        condition.get("status") == "True" and condition.get("observedGeneration", 0) >= generation
    )


def record(stage: Stage, client: JsonObject) -> JsonObject | None:
    """What the operator remembers of a client, decoded."""
    name = f"oauthclient-{client['metadata']['uid']}"
    found = stage.admin.get("v1/Secret", stage.namespace, name)
    return None if found is None else decoded_record(found)


def decoded_record(secret: JsonObject) -> JsonObject:
    document: JsonObject = json.loads(base64.b64decode(secret["data"]["record.json"]))
    return document


def _values_for(tenants: list[str], chart: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {**chart, "operator": {"watchNamespaces": [*tenants]}}


@contextmanager
def raised_stage(
    cluster: Cluster,
    admin: KubernetesClient,
    directory: Path,
    chart: Mapping[str, JsonValue] | None = None,
    /,
    **settings: str,
) -> Iterator[Stage]:
    """Start server and operator.

    ``settings`` are the operator's DCR_OPERATOR_*, ``chart`` values beside those of the operator.
    """
    kubectl = Kubectl(cluster.kubeconfig)
    with ExitStack() as stack:
        namespace = stack.enter_context(fresh_namespace(admin, "operator"))
        tenants = [stack.enter_context(fresh_namespace(admin, "tenant")) for _ in range(NAMESPACES)]
        values = _values_for(tenants, chart or {})
        install(kubectl, namespace, **values)
        kubeconfig = operator_kubeconfig(kubectl, namespace, directory / "kubeconfig")
        extra = {f"DCR_OPERATOR_{name.upper()}": value for name, value in settings.items()}
        run = DcrOperatorSettings(
            directory, kubeconfig, namespace, tuple(tenants), namespace, extra
        )
        server = start_dcr_server(DcrServerSettings(directory / "server"))
        stage = Stage(
            admin=admin,
            audit=AuditLog(cluster.audit_log, admin),
            namespace=namespace,
            namespaces=tenants,
            settings=run,
            server=server,
            operator=start_dcr_operator(run),
            chart=values,
        )
        try:
            yield stage
        finally:
            stage.operator.process.kill_9()
            stage.server.process.kill_9()


@contextmanager
def new_tenant(stage: Stage, *, token: str | None = None) -> Iterator[Tenant]:
    tenant = Tenant(stage, stage.namespaces.pop())
    tenant.apply_token(stage.server.mint_initial_access_token() if token is None else token)
    tenant.apply_provider()
    try:
        yield tenant
    finally:
        for client in stage.admin.list(CLIENT, tenant.namespace):
            tenant.delete(client["metadata"]["name"])
        if stage.operator.process.running and stage.server.process.running:
            for client in stage.admin.list(CLIENT, tenant.namespace):
                tenant.wait_until_gone(client["metadata"]["name"])
        stage.admin.delete(CLUSTER_PROVIDER, None, tenant.provider)
