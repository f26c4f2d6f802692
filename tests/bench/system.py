"""All parts on an idle local cluster, as the demo runs them: TLS, durable SQLite, own account."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.processor_time import children
from tests.bench.report import FOLDER
from tests.cluster.client import JsonObject, KubernetesClient
from tests.cluster.processes import read_identity
from tests.cluster.running import own_cluster
from tests.cluster.supervisor import ControlPlaneFiles
from tests.processes.certificates import make_server_certificate
from tests.processes.dcr_operator import DcrOperator, DcrOperatorSettings, running_dcr_operator
from tests.processes.dcr_server import DcrServer, DcrServerSettings, running_dcr_server
from tests.processes.installation import install, namespace_object, operator_kubeconfig
from tests.processes.kubectl import Kubectl

API_VERSION = "dcr-operator.dev/v1alpha1"
OAUTH_CLIENT = f"{API_VERSION}/OAuthClient"
OPERATOR_NAMESPACE = "dcr-system"
NAMESPACE = "bench"
_CLUSTER = FOLDER / "cluster"
_WAIT_FOR_PROVIDER = ("wait", "--for=condition=Ready", "--timeout=60s", "clusteroauthprovider/main")


@dataclass(frozen=True, slots=True)
class System:
    admin: KubernetesClient
    operator: DcrOperator
    server: DcrServer

    def create_client(self, name: str) -> None:
        self.admin.create(oauth_client(name))

    @property
    def processes(self) -> dict[str, int]:
        """All that runs, by name: process ids."""
        supervisor = read_identity(ControlPlaneFiles(_CLUSTER.resolve()).supervisor)
        assert supervisor is not None
        ours = {
            "dcr-operator": self.operator.process.pid,
            "dcr-server": self.server.process.pid,
        }
        return {**ours, **dict(children(supervisor.pid))}


@contextmanager
def running_system() -> Iterator[System]:
    directory = (FOLDER / "system").absolute()
    shutil.rmtree(directory, ignore_errors=True)
    certificate = make_server_certificate(directory / "tls", "127.0.0.1")
    settings = DcrServerSettings(directory, certificate=certificate)
    with (
        own_cluster(_CLUSTER) as cluster,
        cluster.admin() as admin,
        running_dcr_server(settings) as server,
    ):
        kubectl = Kubectl(cluster.kubeconfig)
        install(kubectl, OPERATOR_NAMESPACE)
        kubectl.apply(namespace_object(NAMESPACE), *_provider(server))
        with running_dcr_operator(_operator_settings(kubectl, directory)) as operator:
            system = System(admin, operator, server)
            kubectl.run(*_WAIT_FOR_PROVIDER)
            yield system


@contextmanager
def restarted(system: System) -> Iterator[System]:
    """Stop the operator, which is left stopped, and run another in its place."""
    system.operator.stop()
    with running_dcr_operator(system.operator.settings) as operator:
        yield replace(system, operator=operator)


def oauth_client(name: str) -> JsonObject:
    return {
        "apiVersion": API_VERSION,
        "kind": "OAuthClient",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "providerRef": {"kind": "ClusterOAuthProvider", "name": "main"},
            "clientMetadata": {
                "clientName": name,
                "redirectUris": [f"https://{name}.example.com/callback"],
                "grantTypes": ["authorization_code", "refresh_token"],
                "responseTypes": ["code"],
                "tokenEndpointAuthMethod": "client_secret_basic",
            },
        },
    }


def is_ready(client: JsonObject) -> bool:
    conditions = client.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _operator_settings(kubectl: Kubectl, directory: Path) -> DcrOperatorSettings:
    file = directory / "operator.kubeconfig"
    kubeconfig = operator_kubeconfig(kubectl, OPERATOR_NAMESPACE, file)
    return DcrOperatorSettings(directory, kubeconfig, OPERATOR_NAMESPACE)


def _provider(server: DcrServer) -> Iterator[JsonObject]:
    access = {"namespace": OPERATOR_NAMESPACE, "name": "main-access"}
    assert server.ca_file is not None
    data = {"token": server.mint_initial_access_token(), "ca.crt": server.ca_file.read_text()}
    yield {"apiVersion": "v1", "kind": "Secret", "metadata": access, "stringData": data}
    yield {
        "apiVersion": API_VERSION,
        "kind": "ClusterOAuthProvider",
        "metadata": {"name": "main"},
        "spec": {
            "issuer": server.issuer,
            "initialAccessToken": {"secretRef": {**access, "key": "token"}},
            "tls": {"caRef": {**access, "key": "ca.crt"}},
            "allowedNamespaces": {"names": [NAMESPACE]},
        },
    }
