"""A deletion that began before our finalizer was stored ends all the same: a real race, held open.

The API server looks at the finalizers, then asks the webhooks, then deletes. A webhook that takes
its time keeps that moment open for as long as a test needs.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.client import KubernetesClient
from tests.integration.operator_stage import Tenant, record
from tests.processes.admission_webhook import HoldingWebhook, holding_webhook

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("operator-overtaken")]

STAGE = {"leader_election": "false"}
HOOKS = "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration"
FINALIZER = "dcr-operator.dev/registration"


@pytest.fixture
def webhook(tenant: Tenant, tmp_path: Path) -> Iterator[HoldingWebhook]:
    name = f"held-{tenant.namespace}"
    with holding_webhook(tmp_path / "webhook") as held:
        rule = {"apiGroups": ["dcr-operator.dev"], "resources": ["oauthclients"]}
        tenant.admin.apply(
            held.configuration(name, tenant.namespace, operations=["DELETE"], **rule)
        )
        try:
            yield held
        finally:
            tenant.admin.delete(HOOKS, None, name)


def test_a_deletion_that_overtakes_the_finalizer_leaves_no_client(
    tenant: Tenant, webhook: HoldingWebhook
) -> None:
    stage, operator = tenant.stage, tenant.stage.operator.process.pid
    os.kill(operator, signal.SIGSTOP)
    try:
        tenant.apply("app")
        with ThreadPoolExecutor(1) as others:
            deletion = others.submit(KubernetesClient.delete, tenant.admin, *place(tenant))
            assert webhook.begun.wait(10), "the webhook was not asked"
            os.kill(operator, signal.SIGCONT)
            client = tenant.wait_until_ready("app")
            assert client["metadata"]["finalizers"] == [FINALIZER]
            assert record(stage, client) is not None
            webhook.let_go.set()
            deletion.result(timeout=30)
    finally:
        os.kill(operator, signal.SIGCONT)
    tenant.wait_until_gone("app")
    name = f"oauthclient-{client['metadata']['uid']}"
    tenant.admin.wait_for("v1/Secret", stage.namespace, name, lambda seen: seen is None)
    assert stage.clients_at_server(f"{tenant.namespace}-app") == 0
    tenant.wait_for_event("Deleting")


def place(tenant: Tenant) -> tuple[str, str, str]:
    return "dcr-operator.dev/v1alpha1/OAuthClient", tenant.namespace, "app"
