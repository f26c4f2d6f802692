"""What a team's Secret holds and when: presets, own keys, templates, types, and suspension."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from tests.cluster.client import JsonObject
from tests.fakes.statement_signer import StatementSigner
from tests.integration.operator_stage import (
    API_VERSION,
    CLIENT,
    Stage,
    Tenant,
    new_tenant,
    ready,
)
from tests.integration.workloads import apply_workload, rollouts
from tests.processes.dcr_server import DcrServer, DcrServerSettings, running_dcr_server
from tests.processes.registered_client import Credentials, ProviderClient

pytestmark = pytest.mark.integration


def apply(tenant: Tenant, **spec: object) -> None:
    whole = {
        "providerRef": {"name": tenant.provider},
        "clientMetadata": {
            "clientName": f"{tenant.namespace}-app",
            "grantTypes": ["client_credentials"],
            "scope": "read write",
        },
    }
    tenant.admin.apply(
        {
            "apiVersion": API_VERSION,
            "kind": "OAuthClient",
            "metadata": {"name": "app", "namespace": tenant.namespace},
            "spec": whole | spec,
        }
    )


def decoded(secret: JsonObject) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def values(tenant: Tenant) -> dict[str, str]:
    return decoded(tenant.wait_for_secret("app"))


def generation(tenant: Tenant) -> int:
    found = tenant.admin.get(CLIENT, tenant.namespace, "app")
    assert found is not None
    return int(found["metadata"]["generation"])


def wait(tenant: Tenant, reason: str = "Ready") -> JsonObject:
    """Wait until status is about the spec of the moment."""
    wanted = generation(tenant)
    return tenant.wait(
        "app",
        lambda found: (
            ready(found).get("reason") == reason and found["status"]["observedGeneration"] == wanted
        ),
    )


KEYS_OF_PRESETS = [
    ("OAuth2Proxy", "OAUTH2_PROXY_CLIENT_ID", "OAUTH2_PROXY_CLIENT_SECRET"),
    ("EnvoyGateway", "client-id", "client-secret"),
    (
        "SpringBoot",
        "spring.security.oauth2.client.registration.app.client-id",
        "spring.security.oauth2.client.registration.app.client-secret",
    ),
    ("ArgoCD", "oidc.clientID", "oidc.clientSecret"),
    ("Grafana", "GF_AUTH_GENERIC_OAUTH_CLIENT_ID", "GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET"),
    ("Default", "client_id", "client_secret"),
]


def test_the_credentials_under_the_keys_of_every_preset_get_a_token(tenant: Tenant) -> None:
    apply(tenant)
    wait(tenant)
    issuer = tenant.stage.server.issuer
    endpoint = values(tenant)["token_endpoint"]
    for preset, client_id, client_secret in KEYS_OF_PRESETS:
        apply(tenant, secret={"preset": preset})
        wait(tenant)
        held = values(tenant)
        credentials = Credentials(held[client_id], held[client_secret], issuer, endpoint)
        assert ProviderClient().token(credentials).status_code == 200


def test_the_files_hold_the_credentials(tenant: Tenant) -> None:
    apply(tenant)
    wait(tenant)
    before = values(tenant)
    apply(tenant, secret={"preset": "Json"})
    wait(tenant)
    document = json.loads(values(tenant)["oauth-client.json"])
    assert {name: str(value) for name, value in document.items()} == before
    apply(tenant, secret={"preset": "EnvFile"})
    wait(tenant)
    lines = values(tenant)["oauth-client.env"].splitlines()
    assert f"OAUTH_CLIENT_SECRET='{before['client_secret']}'" in lines


def test_own_keys_templates_and_the_type_make_up_the_secret(tenant: Tenant) -> None:
    apply(
        tenant,
        secret={
            "name": "other",
            "type": "kubernetes.io/basic-auth",
            "labels": {"team": "a"},
            "annotations": {"note": "x"},
            "keys": {"client_id": "OAUTH_ID"},
            "template": {"config.ini": "id=${client_id}\nsecret=${client_secret|json}\n"},
        },
    )
    status = wait(tenant)["status"]
    secret = tenant.wait_for_secret("other")
    held = decoded(secret)
    assert status["secretName"] == "other"
    assert "client_id" not in held
    assert held["OAUTH_ID"] == held["username"] == status["clientId"]
    assert held["password"] == held["client_secret"]
    written = json.dumps(held["client_secret"])
    assert held["config.ini"] == f"id={status['clientId']}\nsecret={written}\n"
    assert secret["type"] == "kubernetes.io/basic-auth"
    assert secret["metadata"]["labels"]["team"] == "a"
    assert secret["metadata"]["annotations"]["note"] == "x"


def test_a_template_that_reaches_for_more_is_refused_before_anything_is_registered(
    tenant: Tenant,
) -> None:
    apply(tenant, secret={"template": {"all": "${registration_access_token}"}})
    seen = wait(tenant, "TemplateInvalid")
    assert "these are: client_id, client_secret" in ready(seen)["message"]
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 0
    apply(tenant)
    wait(tenant)


def test_the_label_of_a_preset_comes_and_goes_with_it(tenant: Tenant) -> None:
    apply(tenant, secret={"preset": "ArgoCD"})
    wait(tenant)
    label = "app.kubernetes.io/part-of"
    assert tenant.wait_for_secret("app")["metadata"]["labels"][label] == "argocd"
    apply(tenant)
    wait(tenant)
    assert label not in tenant.wait_for_secret("app")["metadata"]["labels"]


def test_a_suspended_client_is_left_alone_and_goes_on_when_resumed(tenant: Tenant) -> None:
    apply(tenant)
    wait(tenant)
    before = values(tenant)
    renamed = {"clientName": f"{tenant.namespace}-renamed", "grantTypes": ["client_credentials"]}
    apply(tenant, suspend=True, clientMetadata=renamed)
    seen = wait(tenant, "Suspended")
    assert ready(seen)["status"] == "False"
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-renamed") == 0
    assert values(tenant) == before
    apply(tenant, clientMetadata=renamed)
    wait(tenant)
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-renamed") == 1
    apply(tenant, suspend=True, clientMetadata=renamed)
    assert ready(wait(tenant, "Suspended"))["status"] == "True"
    tenant.delete("app")
    tenant.wait_until_gone("app")
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-renamed") == 0


@pytest.fixture(scope="module")
def signer() -> StatementSigner:
    return StatementSigner()


@pytest.fixture(scope="module")
def strict_server(
    signer: StatementSigner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DcrServer]:
    """A server that registers nobody without a software statement of the signer."""
    directory = tmp_path_factory.mktemp("strict-server")
    policy = {
        "grant_types": ["client_credentials"],
        "response_types": [],
        "token_endpoint_auth_methods": ["client_secret_basic"],
        "redirect_uris": [],
        "scopes": ["*"],
        "software_statement": "required",
        "statement_issuers": [signer.issuer],
        "secret_lifetime": "30d",
    }
    keys = str(signer.write_jwks(directory / "statements.jwks.json"))
    configuration = {
        "policies": {"default": policy},
        "statement_issuers": {signer.issuer: {"jwks_file": keys}},
    }
    file = directory / "config.yaml"
    file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    settings = DcrServerSettings(directory, extra={"DCR_SERVER_CONFIG": str(file)})
    with running_dcr_server(settings) as server:
        yield server


def put_statement(tenant: Tenant, statement: str) -> None:
    metadata = {"name": "statement", "namespace": tenant.namespace}
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    tenant.admin.apply({**manifest, "stringData": {"jwt": f"{statement}\n"}})


def test_a_software_statement_registers_and_another_one_follows_by_put(
    tenant: Tenant, strict_server: DcrServer, signer: StatementSigner
) -> None:
    tenant.apply_token(strict_server.mint_initial_access_token())
    tenant.replace_provider(issuer=strict_server.issuer)
    apply(tenant, softwareStatementRef={"name": "statement", "key": "jwt"})
    assert "Secret" in ready(wait(tenant, "SoftwareStatementMissing"))["message"]
    first, second = (signer.statement(iat=None, software_id=name) for name in ("one", "two"))
    put_statement(tenant, first)
    before = wait(tenant)["status"]
    assert before["registeredMetadata"]["software_id"] == "one"
    expires = datetime.fromisoformat(before["clientSecretExpiresAt"])
    assert expires - datetime.fromisoformat(before["clientIdIssuedAt"]) == timedelta(days=30)
    put_statement(tenant, second)
    asked = {"dcr-operator.dev/reconcile-requested-at": "now"}
    tenant.admin.patch(CLIENT, tenant.namespace, "app", {"metadata": {"annotations": asked}})
    after = tenant.wait(
        "app", lambda seen: seen["status"]["registeredMetadata"].get("software_id") == "two"
    )
    assert after["status"]["clientId"] == before["clientId"]
    shown = f"{after} {tenant.stage.operator.process.log_text()}"
    assert not [text for text in (first, second) if text in shown]
    tenant.delete("app")
    tenant.wait_until_gone("app")


def test_status_tells_what_was_registered(tenant: Tenant) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    apply(tenant)
    status = wait(tenant)["status"]
    assert status["issuer"] == tenant.stage.server.issuer
    assert status["clientId"] == values(tenant)["client_id"]
    issued = datetime.fromisoformat(status["clientIdIssuedAt"])
    assert began.replace(microsecond=0) <= issued <= datetime.now(UTC)
    assert status["registrationClientUri"].startswith(tenant.stage.server.issuer)


def test_translations_and_members_without_a_field_reach_the_provider_and_come_back(
    tenant: Tenant,
) -> None:
    metadata = {
        "clientName": f"{tenant.namespace}-app",
        "grantTypes": ["client_credentials"],
        "localized": {"clientName": {"de": "Bericht", "pt-BR": "Relatório"}},
        "extra": {"tenant_of_ours": {"id": 1}},
    }
    apply(tenant, clientMetadata=metadata)
    status = wait(tenant)["status"]
    registered = status["registeredMetadata"]
    assert registered["client_name#de"] == "Bericht"
    assert registered["client_name#pt-BR"] == "Relatório"
    # RFC 7591 §2: our server drops what it does not know; that it was sent is told as drift.
    assert [each["member"] for each in status["drift"]] == ["tenant_of_ours"]
    del metadata["localized"]
    apply(tenant, clientMetadata=metadata)
    changed = wait(tenant)["status"]["registeredMetadata"]
    assert "client_name#de" not in changed


def test_without_the_right_of_the_chart_a_restart_is_told_and_no_failure(stage: Stage) -> None:
    with new_tenant(stage) as tenant:
        apply_workload(tenant, "Deployment", allows="app")
        apply(tenant)
        wait(tenant)
        restart = [{"kind": "Deployment", "name": "web"}]
        apply(tenant, rolloutRestart=restart, secret={"template": {"note": "x"}})
        (entry,) = wait(tenant)["status"]["rolloutRestarts"]
        assert "set rolloutRestart.enabled" in entry["message"]
        assert rollouts(tenant) == 0
