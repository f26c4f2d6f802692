"""Providers on the real API server: the default one, what they allow, and how they end."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.cluster.client import JsonObject
from tests.integration.operator_stage import (
    API_VERSION,
    CLIENT,
    CLUSTER_PROVIDER,
    Stage,
    Tenant,
    ready,
    record,
)
from tests.processes.dcr_operator import running_dcr_operator
from tests.processes.dcr_server import DcrServer, DcrServerSettings, running_dcr_server

pytestmark = pytest.mark.integration
STAGE = {"resync": "2s"}

DEFAULT = "dcr-operator.dev/is-default-provider"


def make_default(tenant: Tenant, value: str | None = "true") -> None:
    patch = {"metadata": {"annotations": {DEFAULT: value}}}
    tenant.admin.patch(CLUSTER_PROVIDER, None, tenant.provider, patch)


def apply_without_reference(tenant: Tenant, name: str) -> JsonObject:
    wanted = {"clientName": f"{tenant.namespace}-{name}", "grantTypes": ["client_credentials"]}
    return tenant.admin.apply(
        {
            "apiVersion": API_VERSION,
            "kind": "OAuthClient",
            "metadata": {"name": name, "namespace": tenant.namespace},
            "spec": {"clientMetadata": wanted},
        }
    )


def test_a_client_that_names_no_provider_is_registered_at_the_default(tenant: Tenant) -> None:
    make_default(tenant)
    spec = apply_without_reference(tenant, "app")["spec"]
    client = tenant.wait_until_ready("app")
    pinned = {"kind": "ClusterOAuthProvider", "name": tenant.provider}
    assert client["status"]["providerRef"] == pinned
    assert client["spec"] == spec
    make_default(tenant, None)
    name = {"spec": {"clientMetadata": {"clientName": "renamed"}}}
    tenant.admin.patch(CLIENT, tenant.namespace, "app", name)
    assert tenant.wait_until_ready("app", 2)["status"]["providerRef"] == pinned


def test_without_exactly_one_default_the_client_says_so_and_waits(
    stage: Stage, tenant: Tenant, tmp_path: Path
) -> None:
    other = replace(tenant, provider=f"{tenant.provider}-other")
    other.apply_provider()
    # What names no provider is told by the operator without a class.
    extra = {**stage.settings.extra, "DCR_OPERATOR_LEADER_ELECTION": "false"}
    settings = replace(stage.settings, directory=tmp_path, operator_class="", extra=extra)
    with running_dcr_operator(settings):
        apply_without_reference(tenant, "app")
        tenant.wait_for_reason("app", "ProviderNotFound")
        make_default(tenant)
        tenant.wait_until_ready("app")
        make_default(other)
        apply_without_reference(tenant, "late")
        late = tenant.wait_for_reason("late", "DefaultProviderAmbiguous")
        assert other.provider in ready(late)["message"]
        make_default(other, None)
        tenant.wait_until_ready("late")
    tenant.admin.delete(CLUSTER_PROVIDER, None, other.provider)


@contextmanager
def server_that_forces(tmp_path: Path, **forced: object) -> Iterator[DcrServer]:
    policy = {
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_methods": ["client_secret_basic"],
        "forced": forced,
    }
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"policies": {"default": policy}}))
    settings = DcrServerSettings(tmp_path, extra={"DCR_SERVER_CONFIG": str(config)})
    with running_dcr_server(settings) as server:
        yield server


def test_what_the_policy_does_not_allow_is_not_sent_and_heals_by_itself(tenant: Tenant) -> None:
    tenant.apply_provider(clientPolicy={"grantTypes": ["authorization_code"]})
    tenant.apply("app")
    client = tenant.wait_for_reason("app", "PolicyDenied")
    assert "client_credentials is not among grantTypes" in ready(client)["message"]
    assert client["metadata"].get("finalizers") is None
    tenant.wait_for_event("PolicyDenied")
    tenant.apply_provider(clientPolicy={"grantTypes": ["client_credentials"]})
    tenant.wait_until_ready("app")


def test_a_policy_that_is_narrowed_takes_no_credentials_away(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    before = tenant.credentials("app")
    tenant.apply_provider(clientPolicy={"grantTypes": []})
    tenant.wait_for_reason("app", "PolicyDenied")
    assert tenant.credentials("app") == before
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 1


def test_what_the_provider_puts_in_force_beyond_the_policy_does_not_stay(
    tenant: Tenant, tmp_path: Path
) -> None:
    with server_that_forces(tmp_path, client_uri="https://evil.example.net/") as server:
        tenant.apply_token(server.mint_initial_access_token())
        policy = {"redirectUris": ["https://*.example.com/*"]}
        tenant.replace_provider(issuer=server.issuer, clientPolicy=policy)
        tenant.apply("app")
        client = tenant.wait_for_reason("app", "PolicyDenied")
        assert "client_uri: https://evil.example.net/" in ready(client)["message"]
        tenant.wait_for_event("PolicyDenied")
        assert clients_at(server) == 0
        assert tenant.admin.get("v1/Secret", tenant.namespace, "app") is None
        tenant.delete("app")
        tenant.wait_until_gone("app")


def clients_at(server: DcrServer) -> int:
    path = server.settings.directory / "dcr-server.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        (count,) = database.execute("SELECT count(*) FROM clients").fetchone()
    return int(count)


def wait_for_provider(tenant: Tenant, condition: Callable[[JsonObject], object]) -> JsonObject:
    seen = tenant.admin.wait_for(
        CLUSTER_PROVIDER,
        None,
        tenant.provider,
        lambda found: found is not None and condition(found),
        deadline=30.0,
    )
    assert seen is not None
    return seen


def is_held(provider: JsonObject) -> bool:
    return "dcr-operator.dev/in-use" in provider["metadata"].get("finalizers", ())


def test_a_provider_in_use_is_not_deleted_before_its_last_client(tenant: Tenant) -> None:
    tenant.apply("first")
    tenant.apply("second")
    for name in ("first", "second"):
        tenant.wait_until_ready(name)
    wait_for_provider(tenant, is_held)
    wait_for_provider(tenant, lambda seen: seen["status"].get("clients") == 2)
    tenant.admin.delete(CLUSTER_PROVIDER, None, tenant.provider)
    used = wait_for_provider(tenant, lambda seen: ready(seen).get("reason") == "InUse")
    assert f"{tenant.namespace}/first, {tenant.namespace}/second" in ready(used)["message"]
    tenant.apply("late")
    tenant.wait_for_reason("late", "ProviderNotFound")
    tenant.delete("first")
    tenant.wait_until_gone("first")
    assert tenant.admin.get(CLUSTER_PROVIDER, None, tenant.provider) is not None
    tenant.delete("second")
    tenant.wait_until_provider_gone()
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-second") == 0


def test_a_provider_is_let_go_when_its_last_client_is_to_be_kept(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    wait_for_provider(tenant, is_held)
    policy = {"spec": {"deletionPolicy": "Retain"}}
    tenant.admin.patch(CLIENT, tenant.namespace, "app", policy)
    wait_for_provider(tenant, lambda seen: not is_held(seen))


def test_a_provider_deleted_by_force_is_told_and_its_clients_are_unregistered(
    tenant: Tenant,
) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    wait_for_provider(tenant, is_held)
    tenant.admin.delete(CLUSTER_PROVIDER, None, tenant.provider)
    tenant.admin.patch(CLUSTER_PROVIDER, None, tenant.provider, {"metadata": {"finalizers": None}})
    tenant.wait_until_provider_gone()
    client = tenant.wait("app", lambda seen: provider_ready(seen) == "ProviderNotFound")
    assert ready(client)["status"] == "True"
    tenant.delete("app")
    tenant.wait_until_gone("app")
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 0


def provider_ready(client: JsonObject) -> str:
    conditions = client.get("status", {}).get("conditions", ())
    return next((str(one["reason"]) for one in conditions if one["type"] == "ProviderReady"), "")


def test_a_namespace_gets_as_many_clients_as_the_provider_allows(tenant: Tenant) -> None:
    tenant.apply_provider(clientPolicy={"maxClientsPerNamespace": 2})
    names = [f"app-{number}" for number in range(6)]
    for name in names:
        tenant.apply(name)
    seen = {
        name: tenant.wait(
            name, lambda found: ready(found).get("reason") in ("Ready", "ClientLimitReached")
        )
        for name in names
    }
    served = [name for name, found in seen.items() if ready(found)["reason"] == "Ready"]
    assert len(served) == 2
    assert sum(tenant.stage.clients_at_server(f"{tenant.namespace}-{each}") for each in names) == 2
    tenant.delete(served[0])
    tenant.wait_until_gone(served[0])
    waiting = [name for name in names if name not in served]
    tenant.apply_provider(clientPolicy={"maxClientsPerNamespace": 5})
    for name in waiting:
        tenant.wait_until_ready(name)


def edit_at_the_provider(tenant: Tenant, name: str, **members: object) -> JsonObject:
    """Change a registration as somebody at the provider would, past the operator."""
    client = tenant.admin.get(CLIENT, tenant.namespace, name)
    assert client is not None
    held = record(tenant.stage, client)
    assert held is not None
    registration = held["registration"]
    wanted = {
        "client_id": registration["client_id"],
        **{each: value for each, value in registration["metadata"].items() if "_uri" not in each},
    }
    answer = httpx.put(
        registration["registration_client_uri"],
        json={**wanted, **members},
        headers={"Authorization": f"Bearer {registration['registration_access_token']}"},
        trust_env=False,
    )
    assert answer.status_code == httpx.codes.OK, answer.text
    found: JsonObject = answer.json()
    return found


def name_at_the_provider(tenant: Tenant) -> str:
    path = tenant.stage.server.settings.directory / "dcr-server.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT metadata FROM clients").fetchall()
    names = [json.loads(row[0]).get("client_name", "") for row in rows]
    return next((each for each in names if tenant.namespace in each), "")


def test_an_edit_at_the_provider_is_told_and_put_back(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    updates = tenant.stage.requests_to_providers("update")
    changed = edit_at_the_provider(tenant, "app", client_name=f"{tenant.namespace}-edited")
    assert changed["client_name"] == f"{tenant.namespace}-edited"
    event = tenant.wait_for_event("DriftRepaired")
    assert event["note"].startswith("client_name differed at the provider")
    assert name_at_the_provider(tenant) == f"{tenant.namespace}-app"
    assert tenant.stage.requests_to_providers("update") == updates + 1
    client = tenant.wait_until_ready("app")
    assert "drift" not in client["status"]


def test_what_the_provider_always_changes_is_told_and_left_alone(
    tenant: Tenant, tmp_path: Path
) -> None:
    with server_that_forces(tmp_path, client_name="Forced") as server:
        tenant.apply_token(server.mint_initial_access_token())
        tenant.replace_provider(issuer=server.issuer)
        tenant.apply("app")
        client = tenant.wait_until_ready("app")
        (drift,) = client["status"]["drift"]
        assert drift["member"] == "client_name"
        updates = tenant.stage.requests_to_providers("update")
        reads = tenant.stage.requests_to_providers("read")
        ask = {"metadata": {"annotations": {"dcr-operator.dev/reconcile-requested-at": "now"}}}
        tenant.admin.patch(CLIENT, tenant.namespace, "app", ask)
        tenant.wait("app", lambda seen: seen["status"].get("lastHandledReconcileAt") == "now")
        assert tenant.stage.requests_to_providers("read") > reads
        assert tenant.stage.requests_to_providers("update") == updates
        tenant.delete("app")
        tenant.wait_until_gone("app")
