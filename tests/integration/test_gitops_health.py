"""What Flux and Argo CD see of a real life, from every version of the object that was stored."""

import threading
import time
from collections.abc import Iterator

import pytest

from tests.cluster.client import JsonObject, KubernetesClient
from tests.cluster.starting import Cluster
from tests.fakes.gitops import argo_health, kstatus
from tests.integration.operator_stage import (
    CLIENT,
    SECONDS,
    Stage,
    Tenant,
    new_tenant,
    raised_stage,
)
from tests.processes.registered_client import ProviderClient

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, admin: KubernetesClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with raised_stage(cluster, admin, tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
def tenant(stage: Stage) -> Iterator[Tenant]:
    with new_tenant(stage) as tenant:
        yield tenant


class Recorded:
    """Every version of the clients of a namespace, as a watch tells them."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self.versions: list[JsonObject] = []
        listed = tenant.admin.request("GET", tenant.admin.path(CLIENT, tenant.namespace))
        self._version = listed["metadata"]["resourceVersion"]
        self._told = threading.Condition()
        threading.Thread(target=self._follow, daemon=True).start()

    def wait_for(self, health: str, generation: int) -> None:
        """Wait until the last version is of this health and generation."""
        with self._told:
            assert self._told.wait_for(lambda: self._is(health, generation), SECONDS)

    def _is(self, health: str, generation: int) -> bool:
        if not self.versions:
            return False
        last = self.versions[-1]
        return last["metadata"]["generation"] == generation and argo_health(last)[0] == health

    def _follow(self) -> None:
        until = time.monotonic() + 4 * SECONDS
        for event in self._tenant.admin.watch(
            CLIENT, self._tenant.namespace, resource_version=self._version, until=until
        ):
            with self._told:
                self.versions.append(event.object)
                self._told.notify_all()
            if event.type == "DELETED":
                return


def shown(recorded: Recorded) -> list[tuple[int, str, str]]:
    """Return generation, kstatus and health of each version, without repetitions."""
    seen: list[tuple[int, str, str]] = []
    for one in recorded.versions:
        entry = (one["metadata"]["generation"], kstatus(one), argo_health(one)[0])
        if not seen or seen[-1] != entry:
            seen.append(entry)
    return seen


def test_a_life_is_progressing_until_the_credentials_work_and_never_goes_back(
    tenant: Tenant,
) -> None:
    recorded = Recorded(tenant)
    tenant.apply("app")
    recorded.wait_for("Healthy", 1)
    assert ProviderClient().token(tenant.credentials("app")).status_code == 200
    tenant.apply("app", clientName=f"{tenant.namespace}-app-renamed")
    recorded.wait_for("Healthy", 2)
    tenant.delete("app")
    tenant.wait_until_gone("app")
    life = [entry for entry in shown(recorded) if entry[1] != "Terminating"]
    assert life == [
        (1, "InProgress", "Progressing"),
        (1, "Current", "Healthy"),
        (2, "InProgress", "Progressing"),
        (2, "Current", "Healthy"),
    ]


def test_metadata_that_the_provider_refuses_has_failed_and_is_mended_by_an_edit(
    tenant: Tenant,
) -> None:
    recorded = Recorded(tenant)
    tenant.apply("app", grantTypes=["urn:example:unknown"])
    recorded.wait_for("Degraded", 1)
    assert kstatus(recorded.versions[-1]) == "Failed"
    tenant.apply("app")
    recorded.wait_for("Healthy", 2)


def test_a_namespace_that_is_not_allowed_is_tried_again_and_shown_as_degraded(
    tenant: Tenant,
) -> None:
    tenant.apply_provider(allowedNamespaces={"names": ["elsewhere"]})
    recorded = Recorded(tenant)
    tenant.apply("app")
    recorded.wait_for("Degraded", 1)
    assert kstatus(recorded.versions[-1]) == "InProgress"
    tenant.apply_provider()
    recorded.wait_for("Healthy", 1)


def test_the_operator_writes_no_spec_label_or_annotation_of_a_clients_object(
    tenant: Tenant,
) -> None:
    recorded = Recorded(tenant)
    tenant.apply("app")
    recorded.wait_for("Healthy", 1)
    first, last = recorded.versions[0], recorded.versions[-1]
    assert last["spec"] == first["spec"]
    for members in ("labels", "annotations"):
        assert last["metadata"].get(members) == first["metadata"].get(members)
    assert last["metadata"]["generation"] == 1
