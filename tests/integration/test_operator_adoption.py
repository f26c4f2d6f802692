"""Adoption on the real API server: a client that our server has already is taken over, once."""

import httpx
import pytest

from tests.cluster.client import ApiError, JsonObject
from tests.integration.operator_stage import CLIENT, Tenant, ready
from tests.processes.registered_client import ProviderClient

pytestmark = pytest.mark.integration

ACCESS = "access-to-legacy"


def registered_by_hand(tenant: Tenant) -> JsonObject:
    """Register a client as somebody did before there was an operator."""
    discovery = f"{tenant.stage.server.issuer}/.well-known/oauth-authorization-server"
    token = tenant.stage.server.mint_initial_access_token()
    with httpx.Client(trust_env=False) as http:
        endpoint = http.get(discovery).json()["registration_endpoint"]
        answer = http.post(
            endpoint,
            json={"client_name": "legacy", "grant_types": ["client_credentials"]},
            headers={"Authorization": f"Bearer {token}"},
        )
    assert answer.status_code == 201
    given: JsonObject = answer.json()
    return given


def give_access(tenant: Tenant, given: JsonObject, **values: str) -> JsonObject:
    """Write the Secret; return the spec.adopt that refers to it."""
    keys = ("registration_access_token", "registration_client_uri", "client_secret")
    data = {key: given[key] for key in keys} | values
    metadata = {"name": ACCESS, "namespace": tenant.namespace}
    tenant.admin.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    )
    return {"clientId": given["client_id"], "registrationRef": {"name": ACCESS}}


def test_a_client_that_exists_keeps_its_credentials_and_becomes_what_is_declared(
    tenant: Tenant,
) -> None:
    given = registered_by_hand(tenant)
    tenant.apply_spec("app", adopt=give_access(tenant, given))
    client = tenant.wait_until_ready("app")
    assert client["status"]["clientId"] == given["client_id"]
    assert client["status"]["registeredMetadata"]["client_name"] == f"{tenant.namespace}-app"
    credentials = tenant.credentials("app")
    assert credentials.client_secret == given["client_secret"]
    assert ProviderClient().token(credentials).status_code == 200
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 1
    tenant.delete("app")
    tenant.wait_until_gone("app")
    assert ProviderClient().token(credentials).status_code == 401


def test_an_access_that_is_wrong_refuses_until_it_is_corrected(tenant: Tenant) -> None:
    given = registered_by_hand(tenant)
    adopt = give_access(tenant, given, registration_access_token="guessed")
    tenant.apply_spec("app", adopt=adopt)
    tenant.wait_for_reason("app", "AdoptionRefused")
    assert tenant.admin.get("v1/Secret", tenant.namespace, "app") is None
    give_access(tenant, given)
    annotations = {"dcr-operator.dev/reconcile-requested-at": "now"}
    patch = {"metadata": {"annotations": annotations}}
    tenant.admin.patch(CLIENT, tenant.namespace, "app", patch)
    tenant.wait_until_ready("app")


def test_a_uri_of_another_host_gets_no_request(tenant: Tenant) -> None:
    given = registered_by_hand(tenant)
    uri = "https://192.0.2.1/connect/register/x"
    tenant.apply_spec("app", adopt=give_access(tenant, given, registration_client_uri=uri))
    found = tenant.wait_for_reason("app", "AdoptionRefused")
    assert "is not the provider's" in ready(found)["message"]


def test_a_client_is_adopted_once(tenant: Tenant) -> None:
    adopt = give_access(tenant, registered_by_hand(tenant))
    tenant.apply_spec("app", adopt=adopt)
    tenant.wait_until_ready("app")
    tenant.apply_spec("second", adopt=adopt)
    found = tenant.wait_for_reason("second", "AdoptionRefused")
    assert "is on record for another OAuthClient" in ready(found)["message"]
    tenant.delete("second")
    tenant.wait_until_gone("second")
    assert ProviderClient().token(tenant.credentials("app")).status_code == 200


def test_adopt_is_written_once(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    adopt = {"clientId": "x", "registrationRef": {"name": ACCESS}}
    with pytest.raises(ApiError, match="adopt cannot be added"):
        tenant.admin.patch(CLIENT, tenant.namespace, "app", {"spec": {"adopt": adopt}})
