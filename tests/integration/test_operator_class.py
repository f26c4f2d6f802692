"""Two operators with the same rights on one API server: neither touches what is the other's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.client import KubernetesClient
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.starting import Cluster
from tests.integration.operator_stage import (
    CLUSTER_PROVIDER,
    Stage,
    Tenant,
    new_tenant,
    ready,
)
from tests.processes.dcr_operator import running_dcr_operator
from tests.processes.installation import install, operator_kubeconfig
from tests.processes.kubectl import Kubectl

pytestmark = pytest.mark.integration


@contextmanager
def another_operator(
    cluster: Cluster, admin: KubernetesClient, stage: Stage, directory: Path
) -> Iterator[str]:
    """It serves the same namespaces with another class; yields its own namespace."""
    kubectl = Kubectl(cluster.kubeconfig)
    with fresh_namespace(admin, "operator") as own:
        install(kubectl, own, operator={"watchNamespaces": [*stage.namespaces]})
        kubeconfig = operator_kubeconfig(kubectl, own, directory / "kubeconfig")
        settings = replace(
            stage.settings,
            directory=directory,
            kubeconfig=kubeconfig,
            namespace=own,
            watch_namespaces=(*stage.namespaces,),
            operator_class=own,
        )
        with running_dcr_operator(settings):
            yield own


def served_by(tenant: Tenant, name: str, operator_class: str) -> Tenant:
    """A second provider of the same tenant, with another class."""
    other = replace(tenant, provider=f"{name}-{operator_class}")
    other.apply_provider(operatorClass=operator_class)
    return other


def test_two_operators_share_a_namespace_and_each_serves_its_own(
    cluster: Cluster, admin: KubernetesClient, stage: Stage, tmp_path: Path
) -> None:
    with another_operator(cluster, admin, stage, tmp_path) as own, new_tenant(stage) as tenant:
        mark = stage.audit.mark()
        theirs = served_by(tenant, "theirs", own)
        tenant.apply("ours")
        theirs.apply("theirs")
        assert tenant.wait_until_ready("ours")["status"]["operatorClass"] == stage.namespace
        assert theirs.wait_until_ready("theirs")["status"]["operatorClass"] == own
        theirs.delete("theirs")
        theirs.wait_until_gone("theirs")
        admin.delete(CLUSTER_PROVIDER, None, theirs.provider)
        other = f"system:serviceaccount:{own}:dcr-operator"
        assert written(stage, mark, other) == {theirs.provider, "theirs"}
        assert written(stage, mark, stage.user) == {tenant.provider, "ours"}


def test_a_client_without_a_provider_is_told_by_the_operator_without_a_class(
    stage: Stage, tmp_path: Path
) -> None:
    extra = {**stage.settings.extra, "DCR_OPERATOR_LEADER_ELECTION": "false"}
    settings = replace(stage.settings, directory=tmp_path, operator_class="", extra=extra)
    with running_dcr_operator(settings), new_tenant(stage) as tenant:
        tenant.admin.delete(CLUSTER_PROVIDER, None, tenant.provider)
        tenant.apply("app")
        client = tenant.wait_for_reason("app", "ProviderNotFound")
        assert tenant.provider in ready(client)["message"]
        assert tenant.wait_for_event("ProviderNotFound")["type"] == "Warning"
        tenant.apply_provider()
        served = tenant.wait_until_ready("app")
        assert served["status"]["operatorClass"] == stage.settings.operator_class


def written(stage: Stage, since: int, user: str) -> set[str]:
    """What a user wrote, by name; Secrets have the names of their clients."""
    assert stage.audit.refusals(since, user=user) == []
    apart = {"leases", "events"}
    writes = stage.audit.writes(since, user=user)
    return {
        one.name
        for one in writes
        if one.resource not in apart and not one.name.startswith("oauthclient-")
    }
