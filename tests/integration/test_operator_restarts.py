"""Workloads start anew with other content of their Secret: once, where their owner allows it."""

from collections.abc import Iterator

import pytest

from tests.cluster.client import JsonObject, KubernetesClient
from tests.cluster.starting import Cluster
from tests.integration.operator_stage import CLIENT, Stage, Tenant, raised_stage
from tests.integration.workloads import RESTARTS, apply_workload, rollouts

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, admin: KubernetesClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("stage")
    with raised_stage(cluster, admin, directory, RESTARTS, resync="2s") as stage:
        yield stage


def patch(tenant: Tenant, **spec: object) -> None:
    restart = [{"kind": "Deployment", "name": "web"}]
    tenant.admin.patch(
        CLIENT, tenant.namespace, "app", {"spec": {"rolloutRestart": restart, **spec}}
    )


def note(text: str) -> JsonObject:
    return {"template": {"note": text}}


def entry(client: JsonObject) -> JsonObject:
    (found,) = client["status"]["rolloutRestarts"]
    return dict(found)


def wait_for_read(tenant: Tenant, times: int = 2) -> None:
    before = tenant.stage.requests_to_providers("read")
    tenant.stage.operator.process.wait_for(
        lambda: (tenant.stage.requests_to_providers("read") >= before + times) or None, "resyncs"
    )


def test_each_content_makes_one_rollout_over_resyncs_and_restarts(tenant: Tenant) -> None:
    apply_workload(tenant, "Deployment", allows="app")
    tenant.apply("app")
    tenant.wait_until_ready("app")
    patch(tenant)
    tenant.wait_until_ready("app", 2)
    first = rollouts(tenant)
    patch(tenant, secret=note("one"))
    tenant.wait_until_ready("app", 3)
    assert rollouts(tenant) == first + 1
    event = tenant.wait_for_event("RolloutRestarted")
    assert event["note"].startswith("Deployment web is restarted")
    wait_for_read(tenant)
    tenant.stage.operator.process.kill_9()
    tenant.stage.restart_operator()
    wait_for_read(tenant)
    assert rollouts(tenant) == first + 1
    patch(tenant, secret=note("two"))
    tenant.wait_until_ready("app", 4)
    assert rollouts(tenant) == first + 2


def test_a_workload_that_does_not_allow_it_is_told_in_status_and_left_alone(
    tenant: Tenant,
) -> None:
    apply_workload(tenant, "Deployment", allows="another")
    tenant.apply("app")
    tenant.wait_until_ready("app")
    patch(tenant, secret=note("one"))
    client = tenant.wait_until_ready("app", 2)
    assert "annotate it dcr-operator.dev/allow-restart: app" in entry(client)["message"]
    assert tenant.wait_for_event("RolloutRestartRefused")["regarding"]["name"] == "app"
    assert rollouts(tenant) == 0
    apply_workload(tenant, "Deployment", allows="another, app")
    tenant.wait("app", lambda seen: "contentHash" in entry(seen))
    # The generation of a Deployment counts changes of its own annotations too.
    assert rollouts(tenant) - 1 == 1


def test_a_workload_that_does_not_exist_is_no_failure(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    patch(tenant, secret=note("one"))
    client = tenant.wait_until_ready("app", 2)
    assert entry(client)["message"] == "Deployment web does not exist"
