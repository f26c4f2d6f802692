"""The API server and etcd die and come back under an operator that goes on running.

A control plane of its own: that of the other tests must not be disturbed.
"""

import time
from collections.abc import Iterator
from functools import partial
from http.client import TOO_MANY_REQUESTS

import pytest

from tests.cluster.client import ApiError
from tests.cluster.programs import ETCD, KUBE_APISERVER, Program
from tests.cluster.running import own_cluster, restart
from tests.cluster.starting import LOOK_SECONDS, Cluster
from tests.integration.operator_stage import Stage, Tenant, is_ready, new_tenant, raised_stage
from tests.processes.registered_client import ProviderClient

pytestmark = pytest.mark.integration

MANY = 8
BACK = 90.0  # seconds: the operator's pauses grow while nobody answers


@pytest.fixture(scope="module")
def own(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    assert cluster.kubeconfig.exists()  # else its programs cannot be had at all
    with own_cluster(tmp_path_factory.mktemp("outage") / "control-plane") as own:
        yield own


@pytest.fixture(scope="module")
def stage(own: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    # Without a Lease: one that cannot be renewed ends the process, by design.
    with (
        own.admin() as admin,
        raised_stage(
            own, admin, tmp_path_factory.mktemp("stage"), leader_election="false"
        ) as stage,
    ):
        yield stage


@pytest.mark.parametrize("program", [KUBE_APISERVER, ETCD], ids=[KUBE_APISERVER.name, ETCD.name])
def test_what_was_begun_before_an_outage_is_brought_to_its_end(
    own: Cluster, stage: Stage, program: Program
) -> None:
    with new_tenant(stage) as tenant:
        tenant.apply("edited")
        tenant.apply("deleted")
        tenant.wait_until_ready("edited")
        tenant.wait_until_ready("deleted")
        for number in range(MANY):
            tenant.apply(f"app-{number}")
        tenant.apply("edited", clientName=f"{tenant.namespace}-new-name")
        tenant.delete("deleted")
        restart(own, program)
        apply_when_served(tenant, "afterwards")
        everything_has_converged(tenant)
        assert stage.operator.process.running
        assert "Traceback" not in stage.operator.process.log_text()


def apply_when_served(tenant: Tenant, name: str) -> None:
    """A start of the API server is ready before the storage of custom resources is."""
    ends = time.monotonic() + BACK
    while True:
        try:
            return tenant.apply(name)
        except ApiError as error:
            if error.status < TOO_MANY_REQUESTS or time.monotonic() > ends:
                raise
        time.sleep(LOOK_SECONDS)


def everything_has_converged(tenant: Tenant) -> None:
    names = {f"app-{number}": 1 for number in range(MANY)} | {"afterwards": 1, "edited": 2}
    for name, generation in names.items():
        tenant.wait(name, partial(is_ready, generation=generation), deadline=BACK)
    for name in names:
        assert ProviderClient().token(tenant.credentials(name)).status_code == 200
        shown = f"{tenant.namespace}-{'new-name' if name == 'edited' else name}"
        assert tenant.stage.clients_at_server(shown) == 1
    tenant.wait_until_gone("deleted")
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-deleted") == 0
