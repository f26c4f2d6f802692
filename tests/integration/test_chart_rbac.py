"""What the operator's account may do by the chart's RBAC, and what it may not, both ways."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.chart.render import OPERATOR_SERVICE_ACCOUNT, rendered_rbac
from tests.cluster.client import KubernetesClient
from tests.cluster.namespaces import fresh_namespace

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("helm_program"),
]

OURS = "dcr-operator.dev"
EVERY_VERB = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
READ = frozenset({"get", "list", "watch"})

ALL = "for all namespaces"
ONE = "for one namespace"
QUIET = "without the Secret watch"
INSTALLS = (ALL, ONE, QUIET)


@dataclass(frozen=True, slots=True)
class Installed:
    """The operator's namespace, one that it serves and one that only some installs serve."""

    user: str
    own: str
    served: str
    other: str


def values_of(install: str, served: str) -> dict[str, Any]:
    values: dict[str, dict[str, Any]] = {
        ALL: {},
        ONE: {"operator": {"watchNamespaces": [served]}},
        QUIET: {"operator": {"secretWatch": False, "namespacedProviders": False}},
    }
    return values[install]


@pytest.fixture(scope="module", params=INSTALLS)
def installed(
    request: pytest.FixtureRequest, admin: KubernetesClient
) -> Iterator[tuple[str, Installed]]:
    with (
        fresh_namespace(admin, "own") as own,
        fresh_namespace(admin, "served") as served,
        fresh_namespace(admin, "other") as other,
    ):
        objects = rendered_rbac(own, **values_of(request.param, served))
        for one in objects:
            admin.apply(one)
        user = f"system:serviceaccount:{own}:{OPERATOR_SERVICE_ACCOUNT}"
        wait_until_known(admin, user, own=own, served=served)
        yield request.param, Installed(user, own, served, other)
        for one in objects:
            kind = f"{one['apiVersion']}/{one['kind']}"
            admin.delete(kind, one["metadata"].get("namespace"), one["metadata"]["name"])


def wait_until_known(admin: KubernetesClient, user: str, *, own: str, served: str) -> None:
    """The authorizer learns of roles and bindings by watches of its own: one right of each."""
    of_each_binding = [
        ("coordination.k8s.io/leases", own, "update"),
        (f"{OURS}/oauthclients", served, "patch"),
        ("/secrets", served, "patch"),
        ("events.k8s.io/events", "default", "patch"),
        ("/namespaces", None, "watch"),
    ]
    deadline = time.monotonic() + 30
    for resource, namespace, verb in of_each_binding:
        while verb not in allowed_verbs(admin, user, resource, namespace):
            assert time.monotonic() < deadline, f"{verb} {resource} is not allowed"


def allowed_verbs(
    admin: KubernetesClient, user: str, resource: str, namespace: str | None
) -> frozenset[str]:
    """Ask the API server's authorizer about each verb; `group/resource/subresource`."""
    group, plural, subresource = (resource + "//").split("/")[:3]
    about = {"group": group, "resource": plural, "subresource": subresource}
    if namespace:
        about["namespace"] = namespace
    return frozenset(verb for verb in EVERY_VERB if _may(admin, user, {**about, "verb": verb}))


def _may(admin: KubernetesClient, user: str, about: dict[str, str]) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": _groups(user), "resourceAttributes": about},
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    answer = admin.request("POST", path, body=review)
    return bool(answer["status"]["allowed"])


def _groups(user: str) -> list[str]:
    namespace = user.split(":")[2]
    service_accounts = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    return [*service_accounts, "system:authenticated"]


NONE: frozenset[str] = frozenset()
TENANT_SECRETS = frozenset({"get", "create", "patch", "delete"})
TENANT_TABLE = [
    (f"{OURS}/oauthclients", READ | {"patch"}),
    (f"{OURS}/oauthclients/status", frozenset({"patch"})),
    (f"{OURS}/oauthclients/finalizers", NONE),
    (f"{OURS}/oauthproviders", READ | {"patch"}),
    (f"{OURS}/oauthproviders/status", frozenset({"patch"})),
    ("events.k8s.io/events", frozenset({"create", "patch"})),
    ("/pods", NONE),
    ("/pods/exec", NONE),
    ("/configmaps", NONE),
    ("/serviceaccounts", NONE),
    ("/serviceaccounts/token", NONE),
    ("apps/deployments", NONE),
    ("rbac.authorization.k8s.io/roles", NONE),
    ("rbac.authorization.k8s.io/rolebindings", NONE),
    ("coordination.k8s.io/leases", NONE),
]


@pytest.mark.parametrize(("resource", "verbs"), TENANT_TABLE)
def test_in_a_namespace_that_it_serves(
    admin: KubernetesClient, installed: tuple[str, Installed], resource: str, verbs: frozenset[str]
) -> None:
    install, where = installed
    expected = NONE if _is_switched_off(install, resource) else verbs
    assert allowed_verbs(admin, where.user, resource, where.served) == expected


@pytest.mark.parametrize(("resource", "verbs"), TENANT_TABLE)
def test_elsewhere_it_has_the_same_rights_or_those_on_our_own_kinds(
    admin: KubernetesClient, installed: tuple[str, Installed], resource: str, verbs: frozenset[str]
) -> None:
    install, where = installed
    # Our own kinds are served to their end, also when a namespace loses its Role before them.
    limited = install == ONE and not resource.startswith(OURS)
    expected = NONE if limited or _is_switched_off(install, resource) else verbs
    assert allowed_verbs(admin, where.user, resource, where.other) == expected


def _is_switched_off(install: str, resource: str) -> bool:
    return install == QUIET and "oauthproviders" in resource


def test_secrets_of_tenants(admin: KubernetesClient, installed: tuple[str, Installed]) -> None:
    install, where = installed
    served = TENANT_SECRETS if install == QUIET else TENANT_SECRETS | {"list", "watch"}
    other = {ALL: served, ONE: NONE, QUIET: TENANT_SECRETS}[install]
    assert allowed_verbs(admin, where.user, "/secrets", where.served) == served
    assert allowed_verbs(admin, where.user, "/secrets", where.other) == other


def test_records_in_its_own_namespace(
    admin: KubernetesClient, installed: tuple[str, Installed]
) -> None:
    install, where = installed
    records = frozenset({"get", "list", "create", "update", "delete"})
    # Where all namespaces are served, its own is one of them.
    as_tenant = {ALL: READ | TENANT_SECRETS, ONE: NONE, QUIET: TENANT_SECRETS}[install]
    assert allowed_verbs(admin, where.user, "/secrets", where.own) == records | as_tenant


@pytest.mark.parametrize(
    ("resource", "verbs"),
    [
        ("coordination.k8s.io/leases", frozenset({"get", "create", "update"})),
        ("/pods", NONE),
        ("rbac.authorization.k8s.io/roles", NONE),
    ],
)
def test_in_its_own_namespace_beside_records(
    admin: KubernetesClient, installed: tuple[str, Installed], resource: str, verbs: frozenset[str]
) -> None:
    _, where = installed
    assert allowed_verbs(admin, where.user, resource, where.own) == verbs


@pytest.mark.parametrize(
    ("resource", "verbs"),
    [
        (f"{OURS}/clusteroauthproviders", READ | {"patch"}),
        (f"{OURS}/clusteroauthproviders/status", frozenset({"patch"})),
        ("/namespaces", READ),
        ("/nodes", NONE),
        ("apiextensions.k8s.io/customresourcedefinitions", NONE),
        ("rbac.authorization.k8s.io/clusterroles", NONE),
        ("rbac.authorization.k8s.io/clusterrolebindings", NONE),
    ],
)
def test_on_cluster_scoped_kinds(
    admin: KubernetesClient, installed: tuple[str, Installed], resource: str, verbs: frozenset[str]
) -> None:
    _, where = installed
    assert allowed_verbs(admin, where.user, resource, None) == verbs


def test_events_about_cluster_scoped_providers_go_to_the_default_namespace(
    admin: KubernetesClient, installed: tuple[str, Installed]
) -> None:
    _, where = installed
    verbs = allowed_verbs(admin, where.user, "events.k8s.io/events", "default")
    assert verbs == {"create", "patch"}


def test_no_rule_has_a_wildcard() -> None:
    for one in rendered_rbac("ns"):
        assert "*" not in str(one.get("rules", []))


def _resources(**values: Any) -> set[str]:  # noqa: ANN401 -- any JSON
    rules = [
        rule
        for one in rendered_rbac("ns", **values)
        if one["kind"] in ("Role", "ClusterRole")
        for rule in one["rules"]
    ]
    return {resource for rule in rules for resource in rule["resources"]}


def test_workloads_are_reached_only_when_restarts_are_enabled() -> None:
    workloads = {"deployments", "statefulsets", "daemonsets"}
    assert not _resources() & workloads
    assert _resources(rolloutRestart={"enabled": True}) >= workloads
