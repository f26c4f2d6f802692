"""Providers on the real API server: the default one, what they allow, and how they end."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.client import JsonObject, KubernetesClient
from tests.cluster.starting import Cluster
from tests.integration.operator_stage import (
    API_VERSION,
    CLIENT,
    CLUSTER_PROVIDER,
    Stage,
    Tenant,
    new_tenant,
    raised_stage,
    ready,
)
from tests.processes.dcr_operator import running_dcr_operator

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("operator-providers")]

DEFAULT = "dcr-operator.dev/is-default-provider"


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, admin: KubernetesClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with raised_stage(cluster, admin, tmp_path_factory.mktemp("stage"), resync="2s") as stage:
        yield stage


@pytest.fixture
def tenant(stage: Stage) -> Iterator[Tenant]:
    mark = stage.audit.mark()
    with new_tenant(stage) as tenant:
        yield tenant
    assert stage.audit.refusals(mark, user=stage.user) == []


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
