"""The chart gives the operator no right that it does not use."""

from collections.abc import Iterator

import pytest

from dcr_operator.lease import LEASE_NAME
from tests.chart.render import rendered_rbac
from tests.cluster.client import JsonObject, KubernetesClient
from tests.cluster.starting import Cluster
from tests.integration.operator_stage import (
    API_VERSION,
    CLIENT,
    Stage,
    Tenant,
    new_tenant,
    raised_stage,
    ready,
)
from tests.integration.workloads import RESTARTS, WORKLOADS, apply_workload, rollouts

pytestmark = pytest.mark.integration

Right = tuple[str, str, str]  # "own" or "others", resource, verb

# The API server asks for it when an Event that is applied does not exist yet.
ADOPTED = {"name": "access-to-legacy"}
NOT_SEEN_AS_SUCH = {("others", "events", "create")}


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, admin: KubernetesClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with raised_stage(cluster, admin, tmp_path_factory.mktemp("stage"), RESTARTS) as stage:
        yield stage


def live_a_whole_life(tenant: Tenant) -> None:
    own_name = {"kubernetes.io/metadata.name": tenant.namespace}
    tenant.apply_provider(allowedNamespaces={"selector": {"matchLabels": own_name}})
    tenant.apply("app")
    tenant.wait_until_ready("app")
    # Restored by a create, then changed by a patch.
    tenant.admin.delete("v1/Secret", tenant.namespace, "app")
    tenant.wait_for_secret("app")
    labels = {"spec": {"secret": {"labels": {"team": "a"}}}}
    tenant.admin.patch(CLIENT, tenant.namespace, "app", labels)
    tenant.wait_until_ready("app", 2)
    tenant.delete("app")
    tenant.wait_until_gone("app")
    # Whether a client is on record already is looked up before it is adopted.
    access = {"apiVersion": "v1", "kind": "Secret"}
    metadata = {"name": "access-to-legacy", "namespace": tenant.namespace}
    uri = f"{tenant.stage.server.issuer}/connect/register/nobody"
    data = {"registration_access_token": "a", "registration_client_uri": uri}
    tenant.admin.apply({**access, "metadata": metadata, "stringData": data})
    tenant.apply_spec("legacy", adopt={"clientId": "nobody", "registrationRef": ADOPTED})
    tenant.wait_for_reason("legacy", "AdoptionRefused")


def have_every_kind_of_workload_restarted(tenant: Tenant) -> None:
    for kind in WORKLOADS:
        apply_workload(tenant, kind, allows="app")
    restart = [{"kind": kind, "name": "web"} for kind in WORKLOADS]
    tenant.apply("app")
    tenant.wait_until_ready("app")
    spec = {"rolloutRestart": restart, "secret": {"template": {"note": "x"}}}
    tenant.admin.patch(CLIENT, tenant.namespace, "app", {"spec": spec})
    tenant.wait_until_ready("app", 2)
    assert [rollouts(tenant, kind) for kind in WORKLOADS] == [1, 1, 1]


def have_a_provider_of_the_namespace(tenant: Tenant) -> None:
    spec = {
        "issuer": tenant.stage.server.issuer,
        "operatorClass": tenant.stage.settings.operator_class,
        "initialAccessToken": {"secretRef": {"name": "access", "key": "token"}},
    }
    metadata = {"name": "own", "namespace": tenant.namespace}
    kind = "OAuthProvider"
    tenant.admin.apply(
        {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    )
    tenant.admin.wait_for(
        f"{API_VERSION}/{kind}",
        tenant.namespace,
        "own",
        lambda seen: seen is not None and ready(seen).get("status") == "True",
        deadline=30.0,
    )
    grant = {"clientName": "of-own", "grantTypes": ["client_credentials"]}
    tenant.admin.apply(
        {
            "apiVersion": API_VERSION,
            "kind": "OAuthClient",
            "metadata": {"name": "of-own", "namespace": tenant.namespace},
            "spec": {"providerRef": {"kind": kind, "name": "own"}, "clientMetadata": grant},
        }
    )
    tenant.wait_until_ready("of-own")
    # It is held while it is used, and let go with its last client.
    tenant.admin.delete(f"{API_VERSION}/{kind}", tenant.namespace, "own")
    tenant.delete("of-own")
    tenant.admin.wait_for(
        f"{API_VERSION}/{kind}", tenant.namespace, "own", lambda seen: seen is None, deadline=30.0
    )


def wait_until_the_lease_is_renewed(stage: Stage) -> None:
    """The life above may be over before the operator renews for the first time."""
    lease = ("coordination.k8s.io/v1/Lease", stage.namespace, LEASE_NAME)
    before = stage.admin.get(*lease)
    stage.admin.wait_for(*lease, lambda seen: version_of(seen) != version_of(before))


def version_of(lease: JsonObject | None) -> str:
    assert lease is not None
    return str(lease["metadata"]["resourceVersion"])


def granted(stage: Stage) -> set[Right]:
    roles = [
        one
        for one in rendered_rbac(stage.namespace, **stage.chart)
        if one["kind"] in ("Role", "ClusterRole")
    ]
    return {right for role in roles for right in rights_of(role, stage)}


def rights_of(role: JsonObject, stage: Stage) -> Iterator[Right]:
    where = "own" if role["metadata"].get("namespace") == stage.namespace else "others"
    for rule in role["rules"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                if verb != "watch":  # it comes into the log when it ends
                    yield where, resource, verb


def used(stage: Stage) -> set[Right]:
    return {
        (
            "own" if one.namespace == stage.namespace else "others",
            f"{one.resource}/{one.subresource}" if one.subresource else one.resource,
            one.verb,
        )
        for one in stage.audit.requests(0, user=stage.user)
    }


def test_every_right_is_used_and_none_is_lacking(stage: Stage) -> None:
    with new_tenant(stage) as tenant:
        live_a_whole_life(tenant)
        have_every_kind_of_workload_restarted(tenant)
        have_a_provider_of_the_namespace(tenant)
        tenant.wait_for_event("Ready")
    wait_until_the_lease_is_renewed(stage)
    assert granted(stage) - used(stage) == NOT_SEEN_AS_SUCH
    assert stage.audit.refusals(0, user=stage.user) == []
