"""How the operator starts and ends: one line when it cannot, one leader, an orderly stop."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.cluster.client import KubernetesClient
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.starting import Cluster
from tests.integration.operator_stage import Stage, new_tenant
from tests.processes.child_process import inherited_environment
from tests.processes.dcr_operator import DcrOperator, running_dcr_operator
from tests.processes.installation import install, operator_kubeconfig
from tests.processes.kubectl import Kubectl

pytestmark = pytest.mark.integration

PROGRAM = str(Path(sys.executable).with_name("dcr-operator"))


def run(kubeconfig: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {"KUBECONFIG": str(kubeconfig), "DCR_OPERATOR_LISTEN": "127.0.0.1:0"}
    return subprocess.run(
        [PROGRAM, "run"],
        env=inherited_environment() | settings | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_rights_it_says_so_in_one_line(
    cluster: Cluster, admin: KubernetesClient, tmp_path: Path
) -> None:
    kubectl = Kubectl(cluster.kubeconfig)
    with fresh_namespace(admin, "operator") as namespace:
        install(kubectl, namespace, operator={"watchNamespaces": [namespace]})
        kubeconfig = operator_kubeconfig(kubectl, namespace, tmp_path / "kubeconfig")
        done = run(kubeconfig, DCR_OPERATOR_NAMESPACE=namespace)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "secrets" in line
    assert "install the chart's RBAC" in line


def test_credentials_that_the_cluster_does_not_accept_are_told_in_one_line(
    cluster: Cluster, tmp_path: Path
) -> None:
    broken = tmp_path / "kubeconfig"
    text = cluster.kubeconfig.read_text("utf-8")
    token = Kubectl(cluster.kubeconfig).run(
        "config", "view", "--raw", "-o", "jsonpath={.users[0].user.token}"
    )
    broken.write_text(text.replace(token, "not-the-token"))
    done = run(broken)
    assert done.returncode == 1
    assert "does not accept our credentials" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_on_sigterm_it_ends_quickly_and_lets_the_lease_go(stage: Stage) -> None:
    wait_until_it_leads(stage.operator)
    assert stage.operator.stop() == 0
    lease = stage.admin.get("coordination.k8s.io/v1/Lease", stage.namespace, "dcr-operator")
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == ""
    stage.restart_operator()


def test_a_second_operator_stands_by_and_takes_over_at_once(stage: Stage, tmp_path: Path) -> None:
    settings = replace(stage.settings, directory=tmp_path)
    with running_dcr_operator(settings) as second, new_tenant(stage) as tenant:
        assert "standing by" in second.process.log_text()
        assert httpx.get(f"{second.url}/healthz", trust_env=False).status_code == 200
        assert leads(second.url) == 0.0
        assert stage.operator.stop() == 0
        wait_until_it_leads(second)
        tenant.apply("app")
        tenant.wait_until_ready("app")
        tenant.delete("app")
        tenant.wait_until_gone("app")
    stage.restart_operator()


def wait_until_it_leads(operator: DcrOperator) -> None:
    """Ready is also who stands by."""
    operator.process.wait_for(lambda: leads(operator.url) or None, "leadership")


def leads(url: str) -> float:
    for line in httpx.get(f"{url}/metrics", trust_env=False).text.splitlines():
        if line.startswith("leader_election_master_status{"):
            return float(line.rpartition(" ")[2])
    return 0.0


def test_a_taken_port_is_told_in_one_line(stage: Stage) -> None:
    taken = stage.operator.url.removeprefix("http://")
    done = run(
        stage.settings.kubeconfig, **(stage.settings.environment() | {"DCR_OPERATOR_LISTEN": taken})
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"dcr-operator: cannot listen on {taken}")
