"""An administrator takes the operator's rights away, and gives them back."""

import pytest

from tests.chart.render import rendered_rbac
from tests.cluster.client import JsonObject
from tests.cluster.starting import Cluster
from tests.integration.operator_stage import Stage, is_ready, new_tenant
from tests.processes.kubectl import Kubectl
from tests.processes.registered_client import ProviderClient

pytestmark = pytest.mark.integration
STAGE = {"leader_election": "false"}

BACK = 60.0  # seconds: the operator's pauses grow while nothing is allowed


def bindings(stage: Stage) -> list[JsonObject]:
    rbac = rendered_rbac(stage.namespace, **stage.chart)
    return [each for each in rbac if each["kind"].endswith("Binding")]


def revoke(stage: Stage) -> None:
    for each in bindings(stage):
        kind = f"{each['apiVersion']}/{each['kind']}"
        metadata = each["metadata"]
        stage.admin.delete(kind, metadata.get("namespace"), metadata["name"])


def test_rights_that_were_revoked_and_restored_lose_nothing(cluster: Cluster, stage: Stage) -> None:
    with new_tenant(stage) as tenant:
        tenant.apply("edited")
        tenant.wait_until_ready("edited")
        mark = stage.audit.mark()
        revoke(stage)
        tenant.apply("edited", clientName=f"{tenant.namespace}-new-name")
        tenant.apply("new")
        stage.operator.process.wait_for(
            lambda: len(stage.audit.refusals(mark, user=stage.user)) > 1 or None, "refusals"
        )
        assert stage.clients_at_server(f"{tenant.namespace}-new") == 0
        Kubectl(cluster.kubeconfig).apply(*bindings(stage))
        tenant.wait("edited", lambda seen: is_ready(seen, 2), deadline=BACK)
        tenant.wait("new", is_ready, deadline=BACK)
        for name, shown in (("edited", "new-name"), ("new", "new")):
            assert ProviderClient().token(tenant.credentials(name)).status_code == 200
            assert stage.clients_at_server(f"{tenant.namespace}-{shown}") == 1
        assert stage.operator.process.running
