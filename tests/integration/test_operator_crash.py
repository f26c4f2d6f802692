"""The operator is killed at any moment: what it began is brought to its end, once.

kill -9 as soon as the test sees a step on the API server. Every call before and after which
a crash may come is gone through by the unit tests; here the process and its start are real.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.client import JsonObject, KubernetesClient
from tests.cluster.starting import Cluster
from tests.integration.operator_stage import (
    CLIENT,
    SECONDS,
    Stage,
    Tenant,
    decoded_record,
    is_ready,
    new_tenant,
    raised_stage,
    record,
)
from tests.processes.registered_client import ProviderClient

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, admin: KubernetesClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    # Without a Lease: who comes next need not wait until that of the dead one has run out.
    with raised_stage(
        cluster, admin, tmp_path_factory.mktemp("stage"), leader_election="false"
    ) as stage:
        yield stage


@pytest.fixture
def tenant(stage: Stage) -> Iterator[Tenant]:
    with new_tenant(stage) as tenant:
        yield tenant


def kill_when(tenant: Tenant, name: str, seen: Callable[[JsonObject | None], object]) -> None:
    tenant.admin.wait_for(CLIENT, tenant.namespace, name, seen, deadline=SECONDS)
    tenant.stage.operator.kill_9()


def wait_for_record(
    tenant: Tenant, client: JsonObject, seen: Callable[[JsonObject], object]
) -> None:
    name = f"oauthclient-{client['metadata']['uid']}"

    def found(secret: JsonObject | None) -> object:
        # The one of the moment that woke us: a fresh one may be steps ahead.
        return secret is not None and seen(decoded_record(secret))

    tenant.admin.wait_for("v1/Secret", tenant.stage.namespace, name, found, deadline=SECONDS)


def records_version(tenant: Tenant) -> str:
    secrets = tenant.admin.path("v1/Secret", tenant.stage.namespace)
    return str(tenant.admin.request("GET", secrets)["metadata"]["resourceVersion"])


def wait_for_an_intent(tenant: Tenant, client: JsonObject, *, since: str) -> None:
    """An intent is open for milliseconds: the watch must begin before what opens it."""
    for event in tenant.admin.watch(
        "v1/Secret",
        tenant.stage.namespace,
        resource_version=since,
        until=time.monotonic() + SECONDS,
        field_selector=f"metadata.name=oauthclient-{client['metadata']['uid']}",
    ):
        if decoded_record(event.object).get("intent"):
            return
    raise AssertionError("no intent was written")


def after_the_finalizer(tenant: Tenant, client: JsonObject) -> None:
    tenant.wait(client["metadata"]["name"], lambda seen: seen["metadata"].get("finalizers"))


def after_the_intent(tenant: Tenant, client: JsonObject) -> None:
    wait_for_record(tenant, client, lambda _: True)


def after_the_registration(tenant: Tenant, client: JsonObject) -> None:
    wait_for_record(tenant, client, lambda held: held.get("registration"))


def after_the_secret(tenant: Tenant, client: JsonObject) -> None:
    tenant.wait_for_secret(client["metadata"]["name"])


def one_client_whose_credentials_work(tenant: Tenant, name: str) -> None:
    assert ProviderClient().token(tenant.credentials(name)).status_code == 200
    client = tenant.admin.get(CLIENT, tenant.namespace, name)
    assert client is not None
    assert tenant.credentials(name).client_id == client["status"]["clientId"]


@pytest.mark.parametrize(
    "moment",
    [after_the_finalizer, after_the_intent, after_the_registration, after_the_secret],
)
def test_killed_while_it_registers(
    tenant: Tenant, moment: Callable[[Tenant, JsonObject], None]
) -> None:
    tenant.apply("app")
    client = tenant.wait("app", bool)
    moment(tenant, client)
    tenant.stage.operator.kill_9()
    tenant.stage.restart_operator()
    tenant.wait_until_ready("app")
    one_client_whose_credentials_work(tenant, "app")
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 1


def test_killed_while_it_updates(tenant: Tenant) -> None:
    tenant.apply("app")
    client = tenant.wait_until_ready("app")
    since = records_version(tenant)
    tenant.apply("app", clientName=f"{tenant.namespace}-renamed")
    wait_for_an_intent(tenant, client, since=since)
    tenant.stage.operator.kill_9()
    tenant.stage.restart_operator()
    after = tenant.wait_until_ready("app", 2)
    assert after["status"]["clientId"] == client["status"]["clientId"]
    one_client_whose_credentials_work(tenant, "app")
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-renamed") == 1
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 0


def test_killed_while_it_unregisters(tenant: Tenant) -> None:
    tenant.apply("app")
    client = tenant.wait_until_ready("app")
    tenant.delete("app")
    kill_when(tenant, "app", lambda seen: seen is None or seen["metadata"].get("deletionTimestamp"))
    tenant.stage.restart_operator()
    tenant.wait_until_gone("app")
    assert record(tenant.stage, client) is None
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 0


def test_deleted_while_no_operator_runs(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    tenant.stage.operator.kill_9()
    tenant.delete("app")
    tenant.stage.restart_operator()
    tenant.wait_until_gone("app")
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 0


def test_killed_over_and_over_under_load(tenant: Tenant) -> None:
    names = [f"app-{number}" for number in range(12)]
    for name in names:
        tenant.apply(name)
    for name in names[::4]:
        tenant.wait(name, lambda seen: seen["metadata"].get("finalizers"))
        tenant.stage.operator.kill_9()
        tenant.stage.restart_operator()
    for name in names:
        tenant.wait(name, is_ready)
        one_client_whose_credentials_work(tenant, name)
        assert tenant.stage.clients_at_server(f"{tenant.namespace}-{name}") == 1
