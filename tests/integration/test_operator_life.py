"""The life of a client: applied, edited, deleted; what it costs; what is restored."""

import base64

import pytest

from tests.integration.operator_stage import (
    CLIENT,
    Stage,
    Tenant,
    is_ready,
    record,
)
from tests.processes.registered_client import ProviderClient, claims

pytestmark = pytest.mark.integration
STAGE = {"resync": "2s"}

# Events and the provider's count of clients are counted apart; the Lease is no client's.
COUNTED = frozenset({"oauthclients", "secrets"})


def writes(stage: Stage, mark: int) -> list[str]:
    found = stage.audit.writes(mark, user=stage.user)
    return [
        f"{one.verb} {one.resource}/{one.subresource}" for one in found if one.resource in COUNTED
    ]


def test_the_credentials_in_the_secret_get_a_token(tenant: Tenant) -> None:
    tenant.apply("app")
    client = tenant.wait_until_ready("app")
    credentials = tenant.credentials("app")
    answer = ProviderClient().token(credentials)
    assert answer.status_code == 200
    assert claims(answer.json()["access_token"])["client_id"] == client["status"]["clientId"]
    assert tenant.wait_for_event("Ready")["regarding"]["name"] == "app"


def test_the_registration_access_token_is_in_the_record_alone(tenant: Tenant) -> None:
    tenant.apply("app")
    client = tenant.wait_until_ready("app")
    held = record(tenant.stage, client)
    assert held is not None
    token = held["registration"]["registration_access_token"]
    secret = tenant.wait_for_secret("app")
    values = [base64.b64decode(value).decode() for value in secret["data"].values()]
    assert token not in values
    assert token not in tenant.stage.operator.process.log_text()
    assert token not in str(client)
    assert tenant.credentials("app").client_secret not in tenant.stage.operator.process.log_text()


def test_creating_a_client_takes_five_writes(tenant: Tenant) -> None:
    mark = tenant.stage.audit.mark()
    tenant.apply("app")
    tenant.wait_until_ready("app")
    assert writes(tenant.stage, mark) == [
        "patch oauthclients/",
        "create secrets/",
        "update secrets/",
        "create secrets/",
        "patch oauthclients/status",
    ]


def test_updating_a_client_takes_at_most_four_writes(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    mark = tenant.stage.audit.mark()
    tenant.apply("app", clientName="renamed")
    tenant.wait_until_ready("app", 2)
    assert len(writes(tenant.stage, mark)) <= 4


def test_a_steady_client_is_never_written_to(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    mark = tenant.stage.audit.mark()
    before = tenant.stage.requests_to_providers("read")
    tenant.stage.operator.process.wait_for(
        lambda: (tenant.stage.requests_to_providers("read") >= before + 3) or None,
        "three resyncs",
    )
    assert writes(tenant.stage, mark) == []


def test_an_edit_follows_by_put_with_the_same_credentials(tenant: Tenant) -> None:
    tenant.apply("app")
    before = tenant.wait_until_ready("app")
    credentials = tenant.credentials("app")
    tenant.apply("app", clientName="renamed")
    after = tenant.wait_until_ready("app", 2)
    assert after["status"]["clientId"] == before["status"]["clientId"]
    assert after["status"]["registeredMetadata"]["client_name"] == "renamed"
    assert tenant.credentials("app") == credentials
    assert tenant.stage.clients_at_server("renamed") == 1


def test_a_deletion_leaves_nothing_at_provider_and_cluster(tenant: Tenant) -> None:
    tenant.apply("app")
    client = tenant.wait_until_ready("app")
    credentials = tenant.credentials("app")
    tenant.delete("app")
    tenant.wait_until_gone("app")
    assert ProviderClient().token(credentials).status_code == 401
    assert tenant.admin.get("v1/Secret", tenant.namespace, "app") is None
    assert record(tenant.stage, client) is None


def test_a_deleted_secret_is_restored_with_the_same_credentials(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    before = tenant.wait_for_secret("app")
    tenant.admin.delete("v1/Secret", tenant.namespace, "app")
    after = tenant.wait_for_secret(
        "app", lambda seen: seen["metadata"]["uid"] != before["metadata"]["uid"]
    )
    assert after["data"] == before["data"]


def test_an_edited_secret_is_restored_and_keys_of_others_stay(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    before = tenant.wait_for_secret("app")["data"]
    wrong = base64.b64encode(b"wrong").decode()
    tenant.admin.patch(
        "v1/Secret", tenant.namespace, "app", {"data": {"client_secret": wrong, "theirs": wrong}}
    )
    after = tenant.wait_for_secret("app", lambda seen: seen["data"]["client_secret"] != wrong)
    assert after["data"] == before | {"theirs": wrong}


def test_a_recreated_client_is_another_client(tenant: Tenant) -> None:
    tenant.apply("app")
    first = tenant.wait_until_ready("app")
    tenant.delete("app")
    tenant.wait_until_gone("app")
    tenant.apply("app")
    second = tenant.wait_until_ready("app")
    assert second["status"]["clientId"] != first["status"]["clientId"]
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 1


def test_many_clients_at_once_all_get_ready(tenant: Tenant) -> None:
    names = [f"app-{number}" for number in range(20)]
    for name in names:
        tenant.apply(name)
    found = [tenant.wait(name, is_ready) for name in names]
    assert len({client["status"]["clientId"] for client in found}) == len(names)
    count = len(tenant.admin.list(CLIENT, tenant.namespace))
    assert count == len(names)
