"""What Helm makes of the chart, and what a real API server says to that."""

from typing import Any

import pytest

from tests.chart.helm import Helm, HelmFailedError, Values
from tests.chart.render import rendered
from tests.cluster.client import JsonObject, KubernetesClient

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("helm_program"),
]

NAMESPACE = "dcr-system"
SERVER = {"server": {"enabled": True}}
CRDS = "clusteroauthproviders", "oauthclients", "oauthproviders"


def merged(one: Values, other: Values) -> dict[str, Any]:
    result: dict[str, Any] = dict(one)
    for key, value in other.items():
        old = result.get(key)
        result[key] = (
            merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return result


def with_server(**values: Any) -> dict[str, Any]:  # noqa: ANN401 -- values are JSON
    return merged(SERVER, {"server": values})


def names(objects: list[JsonObject]) -> set[str]:
    return {f"{one['kind']}/{one['metadata']['name']}" for one in objects}


def at(objects: list[JsonObject], name: str, path: str) -> Any:  # noqa: ANN401 -- any JSON
    """Follow a path: names of members, positions, or `name=x` for the one of that name."""
    found: Any = next(one for one in objects if f"{one['kind']}/{one['metadata']['name']}" == name)
    for part in path.split("."):
        if part.startswith("name="):
            found = next(one for one in found if one["name"] == part.removeprefix("name="))
        elif isinstance(found, list):
            found = found[int(part)]
        else:
            found = found.get(part)
    return found


@pytest.mark.parametrize(
    "values",
    [{}, SERVER, {"operator": {"watchNamespaces": ["team-a"]}}],
    ids=["defaults", "with the server", "for one namespace"],
)
def test_helm_lint_has_nothing_to_say(values: Values) -> None:
    assert "0 chart(s) failed" in Helm().lint(values)


def test_the_defaults_are_the_operator_and_its_crds_alone() -> None:
    assert names(rendered(NAMESPACE, {})) == {
        *(f"CustomResourceDefinition/{name}.dcr-operator.dev" for name in CRDS),
        "ServiceAccount/dcr-operator",
        f"ClusterRole/dcr-operator:{NAMESPACE}",
        f"ClusterRoleBinding/dcr-operator:{NAMESPACE}",
        "Role/dcr-operator",
        "RoleBinding/dcr-operator",
        "Deployment/dcr-operator",
    }


OPERATOR = "Deployment/dcr-operator"
SERVER_DEPLOYMENT = "Deployment/dcr-operator-server"
SERVER_SERVICE = "Service/dcr-operator-server"
POD = "spec.template.spec."
DIGEST = f"sha256:{'a' * 64}"
OWN_ISSUER = "https://id.example.com"


@pytest.mark.parametrize(
    ("operator", "path", "expected"),
    [
        ({}, "image", "dcr-operator:0.1.0"),
        ({"image": {"tag": "x"}}, "image", "dcr-operator:x"),
        ({"image": {"tag": "x", "digest": DIGEST}}, "image", f"dcr-operator@{DIGEST}"),
        ({}, "env.name=DCR_OPERATOR_NAMESPACE.valueFrom.fieldRef.fieldPath", "metadata.namespace"),
        ({"resync": "5m"}, "env.name=DCR_OPERATOR_RESYNC.value", "5m"),
        ({"workers": 3}, "env.name=DCR_OPERATOR_WORKERS.value", "3"),
        ({"secretWatch": False}, "env.name=DCR_OPERATOR_SECRET_WATCH.value", "false"),
        (
            {"namespacedProviders": False},
            "env.name=DCR_OPERATOR_NAMESPACED_PROVIDERS.value",
            "false",
        ),
        ({"watchNamespaces": ["a", "b"]}, "env.name=DCR_OPERATOR_WATCH_NAMESPACES.value", "a,b"),
        ({"class": "blue"}, "env.name=DCR_OPERATOR_CLASS.value", "blue"),
        ({"log": {"level": "debug"}}, "env.name=DCR_OPERATOR_LOG_LEVEL.value", "debug"),
        ({"extraEnv": [{"name": "TZ", "value": "UTC"}]}, "env.name=TZ.value", "UTC"),
    ],
)
def test_a_value_reaches_the_operators_container(
    operator: Values, path: str, expected: object
) -> None:
    objects = rendered(NAMESPACE, {"operator": operator}, only=("operator.yaml",))
    assert at(objects, OPERATOR, f"{POD}containers.0.{path}") == expected


@pytest.mark.parametrize(
    ("values", "path", "expected"),
    [
        ({}, "spec.strategy", None),
        ({"operator": {"leaderElection": False}}, "spec.strategy.type", "Recreate"),
        ({"operator": {"nodeSelector": {"a": "b"}}}, f"{POD}nodeSelector", {"a": "b"}),
        ({"imagePullSecrets": [{"name": "s"}]}, f"{POD}imagePullSecrets.0.name", "s"),
        ({"fullnameOverride": "other"}, "metadata.name", "other"),
    ],
)
def test_a_value_reaches_the_operators_deployment(
    values: Values, path: str, expected: object
) -> None:
    (deployment,) = rendered(NAMESPACE, values, only=("operator.yaml",))
    assert at([deployment], f"Deployment/{deployment['metadata']['name']}", path) == expected


@pytest.mark.parametrize(
    ("server", "path", "expected"),
    [
        ({}, "spec.strategy.type", "Recreate"),
        ({}, f"{POD}automountServiceAccountToken", False),
        ({}, f"{POD}containers.0.readinessProbe.httpGet.scheme", "HTTPS"),
        (
            {"tls": {"mode": "secret", "secretName": "mine"}},
            f"{POD}volumes.name=tls.secret.secretName",
            "mine",
        ),
        (
            {"encryptionKey": {"existingSecret": "mine"}},
            f"{POD}volumes.name=encryption-key.secret.secretName",
            "mine",
        ),
        (
            {"initialAccessToken": {"existingSecret": "mine"}},
            f"{POD}volumes.name=initial-access-token.secret.secretName",
            "mine",
        ),
        ({"initialAccessToken": {"create": False}}, f"{POD}initContainers", None),
        (
            {},
            f"{POD}volumes.name=database.persistentVolumeClaim.claimName",
            "dcr-operator-server",
        ),
        (
            {"persistence": {"existingClaim": "mine"}},
            f"{POD}volumes.name=database.persistentVolumeClaim.claimName",
            "mine",
        ),
        ({"persistence": {"enabled": False}}, f"{POD}volumes.name=database.emptyDir", {}),
        ({}, f"{POD}containers.0.env.name=DCR_SERVER_ADMIN_LISTEN.value", "127.0.0.1:8082"),
        (
            {"admin": {"expose": True}},
            f"{POD}containers.0.env.name=DCR_SERVER_ADMIN_LISTEN.value",
            "0.0.0.0:8082",
        ),
        (
            {"admin": {"tokenSecret": "mine"}},
            f"{POD}volumes.name=admin-token.secret.secretName",
            "mine",
        ),
        ({"workers": 2}, f"{POD}containers.0.env.name=DCR_SERVER_WORKERS.value", "2"),
    ],
)
def test_a_value_reaches_the_servers_deployment(
    server: Values, path: str, expected: object
) -> None:
    assert at(rendered(NAMESPACE, with_server(**server)), SERVER_DEPLOYMENT, path) == expected


@pytest.mark.parametrize(
    ("server", "issuer", "port"),
    [
        ({}, f"https://dcr-operator-server.{NAMESPACE}.svc", 443),
        ({"issuer": OWN_ISSUER}, OWN_ISSUER, 443),
        ({"tls": {"mode": "none"}, "issuer": OWN_ISSUER}, OWN_ISSUER, 80),
    ],
)
def test_the_issuer_is_a_url_that_pods_reach(server: Values, issuer: str, port: int) -> None:
    objects = rendered(NAMESPACE, with_server(**server))
    path = f"{POD}containers.0.env.name=DCR_SERVER_ISSUER.value"
    assert at(objects, SERVER_DEPLOYMENT, path) == issuer
    assert at(objects, SERVER_SERVICE, "spec.ports.0.port") == port


@pytest.mark.parametrize("kind", ["ClusterIP", "LoadBalancer"])
def test_administration_is_for_the_cluster_alone_and_only_if_asked(kind: str) -> None:
    name = "Service/dcr-operator-server-admin"
    assert name not in names(rendered(NAMESPACE, with_server(service={"type": kind})))
    objects = rendered(NAMESPACE, with_server(service={"type": kind}, admin={"expose": True}))
    assert at(objects, name, "spec.type") == "ClusterIP"
    assert at(objects, name, "spec.ports.0.port") == 8082
    assert [port["name"] for port in at(objects, SERVER_SERVICE, "spec.ports")] == ["https"]


@pytest.mark.parametrize(
    ("server", "made"),
    [
        ({}, ["encryption-key", "initial-access-token", "tls"]),
        (
            {"tls": {"mode": "secret", "secretName": "x"}},
            ["encryption-key", "initial-access-token"],
        ),
        ({"encryptionKey": {"existingSecret": "x"}}, ["initial-access-token", "tls"]),
        ({"initialAccessToken": {"existingSecret": "x"}}, ["encryption-key", "tls"]),
        ({"initialAccessToken": {"create": False}}, ["encryption-key", "tls"]),
    ],
)
def test_the_bootstrap_makes_what_nobody_brings(server: Values, made: list[str]) -> None:
    objects = rendered(NAMESPACE, with_server(**server))
    job = next(one for one in objects if one["kind"] == "Job")
    command: JsonObject = job["spec"]["template"]["spec"]["containers"][0]
    assert command["args"][0] == "bootstrap"
    secrets = [
        argument.partition("=")[2].removeprefix("dcr-operator-server-")
        for argument in command["args"]
        if "-secret=" in argument
    ]
    assert secrets == made


def test_there_is_no_bootstrap_where_all_is_brought() -> None:
    brought = {"existingSecret": "mine"}
    tls = {"mode": "secret", "secretName": "mine"}
    values = with_server(encryptionKey=brought, initialAccessToken=brought, tls=tls)
    assert not [name for name in names(rendered(NAMESPACE, values)) if "bootstrap" in name]


@pytest.mark.parametrize(
    ("values", "annotations"),
    [({}, {"helm.sh/resource-policy": "keep"}), ({"crds": {"keep": False}}, None)],
    ids=["kept", "not kept"],
)
def test_crds_say_whether_they_outlive_the_release(values: Values, annotations: object) -> None:
    objects = rendered(NAMESPACE, values, only=("crds.yaml",))
    assert len(objects) == 3
    assert [one["metadata"].get("annotations") for one in objects] == [annotations] * 3


def test_crds_can_be_somebody_elses_business() -> None:
    objects = rendered(NAMESPACE, {"crds": {"install": False}})
    assert not [one for one in objects if one["kind"] == "CustomResourceDefinition"]


def pods(objects: list[JsonObject]) -> list[JsonObject]:
    return [one["spec"]["template"]["spec"] for one in objects if "template" in one.get("spec", {})]


def test_every_container_meets_the_restricted_profile_with_a_read_only_root() -> None:
    found = pods(rendered(NAMESPACE, SERVER))
    assert len(found) == 3
    for pod in found:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"opertor": {}}, "opertor"),
        ({"operator": {"replicas": "1"}}, "replicas"),
        ({"operator": {"replicas": 2, "leaderElection": False}}, "replicas"),
        ({"operator": {"resync": "1 hour"}}, "resync"),
        ({"operator": {"workers": 0}}, "workers"),
        ({"operator": {"watchNamespaces": ["Team A"]}}, "watchNamespaces"),
        ({"operator": {"log": {"level": "loud"}}}, "level"),
        ({"operator": {"image": {"digest": "latest"}}}, "digest"),
        (with_server(tls={"mode": "yes"}), "mode"),
        (with_server(tls={"mode": "secret"}), "secretName"),
        (with_server(tls={"mode": "none"}), "server.issuer"),
        (with_server(issuer="http://id.example.com"), "issuer"),
        (with_server(issuer="https://id.example.com?a=b"), "issuer"),
        (with_server(persistence={"size": "much"}), "size"),
        (with_server(extraEnv=[{"value": "x"}]), "name"),
        (with_server(replicas=2), "server.replicas needs server.database.urlSecretRef"),
        (with_server(replicas=0), "replicas"),
        (with_server(database={"urlSecretRef": {"name": "My Secret"}}), "name"),
        (with_server(database={"urlSecretRef": {"name": "db", "key": ""}}), "key"),
        (with_server(workers=0), "workers"),
        (with_server(admin={"tokenSecret": "My Secret"}), "tokenSecret"),
        ({"crds": {"upgrade": True}}, "upgrade"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(values: Values, named: str) -> None:
    with pytest.raises(HelmFailedError, match=named):
        rendered(NAMESPACE, values)


@pytest.mark.parametrize(
    "values",
    [
        {},
        SERVER,
        with_server(tls={"mode": "none"}, issuer=OWN_ISSUER),
        with_server(admin={"expose": True, "tokenSecret": "mine"}),
        with_server(database={"urlSecretRef": {"name": "db"}}, replicas=2),
        with_server(podLabels={"a": "b"}, tolerations=[{"operator": "Exists"}]),
        {"operator": {"watchNamespaces": ["default"], "podAnnotations": {"a": "b"}}},
    ],
    ids=[
        "defaults",
        "with the server",
        "without TLS",
        "administration",
        "on PostgreSQL",
        "labels, placement",
        "one namespace",
    ],
)
def test_the_api_server_accepts_every_object(
    admin: KubernetesClient, namespace: str, values: Values
) -> None:
    query = {"dryRun": "All", "fieldManager": "tests", "force": "true", "fieldValidation": "Strict"}
    for one in rendered(namespace, values):
        kind = f"{one['apiVersion']}/{one['kind']}"
        path = admin.path(kind, one["metadata"].get("namespace"), one["metadata"]["name"])
        content_type = "application/apply-patch+yaml"
        admin.request("PATCH", path, body=one, content_type=content_type, query=query)
