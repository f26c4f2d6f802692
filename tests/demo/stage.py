"""Everything that has to run before the story: RBAC, a provider, the operator."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.demo.cluster import CannotRunError
from tests.demo.narration import Narration, check, wait_until
from tests.demo.provider import PROVIDERS, DemoProvider
from tests.demo.story import Stage
from tests.processes.child_process import ChildProcess
from tests.processes.dcr_operator import DcrOperatorSettings, start_dcr_operator
from tests.processes.installation import (
    CRDS,
    install,
    namespace_object,
    operator_kubeconfig,
    uninstall,
)
from tests.processes.kubectl import JsonObject, Kubectl, KubectlError
from tests.processes.registered_client import ProviderClient

OPERATOR_NAMESPACE = "dcr-system"
TENANT_NAMESPACE = "dcr-demo"
PROVIDER_NAME = "main"
_ACCESS = "demo-provider"
_READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Backstage:
    """What setting the stage needs: where to install, what to stop at the end."""

    narration: Narration
    kubectl: Kubectl
    directory: Path
    running: ExitStack
    keep: bool

    def takes_over(self, process: ChildProcess) -> None:
        """Stop the process at the end, and show its log if a step fails."""
        self.narration.processes.append(process)
        self.running.callback(lambda: process.stop() if process.running else None)
        self.narration.show(f"{process.name} runs as process {process.pid}, log: {process.log}")


def check_free(kubectl: Kubectl) -> None:
    """Keep off a cluster where a demo, or somebody's real installation, is running."""
    try:
        found = kubectl.get("clusteroauthprovider", PROVIDER_NAME)
    except KubectlError:
        return  # no CRDs yet
    if found:
        raise CannotRunError(
            f"ClusterOAuthProvider {PROVIDER_NAME} exists in this cluster already, for"
            f" {found['spec']['issuer']}: choose another CLUSTER; or if a demo with KEEP=1 left"
            f" it, stop that and take away what it made: {'; '.join(clean_up_commands())}"
        )


def set_stage(backstage: Backstage, provider_title: str) -> Stage:
    narration, kubectl = backstage.narration, backstage.kubectl
    with narration.step("Install the CRDs and the RBAC of the chart"):
        install(kubectl, OPERATOR_NAMESPACE)
        kubectl.apply(namespace_object(TENANT_NAMESPACE))
        narration.show(kubectl.run("api-resources", "--api-group=dcr-operator.dev"))
    with narration.step(f"Start the provider: {provider_title}"):
        provider = PROVIDERS[provider_title](backstage.directory, keep=backstage.keep)
        backstage.takes_over(provider.process)
        narration.show(f"issuer: {provider.issuer}")
    with narration.step("Start the operator under its own ServiceAccount"):
        _start_operator(backstage)
    with narration.step("Tell the operator about the provider"):
        _introduce(backstage, provider)
    return Stage(
        narration=narration,
        kubectl=kubectl,
        provider=ProviderClient(provider.ca_file),
        namespace=TENANT_NAMESPACE,
        operator_namespace=OPERATOR_NAMESPACE,
    )


def check_rights(backstage: Backstage) -> None:
    """See that the rights the chart gives the operator were enough for the whole story."""
    logs = "\n".join(process.log_text() for process in backstage.narration.processes)
    refused = [line for line in logs.splitlines() if "forbidden" in line.lower()]
    check("no request of the operator refused by RBAC", "\n".join(refused), holds=not refused)


def clean_up_commands() -> tuple[str, ...]:
    """Return what `clear_stage` does, for people to run here while the operator still runs."""
    delete = "kubectl delete --ignore-not-found"
    render = f".venv/bin/python -m tests.chart.render {OPERATOR_NAMESPACE}"
    return (
        f"{delete} clusteroauthprovider {PROVIDER_NAME}",
        f"{delete} namespace {TENANT_NAMESPACE}",
        f"{delete} -f {CRDS}",
        f"{render} | {delete} -f -",
        f"{delete} namespace {OPERATOR_NAMESPACE}",
    )


def clear_stage(backstage: Backstage) -> None:
    """Take everything out of a cluster that goes on without us; the operator still runs."""
    kubectl = backstage.kubectl
    for kind, name in (("clusteroauthprovider", PROVIDER_NAME), ("namespace", TENANT_NAMESPACE)):
        kubectl.run("delete", kind, name, "--ignore-not-found", "--timeout=60s")
    uninstall(kubectl, OPERATOR_NAMESPACE)


def _start_operator(backstage: Backstage) -> None:
    file = backstage.directory / "operator.kubeconfig"
    kubeconfig = operator_kubeconfig(backstage.kubectl, OPERATOR_NAMESPACE, file)
    settings = DcrOperatorSettings(backstage.directory, kubeconfig, OPERATOR_NAMESPACE)
    operator = start_dcr_operator(settings, outlives_parent=backstage.keep)
    backstage.takes_over(operator.process)


def _introduce(backstage: Backstage, provider: DemoProvider) -> None:
    backstage.kubectl.apply(_access(provider), cluster_oauth_provider(provider))
    shown = ("get", "clusteroauthproviders")
    wait_until(
        f"ClusterOAuthProvider {PROVIDER_NAME} Ready",
        lambda: backstage.kubectl.get("clusteroauthprovider", PROVIDER_NAME) or {},
        _is_ready,
        seconds=_READY_SECONDS,
    )
    backstage.narration.show(f"$ kubectl {' '.join(shown)}")
    backstage.narration.show(backstage.kubectl.run(*shown))


def _access(provider: DemoProvider) -> JsonObject:
    """Return what the operator needs to be let in, and to know whom it talks to."""
    data = {"token": provider.initial_access_token}
    if provider.ca_file:
        data["ca.crt"] = provider.ca_file.read_text(encoding="ascii")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": _ACCESS, "namespace": OPERATOR_NAMESPACE},
        "stringData": data,
    }


def cluster_oauth_provider(provider: DemoProvider) -> JsonObject:
    access = {"namespace": OPERATOR_NAMESPACE, "name": _ACCESS}
    spec: JsonObject = {
        "issuer": provider.issuer,
        "initialAccessToken": {"secretRef": {**access, "key": "token"}},
        "allowedNamespaces": {"names": [TENANT_NAMESPACE]},
    }
    if provider.ca_file:
        spec["tls"] = {"caRef": {**access, "key": "ca.crt"}}
    return {
        "apiVersion": "dcr-operator.dev/v1alpha1",
        "kind": "ClusterOAuthProvider",
        "metadata": {"name": PROVIDER_NAME},
        "spec": spec,
    }


def _is_ready(seen: JsonObject) -> bool:
    conditions = seen.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
