"""Credentials that are replaced by others, on the real API server and our real server."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from tests.cluster.client import JsonObject
from tests.integration.operator_stage import (
    CLIENT,
    Tenant,
    record,
)
from tests.processes.registered_client import Credentials, ProviderClient

pytestmark = pytest.mark.integration
STAGE = {"resync": "0s"}

PREVIOUS = "previous_client_secret"


def patch(tenant: Tenant, change: JsonObject) -> None:
    tenant.admin.patch(CLIENT, tenant.namespace, "app", change)


def ask(tenant: Tenant, value: str) -> None:
    annotations = {"dcr-operator.dev/rotate-requested-at": value}
    patch(tenant, {"metadata": {"annotations": annotations}})


def wait_until_rotated(tenant: Tenant, value: str) -> JsonObject:
    return tenant.wait("app", lambda seen: seen["status"].get("lastHandledRotateAt") == value)


def is_other_than(held: Credentials) -> Callable[[JsonObject], bool]:
    return lambda secret: Credentials.from_secret(secret) != held


def works(credentials: Credentials) -> bool:
    return ProviderClient().token(credentials).status_code == 200


def previous(tenant: Tenant) -> Credentials:
    data = tenant.wait_for_secret("app")["data"]
    secret = base64.b64decode(data[PREVIOUS]).decode()
    return replace(tenant.credentials("app"), client_secret=secret)


def test_an_annotation_rotates_the_secret_with_an_overlap(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    before = tenant.credentials("app")
    patch(tenant, {"spec": {"rotation": {"overlap": "6s"}}})
    ask(tenant, "2026-01-01T00:00:00Z")
    seen = wait_until_rotated(tenant, "2026-01-01T00:00:00Z")
    assert previous(tenant).client_secret == before.client_secret
    assert works(before)
    assert works(tenant.credentials("app"))
    assert {"lastRotationTime", "previousCredentialsValidUntil"} <= seen["status"].keys()
    assert "valid until" in tenant.wait_for_event("Rotated")["note"]
    tenant.wait_for_secret("app", lambda found: PREVIOUS not in found["data"])
    after = tenant.wait("app", lambda found: "previousCredentialsValidUntil" not in found["status"])
    assert not works(before)
    assert works(tenant.credentials("app"))
    held = record(tenant.stage, after)
    assert held is not None
    assert held["registration"][PREVIOUS] is None


def test_without_an_overlap_the_secret_before_ends_at_once(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    before = tenant.credentials("app")
    patch(tenant, {"spec": {"rotation": {"overlap": "0s"}}})
    ask(tenant, "leaked")
    wait_until_rotated(tenant, "leaked")
    assert not works(before)
    assert works(tenant.credentials("app"))
    assert PREVIOUS not in tenant.wait_for_secret("app")["data"]


def test_the_calendar_rotates_again_and_again_while_both_secrets_work(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    patch(tenant, {"spec": {"rotation": {"every": "10s", "overlap": "9s"}}})
    for _ in range(2):
        held = tenant.credentials("app")
        tenant.wait_for_secret("app", is_other_than(held))
        assert works(held)
        assert works(tenant.credentials("app"))
    assert "nextRotationTime" in tenant.wait_until_ready("app")["status"]


def test_a_request_is_answered_once_whoever_starts_anew(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    ask(tenant, "once")
    wait_until_rotated(tenant, "once")
    held = tenant.credentials("app")
    tenant.stage.operator.process.kill_9()
    tenant.stage.restart_operator()
    tenant.apply("app", clientName="renamed")
    tenant.wait_until_ready("app", 2)
    assert tenant.credentials("app") == held


def test_another_client_takes_the_place_of_one_where_that_is_wanted(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    before = tenant.credentials("app")
    patch(tenant, {"spec": {"rotation": {"strategy": "Reregister"}}})
    counted = rotations(tenant)
    ask(tenant, "leaked")
    seen = wait_until_rotated(tenant, "leaked")
    after = tenant.credentials("app")
    assert after.client_id != before.client_id
    assert works(before)
    assert works(after)
    assert {"lastRotationTime", "previousCredentialsValidUntil"} <= seen["status"].keys()
    note = tenant.wait_for_event("Rotated")["note"]
    assert f"{after.client_id} takes the place of {before.client_id}" in note
    assert rotations(tenant) == counted + 1
    held = record(tenant.stage, seen)
    assert held is not None
    assert [each["registration"]["client_id"] for each in held["retiring"]] == [before.client_id]


def rotations(tenant: Tenant) -> float:
    text = httpx.get(f"{tenant.stage.operator.url}/metrics", trust_env=False).text
    return sum(map(float, re.findall(r'dcr_rotations_total{result="rotated"} (\S+)', text)))
