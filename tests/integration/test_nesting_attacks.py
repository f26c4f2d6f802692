"""A tenant stores JSON that no parser of ours takes: its own client suffers, and no other."""

from collections.abc import Iterator

import httpx
import pytest

from tests.cluster.starting import Cluster
from tests.integration.operator_stage import (
    API_VERSION,
    Stage,
    Tenant,
    new_tenant,
)
from tests.processes.kubectl import Kubectl

pytestmark = pytest.mark.integration
STAGE = {"resync": "2s"}

LEVELS = 5_000
MEMBERS = ("extra", "jwks")


@pytest.fixture
def tenant(stage: Stage) -> Iterator[Tenant]:
    with new_tenant(stage) as tenant:
        yield tenant


def deep_client(tenant: Tenant, member: str) -> str:
    """Write it as text: what reads it as JSON here would fail as the operator did."""
    deep = '{"a":' * LEVELS + "1" + "}" * LEVELS
    value = f'{{"x":{deep}}}' if member == "extra" else f'{{"keys":[{{"kty":"EC","x5":{deep}}}]}}'
    return (
        f'{{"apiVersion":"{API_VERSION}","kind":"OAuthClient","metadata":{{"name":"deep-{member}",'
        f'"namespace":"{tenant.namespace}"}},"spec":{{"providerRef":{{"kind":'
        f'"ClusterOAuthProvider","name":"{tenant.provider}"}},"clientMetadata":{{"grantTypes":'
        f'["client_credentials"],"{member}":{value}}}}}}}'
    )


def test_resources_without_end_harm_no_other(
    cluster: Cluster, stage: Stage, tenant: Tenant
) -> None:
    kubectl = Kubectl(cluster.kubeconfig)
    for member in MEMBERS:
        manifest = deep_client(tenant, member)
        kubectl.run("create", "--validate=false", "-f", "-", manifest=manifest)
    try:
        tenant.apply("beside")
        tenant.wait_until_ready("beside")
        # The same again for an operator that lists them when it starts.
        stage.operator.process.kill_9()
        stage.restart_operator()
        tenant.apply("after")
        tenant.wait_until_ready("after")
        assert httpx.get(f"{stage.operator.url}/healthz", trust_env=False).is_success
        for member in MEMBERS:
            deep = (CLIENT_NAME, f"deep-{member}", "-n", tenant.namespace)
            kubectl.run("wait", "--for=condition=Stalled=true", "--timeout=30s", *deep)
            reason = kubectl.run("get", *deep, "-o", f"jsonpath={READY_REASON}")
            assert reason.strip() == "InvalidSpec"
    finally:
        for member in MEMBERS:
            deep = (CLIENT_NAME, f"deep-{member}", "-n", tenant.namespace)
            kubectl.run("delete", "--wait=true", *deep)


CLIENT_NAME = "oauthclients.dcr-operator.dev"
READY_REASON = '{.status.conditions[?(@.type=="Ready")].reason}'
