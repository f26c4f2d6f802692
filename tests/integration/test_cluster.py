import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cluster.audit import AuditLog
from tests.cluster.binaries import kubectl
from tests.cluster.client import ApiError, ConditionNotMetError, JsonObject, KubernetesClient
from tests.cluster.kubeconfig import read_kubeconfig
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.processes import ProcessIdentity, identity, read_identity, wait_for_end
from tests.cluster.programs import KUBE_APISERVER
from tests.cluster.running import down, up
from tests.cluster.service_accounts import (
    service_account_access,
    write_service_account_kubeconfig,
)
from tests.cluster.starting import Cluster
from tests.cluster.supervisor import ControlPlaneFiles

pytestmark = pytest.mark.integration


def config_map(namespace: str, name: str, **metadata: object) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": namespace, "name": name, **metadata},
        "data": {"key": "value"},
    }


def service_account(namespace: str, name: str) -> JsonObject:
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def is_absent(seen: JsonObject | None) -> bool:
    return seen is None


def is_present(seen: JsonObject | None) -> bool:
    return seen is not None


def test_the_api_server_says_which_version_it_is(admin: KubernetesClient) -> None:
    assert admin.request("GET", "/version")["gitVersion"] == KUBE_APISERVER.version


def test_kubectl_reaches_the_cluster(cluster: Cluster) -> None:
    command = [str(kubectl()), f"--kubeconfig={cluster.kubeconfig}", "get", "--raw", "/readyz"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"ok"


def test_a_detached_cluster_is_started_once_and_repaired_when_half_dead(tmp_path: Path) -> None:
    files = ControlPlaneFiles(tmp_path / "detached")
    try:
        first = read_kubeconfig(up(files.directory).kubeconfig)
        supervisor = read_identity(files.supervisor)
        assert supervisor is not None
        assert read_kubeconfig(up(files.directory).kubeconfig) == first
        os.kill(etcd_of(supervisor).pid, signal.SIGKILL)
        assert wait_for_end(supervisor, 30)
        with up(files.directory).admin() as repaired:
            assert repaired.is_ready()
    finally:
        down(files.directory)
    assert not files.directory.exists()


def etcd_of(supervisor: ProcessIdentity) -> ProcessIdentity:
    children = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children").read_text()
    found = identity(int(children.split()[0]))
    assert found is not None
    return found


def test_a_new_namespace_gets_its_default_service_account(
    admin: KubernetesClient, namespace: str
) -> None:
    admin.wait_for("v1/ServiceAccount", namespace, "default", is_present)


def test_what_an_object_owns_goes_with_it(admin: KubernetesClient, namespace: str) -> None:
    owner = admin.create(config_map(namespace, "owner"))["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}
    admin.create(config_map(namespace, "owned", ownerReferences=[reference]))
    admin.delete("v1/ConfigMap", namespace, "owner")
    admin.wait_for("v1/ConfigMap", namespace, "owned", is_absent, deadline=30)


def test_a_namespace_goes_with_all_that_is_in_it(admin: KubernetesClient) -> None:
    with fresh_namespace(admin, "goes") as name:
        admin.create(config_map(name, "content"))
    admin.wait_for("v1/Namespace", None, name, is_absent, deadline=30)
    assert admin.get("v1/ConfigMap", name, "content") is None


def test_a_service_account_may_do_nothing_unless_a_role_says_so(
    admin: KubernetesClient, namespace: str
) -> None:
    admin.create(service_account(namespace, "powerless"))
    access = service_account_access(admin, namespace, "powerless")
    with KubernetesClient(access) as powerless, pytest.raises(ApiError) as refusal:
        powerless.list("v1/Secret", namespace)
    assert (refusal.value.status, refusal.value.reason) == (403, "Forbidden")


def test_a_role_allows_what_it_names(admin: KubernetesClient, namespace: str) -> None:
    admin.create(service_account(namespace, "reader"))
    rbac = "rbac.authorization.k8s.io"
    metadata = {"namespace": namespace, "name": "reader"}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    admin.create(role)
    admin.create(
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": "reader"}],
        }
    )
    admin.create(config_map(namespace, "readable"))
    access = service_account_access(admin, namespace, "reader")
    with KubernetesClient(access) as reader:
        assert reader.get("v1/ConfigMap", namespace, "readable") is not None


def test_a_kubeconfig_of_a_service_account_is_its_owner_s_alone(
    admin: KubernetesClient, namespace: str, tmp_path: Path
) -> None:
    admin.create(service_account(namespace, "someone"))
    path = tmp_path / "kubeconfig"
    write_service_account_kubeconfig(admin, namespace, "someone", path)
    assert path.stat().st_mode & 0o777 == 0o600
    with KubernetesClient(read_kubeconfig(path)) as someone:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = someone.create(review | {"metadata": {}})
    assert answer["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:someone"


def test_the_audit_log_counts_the_writes_of_one_user(
    admin: KubernetesClient, namespace: str, audit_log: AuditLog
) -> None:
    mark = audit_log.mark()
    created = admin.create(config_map(namespace, "written"))
    admin.patch("v1/ConfigMap", namespace, "written", {"data": {"key": "other"}})
    admin.get("v1/ConfigMap", namespace, created["metadata"]["name"])
    verbs = [one.verb for one in audit_log.writes(mark, user="admin") if one.namespace == namespace]
    assert verbs == ["create", "patch"]


def test_the_audit_log_shows_refusals(
    admin: KubernetesClient, namespace: str, audit_log: AuditLog
) -> None:
    admin.create(service_account(namespace, "powerless"))
    access = service_account_access(admin, namespace, "powerless")
    mark = audit_log.mark()
    with KubernetesClient(access) as powerless, pytest.raises(ApiError):
        powerless.get("v1/Secret", namespace, "hidden")
    user = f"system:serviceaccount:{namespace}:powerless"
    assert [(one.resource, one.name) for one in audit_log.refusals(mark, user=user)] == [
        ("secrets", "hidden")
    ]


def test_applying_twice_changes_nothing(admin: KubernetesClient, namespace: str) -> None:
    first = admin.apply(config_map(namespace, "applied"))
    second = admin.apply(config_map(namespace, "applied"))
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


def test_waiting_in_vain_says_what_was_seen_but_no_values(
    admin: KubernetesClient, namespace: str
) -> None:
    admin.create(config_map(namespace, "stays"))
    with pytest.raises(ConditionNotMetError, match='"data": \\["key"\\]') as failure:
        admin.wait_for("v1/ConfigMap", namespace, "stays", is_absent, deadline=0.2)
    assert "value" not in str(failure.value)
