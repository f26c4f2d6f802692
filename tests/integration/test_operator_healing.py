"""Whatever is in the way is told on the resource, and heals by itself when the cause goes."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.integration.operator_stage import (
    Tenant,
    record,
)
from tests.processes.dcr_server import DcrServerSettings, running_dcr_server
from tests.processes.registered_client import Management, ProviderClient

pytestmark = pytest.mark.integration
STAGE = {"resync": "2s"}


def test_a_namespace_that_is_not_allowed_may_be_added(tenant: Tenant) -> None:
    tenant.apply_provider(allowedNamespaces={"names": ["another"]})
    tenant.apply("app")
    tenant.wait_for_reason("app", "NamespaceNotAllowed")
    tenant.wait_for_event("NamespaceNotAllowed")
    tenant.apply_provider(allowedNamespaces={"names": [tenant.namespace]})
    tenant.wait_until_ready("app")


def test_a_namespace_may_be_allowed_by_its_labels(tenant: Tenant) -> None:
    selector = {"matchLabels": {"oauth": tenant.namespace}}
    tenant.apply_provider(allowedNamespaces={"selector": selector})
    tenant.apply("app")
    tenant.wait_for_reason("app", "NamespaceNotAllowed")
    labels = {"metadata": {"labels": selector["matchLabels"]}}
    tenant.admin.patch("v1/Namespace", None, tenant.namespace, labels)
    tenant.wait_until_ready("app")


def test_a_provider_that_is_down_may_come_up(tenant: Tenant, tmp_path: Path) -> None:
    settings = DcrServerSettings(tmp_path)
    with running_dcr_server(settings) as server:
        tenant.apply_token(server.mint_initial_access_token())
    tenant.replace_provider(issuer=settings.issuer)
    tenant.apply("app")
    tenant.wait_for_reason("app", "ProviderUnavailable")
    tenant.wait_for_event("ProviderUnavailable")
    with running_dcr_server(settings):
        tenant.wait_until_ready("app")
        tenant.delete("app")
        tenant.wait_until_gone("app")


class _NotAProvider(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # http.server's name
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def web_server_without_discovery() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _NotAProvider) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_server_that_does_not_speak_the_protocol_is_named_as_such(tenant: Tenant) -> None:
    with web_server_without_discovery() as issuer:
        tenant.replace_provider(issuer=issuer)
        tenant.apply("app")
        tenant.wait_for_reason("app", "DiscoveryFailed")
        tenant.wait_for_event("DiscoveryFailed")


def test_a_missing_initial_access_token_may_come_later(tenant: Tenant) -> None:
    tenant.use_token(None)
    tenant.apply("app")
    tenant.wait_for_reason("app", "InitialAccessTokenMissing")
    tenant.apply_token(tenant.stage.server.mint_initial_access_token())
    tenant.wait_until_ready("app")


def test_a_wrong_initial_access_token_may_be_corrected(tenant: Tenant) -> None:
    tenant.use_token("wrong-token")
    tenant.apply("app")
    client = tenant.wait_for_reason("app", "InitialAccessTokenRejected")
    assert "wrong-token" not in str(client)
    tenant.wait_for_event("InitialAccessTokenRejected")
    tenant.apply_token(tenant.stage.server.mint_initial_access_token())
    tenant.wait_until_ready("app")


def test_a_spent_initial_access_token_may_be_replaced(tenant: Tenant) -> None:
    tenant.use_token(tenant.stage.server.mint_initial_access_token("--max-uses", "1"))
    tenant.apply("first")
    tenant.wait_until_ready("first")
    tenant.apply("second")
    tenant.wait_for_reason("second", "InitialAccessTokenRejected")
    tenant.apply_token(tenant.stage.server.mint_initial_access_token())
    tenant.wait_until_ready("second")


def test_a_secret_that_is_not_ours_is_never_touched(tenant: Tenant) -> None:
    theirs = {"metadata": {"name": "app", "namespace": tenant.namespace}, "stringData": {"a": "b"}}
    before = tenant.admin.create({"apiVersion": "v1", "kind": "Secret", **theirs})
    tenant.apply("app")
    tenant.wait_for_reason("app", "SecretConflict")
    tenant.wait_for_event("SecretConflict")
    assert tenant.admin.get("v1/Secret", tenant.namespace, "app") == before
    tenant.admin.delete("v1/Secret", tenant.namespace, "app")
    tenant.wait_until_ready("app")
    assert ProviderClient().token(tenant.credentials("app")).status_code == 200
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 1


def test_metadata_that_the_provider_refuses_may_be_corrected(tenant: Tenant) -> None:
    tenant.apply("app", grantTypes=["urn:example:unknown"])
    tenant.wait_for_reason("app", "RegistrationRejected")
    tenant.apply("app")
    tenant.wait_until_ready("app", 2)


def test_a_client_that_vanished_at_the_provider_is_registered_again(tenant: Tenant) -> None:
    tenant.apply("app")
    before = tenant.wait_until_ready("app")
    delete_behind_the_operators_back(tenant, record(tenant.stage, before))
    old = before["status"]["clientId"]
    after = tenant.wait("app", lambda seen: seen["status"]["clientId"] != old)
    assert tenant.wait_for_event("ClientVanished")["type"] == "Warning"
    secret = tenant.wait_for_secret(
        "app",
        lambda seen: (
            base64.b64decode(seen["data"]["client_id"]).decode() == after["status"]["clientId"]
        ),
    )
    assert secret["metadata"]["ownerReferences"][0]["uid"] == before["metadata"]["uid"]
    assert ProviderClient().token(tenant.credentials("app")).status_code == 200
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 1


def delete_behind_the_operators_back(tenant: Tenant, held: dict[str, object] | None) -> None:
    assert held is not None
    registration = held["registration"]
    assert isinstance(registration, dict)
    management = Management(
        registration["registration_client_uri"], registration["registration_access_token"]
    )
    bearer = {"Authorization": f"Bearer {management.registration_access_token}"}
    answer = httpx.delete(management.registration_client_uri, headers=bearer, trust_env=False)
    assert answer.status_code == 204
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 0
