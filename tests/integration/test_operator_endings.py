"""How clients end, and what is on record of them: namespaces, Retain, orphans, restores."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.client import JsonObject
from tests.cluster.starting import Cluster
from tests.integration.operator_stage import (
    CLIENT,
    Stage,
    Tenant,
    decoded_record,
    new_tenant,
    record,
)
from tests.processes.child_process import inherited_environment
from tests.processes.registered_client import Credentials, ProviderClient

pytestmark = pytest.mark.integration

PROGRAM = str(Path(sys.executable).with_name("dcr-operator"))


@pytest.fixture
def tenant(stage: Stage) -> Iterator[Tenant]:
    """A namespace that may lose our Role: the requests that are refused then are no failure."""
    with new_tenant(stage) as tenant:
        yield tenant


def command(cluster: Cluster, stage: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as an administrator does, away from the cluster."""
    return subprocess.run(
        [PROGRAM, *arguments, "-n", stage.namespace],
        env=inherited_environment() | {"KUBECONFIG": str(cluster.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def works(credentials: Credentials) -> bool:
    return ProviderClient().token(credentials).status_code == 200


def test_a_namespace_that_is_deleted_leaves_nothing(tenant: Tenant) -> None:
    tenant.apply("app")
    client = tenant.wait_until_ready("app")
    credentials = tenant.credentials("app")
    # The Secret goes first, in whatever order the namespace is emptied.
    tenant.admin.delete("v1/Secret", tenant.namespace, "app")
    tenant.admin.delete("v1/Namespace", None, tenant.namespace)
    tenant.admin.wait_for(
        "v1/Namespace", None, tenant.namespace, lambda seen: seen is None, deadline=60.0
    )
    assert not works(credentials)
    assert record(tenant.stage, client) is None


def test_a_namespace_that_loses_our_role_before_its_clients_can_go(tenant: Tenant) -> None:
    stage = tenant.stage
    tenant.apply("app")
    client = tenant.wait_until_ready("app")
    tenant.admin.delete("v1/Namespace", None, tenant.namespace)
    # Whatever the namespace is emptied of first: this is what it must not depend on.
    for kind in ("RoleBinding", "Role"):
        name = f"dcr-operator:{stage.namespace}"
        tenant.admin.delete(f"rbac.authorization.k8s.io/v1/{kind}", tenant.namespace, name)
    tenant.admin.wait_for(
        "v1/Namespace", None, tenant.namespace, lambda seen: seen is None, deadline=60.0
    )
    assert record(stage, client) is None
    assert stage.clients_at_server(f"{tenant.namespace}-app") == 0


def take_away(tenant: Tenant, name: str) -> None:
    """Have the object gone without the operator, as a deletion that overtakes its finalizer."""
    tenant.admin.patch(CLIENT, tenant.namespace, name, {"metadata": {"finalizers": None}})
    tenant.delete(name)
    tenant.wait_until_gone(name)


def wait_until_unregistered(tenant: Tenant, client: JsonObject) -> None:
    name = f"oauthclient-{client['metadata']['uid']}"
    tenant.admin.wait_for(
        "v1/Secret", tenant.stage.namespace, name, lambda seen: seen is None, deadline=60.0
    )
    shown = client["spec"]["clientMetadata"]["clientName"]
    assert tenant.stage.clients_at_server(shown) == 0


def suspended(tenant: Tenant, name: str) -> JsonObject:
    """Return a client whose finalizer is not put back at once when somebody takes it off."""
    tenant.apply(name)
    tenant.wait_until_ready(name)
    tenant.admin.patch(CLIENT, tenant.namespace, name, {"spec": {"suspend": True}})
    return tenant.wait_for_reason(name, "Suspended")


def test_a_client_whose_object_went_is_unregistered_by_its_record(tenant: Tenant) -> None:
    client = suspended(tenant, "app")
    take_away(tenant, "app")
    wait_until_unregistered(tenant, client)
    tenant.wait_for_event("Deleting")


def age(tenant: Tenant, client: JsonObject) -> None:
    """Have its registration be of last year."""
    name = f"oauthclient-{client['metadata']['uid']}"
    held = tenant.admin.get("v1/Secret", tenant.stage.namespace, name)
    assert held is not None
    changed = decoded_record(held) | {"began_at": "2025-01-01T00:00:00+00:00"}
    data = {"record.json": base64.b64encode(json.dumps(changed).encode()).decode()}
    tenant.admin.patch("v1/Secret", tenant.stage.namespace, name, {"data": data})


def test_a_start_unregisters_what_has_just_begun_and_lists_what_is_in_doubt(
    cluster: Cluster, tenant: Tenant
) -> None:
    stage = tenant.stage
    kept = retained(tenant, "kept")
    for name in ("young", "old"):
        tenant.apply(name)
    young, old = (tenant.wait_until_ready(name) for name in ("young", "old"))
    assert stage.operator.stop() == 0
    age(tenant, old)
    for name in ("young", "old"):
        take_away(tenant, name)
    stage.restart_operator()
    wait_until_unregistered(tenant, young)
    stage.operator.process.wait_for_log('"records compared"', seconds=90.0)
    assert record(stage, kept) is not None
    assert works(tenant.credentials("kept"))
    assert stage.clients_at_server(f"{tenant.namespace}-old") == 1
    listed = json.loads(command(cluster, stage, "orphans", "--output", "json").stdout)
    (one,) = [each for each in listed if each["namespace"] == tenant.namespace]
    assert (one["clientId"], one["cause"]) == (old["status"]["clientId"], "ResourceGone")
    unasked = command(cluster, stage, "orphans", "--delete", "--yes")
    assert "--resource-gone" in unasked.stderr
    assert stage.clients_at_server(f"{tenant.namespace}-old") == 1
    asked = command(cluster, stage, "orphans", "--delete", "--resource-gone", "--yes")
    assert f"{one['clientId']}: deleted\n" in asked.stdout, asked.stderr
    wait_until_unregistered(tenant, old)


def retained(tenant: Tenant, name: str = "app") -> JsonObject:
    tenant.apply_spec(name, deletionPolicy="Retain")
    client = tenant.wait_until_ready(name)
    tenant.delete(name)
    tenant.wait_until_gone(name)
    return client


def test_retaining_leaves_client_record_and_secret_and_takes_the_owner_off(
    tenant: Tenant,
) -> None:
    client = retained(tenant)
    secret = tenant.wait_for_secret("app")
    assert "ownerReferences" not in secret["metadata"]
    assert works(tenant.credentials("app"))
    held = record(tenant.stage, client)
    assert held is not None
    assert held["registration"]["client_id"] == client["status"]["clientId"]


def abandoned(tenant: Tenant) -> Credentials:
    """Have a client on record whose deletion nobody waited for."""
    client = retained(tenant)
    name = f"oauthclient-{client['metadata']['uid']}"
    held = tenant.admin.get("v1/Secret", tenant.stage.namespace, name)
    assert held is not None
    document = decoded_record(held)
    registration, provider = document["registration"], document["provider"]
    keys = ("registration_client_uri", "registration_access_token")
    orphan = {
        "cause": "Abandoned",
        "issuer": provider["connection"]["issuer"],
        "since": "2026-01-01T00:00:00+00:00",
        "client_id": registration["client_id"],
        "connection": provider["connection"],
        "management": [{key: registration[key] for key in keys}],
    }
    changed = json.dumps(document | {"registration": None, "orphans": [orphan]})
    data = {"record.json": base64.b64encode(changed.encode()).decode()}
    tenant.admin.patch("v1/Secret", tenant.stage.namespace, name, {"data": data})
    return tenant.credentials("app")


def test_orphans_are_listed_and_deleted_when_asked(cluster: Cluster, tenant: Tenant) -> None:
    credentials = abandoned(tenant)
    table = command(cluster, tenant.stage, "orphans")
    assert table.returncode == 0, table.stderr
    assert table.stdout.splitlines()[0].split()[:3] == ["NAMESPACE", "NAME", "CLIENT-ID"]
    listed = json.loads(command(cluster, tenant.stage, "orphans", "--output", "json").stdout)
    (one,) = [each for each in listed if each["clientId"] == credentials.client_id]
    assert (one["namespace"], one["removable"]) == (tenant.namespace, True)
    unasked = command(cluster, tenant.stage, "orphans", "--delete")
    assert unasked.returncode == 1
    assert works(credentials)
    done = command(cluster, tenant.stage, "orphans", "--delete", "--yes")
    assert (done.returncode, done.stdout) == (0, f"{credentials.client_id}: deleted\n"), done.stderr
    assert not works(credentials)
    after = command(cluster, tenant.stage, "orphans")
    assert after.stdout == "no orphans are on record\n"


def test_an_orphan_that_was_removed_by_hand_is_forgotten(cluster: Cluster, tenant: Tenant) -> None:
    credentials = abandoned(tenant)
    unknown = command(cluster, tenant.stage, "orphans", "--forget", "nobody")
    assert unknown.returncode == 1
    done = command(cluster, tenant.stage, "orphans", "--forget", credentials.client_id)
    assert done.returncode == 0, done.stderr
    assert command(cluster, tenant.stage, "orphans").stdout == "no orphans are on record\n"


def restore_with_new_uid(tenant: Tenant, client: JsonObject) -> None:
    """Lose the resource without a word to the operator, and make it again, as a restore does."""
    tenant.admin.patch(CLIENT, tenant.namespace, "app", {"metadata": {"finalizers": None}})
    # Orphaning keeps the garbage collector from its Secret, as a backup of that would restore it.
    path = tenant.admin.path(CLIENT, tenant.namespace, "app")
    tenant.admin.request("DELETE", path, query={"propagationPolicy": "Orphan"})
    tenant.wait_until_gone("app")
    metadata = {"name": "app", "namespace": tenant.namespace}
    kept = {key: client[key] for key in ("apiVersion", "kind", "spec")}
    tenant.admin.create({**kept, "metadata": metadata})


def test_a_restore_with_new_uids_keeps_registrations_by_rebinding_their_records(
    cluster: Cluster, tenant: Tenant
) -> None:
    stage = tenant.stage
    tenant.apply("app")
    client = tenant.wait_until_ready("app")
    credentials = tenant.credentials("app")
    running = command(cluster, stage, "records", "rebind", "--yes")
    assert running.returncode == 1
    assert "scale it to zero first" in running.stderr
    assert stage.operator.stop() == 0
    restore_with_new_uid(tenant, client)
    planned = command(cluster, stage, "records", "rebind", "--dry-run")
    assert f"{tenant.namespace}/app would be rebound" in planned.stdout, planned.stderr
    done = command(cluster, stage, "records", "rebind", "--yes")
    assert done.stdout == f"{tenant.namespace}/app rebound\n1 records rebound\n", done.stderr
    stage.restart_operator()
    after = tenant.wait_until_ready("app")
    assert after["metadata"]["uid"] != client["metadata"]["uid"]
    assert tenant.credentials("app") == credentials
    assert works(credentials)
    assert stage.clients_at_server(f"{tenant.namespace}-app") == 1
