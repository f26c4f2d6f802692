"""Moves on the real API server: to another provider, to another name of the Secret, and both."""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.client import JsonObject
from tests.integration.operator_stage import (
    API_VERSION,
    CLIENT,
    CLUSTER_PROVIDER,
    Stage,
    Tenant,
    decoded_record,
    is_ready,
    record,
)
from tests.processes.dcr_server import DcrServer, DcrServerSettings, running_dcr_server
from tests.processes.registered_client import Credentials, ProviderClient

pytestmark = pytest.mark.integration

LONG_AGO = "2020-01-01T00:00:00+00:00"


@dataclass(frozen=True, slots=True)
class Other:
    server: DcrServer
    provider: str

    @property
    def reference(self) -> JsonObject:
        return {"providerRef": {"kind": "ClusterOAuthProvider", "name": self.provider}}


@contextmanager
def other_provider(tenant: Tenant, directory: Path) -> Iterator[Other]:
    with running_dcr_server(DcrServerSettings(directory)) as server:
        metadata = {"name": "other-access", "namespace": tenant.namespace}
        token = {"token": server.mint_initial_access_token()}
        tenant.admin.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": token}
        )
        reference = {"namespace": tenant.namespace, "name": "other-access", "key": "token"}
        name = f"other-{secrets.token_hex(4)}"
        spec = {
            "issuer": server.issuer,
            "operatorClass": tenant.stage.settings.operator_class,
            "allowedNamespaces": {"names": [tenant.namespace]},
            "initialAccessToken": {"secretRef": reference},
        }
        manifest = {"apiVersion": API_VERSION, "kind": "ClusterOAuthProvider"}
        tenant.admin.apply({**manifest, "metadata": {"name": name}, "spec": spec})
        try:
            yield Other(server, name)
            # While the other provider is there to be asked.
            for client in tenant.admin.list(CLIENT, tenant.namespace):
                tenant.delete(client["metadata"]["name"])
                tenant.wait_until_gone(client["metadata"]["name"])
        finally:
            tenant.admin.delete(CLUSTER_PROVIDER, None, name)


def edit(tenant: Tenant, **spec: object) -> None:
    tenant.admin.patch(CLIENT, tenant.namespace, "app", {"spec": spec})


def works(credentials: Credentials) -> bool:
    return ProviderClient().token(credentials).status_code == 200


def let_the_overlap_end(stage: Stage, client: JsonObject) -> None:
    """Set the clock of the record instead of ours, and have the client looked at."""
    name = f"oauthclient-{client['metadata']['uid']}"
    held = stage.admin.get("v1/Secret", stage.namespace, name)
    assert held is not None
    document = decoded_record(held)
    document["retiring"] = [{**each, "not_before": LONG_AGO} for each in document["retiring"]]
    encoded = base64.b64encode(json.dumps(document).encode()).decode()
    stage.admin.patch("v1/Secret", stage.namespace, name, {"data": {"record.json": encoded}})
    annotations = {"dcr-operator.dev/reconcile-requested-at": "now"}
    metadata = client["metadata"]
    patch = {"metadata": {"annotations": annotations}}
    stage.admin.patch(CLIENT, metadata["namespace"], metadata["name"], patch)


def test_a_client_moves_to_another_provider_and_its_old_registration_goes_later(
    tenant: Tenant, tmp_path: Path
) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    before = tenant.credentials("app")
    with other_provider(tenant, tmp_path) as other:
        edit(tenant, **other.reference)
        moved = tenant.wait_until_ready("app", 2)
        after = tenant.credentials("app")
        assert (after.issuer, moved["status"]["issuer"]) == (other.server.issuer,) * 2
        assert works(before)
        assert works(after)
        assert moved["status"]["previousCredentialsValidUntil"]
        let_the_overlap_end(tenant.stage, moved)
        tenant.wait("app", lambda seen: "previousCredentialsValidUntil" not in seen["status"])
        assert not works(before)
        assert works(after)
        held = record(tenant.stage, moved)
        assert held is not None
        assert held["retiring"] == []


def test_a_client_that_moves_keeps_its_credentials_until_the_new_provider_answers(
    tenant: Tenant, tmp_path: Path
) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    before = tenant.credentials("app")
    with other_provider(tenant, tmp_path) as other:
        other.server.kill_9()
        edit(tenant, **other.reference)
        waiting = tenant.wait_for_reason("app", "ProviderUnavailable")
        assert tenant.credentials("app") == before
        assert waiting["status"]["clientId"] == before.client_id
        edit(tenant, providerRef={"kind": "ClusterOAuthProvider", "name": tenant.provider})
        tenant.wait_until_ready("app", 3)
        assert tenant.credentials("app") == before


def test_a_deletion_within_the_overlap_removes_both_registrations(
    tenant: Tenant, tmp_path: Path
) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    before = tenant.credentials("app")
    with other_provider(tenant, tmp_path) as other:
        edit(tenant, **other.reference)
        tenant.wait_until_ready("app", 2)
        after = tenant.credentials("app")
        tenant.delete("app")
        tenant.wait_until_gone("app")
        assert not works(before)
        assert not works(after)


@pytest.mark.parametrize("moves", [False, True], ids=["renamed", "renamed and moved"])
def test_another_name_of_the_secret_is_written_before_the_old_one_goes(
    tenant: Tenant, tmp_path: Path, *, moves: bool
) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    mark = tenant.stage.audit.mark()
    with other_provider(tenant, tmp_path) as other:
        edit(tenant, secret={"name": "renamed"}, **(other.reference if moves else {}))
        tenant.wait("app", lambda seen: is_ready(seen, 2))
        assert works(tenant.credentials("renamed"))
        assert tenant.admin.get("v1/Secret", tenant.namespace, "app") is None
        done = [
            (one.verb, one.name)
            for one in tenant.stage.audit.writes(mark, user=tenant.stage.user)
            if one.resource == "secrets" and one.namespace == tenant.namespace
        ]
        assert done[0] == ("create", "renamed")
        assert ("delete", "app") in done
