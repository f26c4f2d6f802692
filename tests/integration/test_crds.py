"""The CRDs on a real API server: what it accepts, refuses, fills in and prunes."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from dcr_operator.kube import API_GROUP, API_VERSION
from tests.cluster.client import ApiError, KubernetesClient
from tests.integration.crd_rule_examples import EXAMPLES
from tests.integration.crd_rules import (
    CLIENT,
    CLUSTER_PROVIDER,
    Changes,
    Example,
    install,
    rules,
    smallest,
)

pytestmark = pytest.mark.integration

JsonObject = dict[str, Any]
_DRY_RUN = {"dryRun": "All", "fieldValidation": "Strict"}
_AT_CREATION = [example for example in EXAMPLES if not example.transition]
_AT_UPDATE = [example for example in EXAMPLES if example.transition]
EXAMPLES_DIRECTORY = Path(__file__).parents[2] / "examples"
_REGISTERED = {"clientId": "c-1"}
_CONDITION = {
    "type": "Ready",
    "status": "False",
    "observedGeneration": 1,
    "reason": "SecretConflict",
    "message": "Secret reports exists and is not ours",
    "lastTransitionTime": "2026-01-02T03:04:05Z",
}


@pytest.fixture(scope="module", autouse=True)
def crds(admin: KubernetesClient) -> None:
    install(admin)


@pytest.fixture
def oauth_client(admin: KubernetesClient, namespace: str) -> JsonObject:
    return admin.create(smallest(CLIENT, "reports", namespace, {}))


def _kind(kind: str) -> str:
    return f"{API_GROUP}/{API_VERSION}/{kind}"


@pytest.mark.parametrize("example", _AT_CREATION, ids=str)
def test_a_rule_lets_pass_what_keeps_it(admin: KubernetesClient, example: Example) -> None:
    _try_to_create(admin, example, example.accepted)


@pytest.mark.parametrize("example", _AT_CREATION, ids=str)
def test_a_rule_refuses_what_breaks_it_and_names_field_and_reason(
    admin: KubernetesClient, example: Example
) -> None:
    with pytest.raises(ApiError) as refused:
        _try_to_create(admin, example, example.refused)
    _names_field_and_reason(refused.value, example)


@pytest.mark.parametrize("example", _AT_UPDATE, ids=str)
def test_a_rule_about_changes_compares_with_what_is_stored(
    admin: KubernetesClient, namespace: str, example: Example
) -> None:
    name = namespace  # cluster-scoped providers of other tests have other names
    admin.create(smallest(example.kind, name, namespace, {}))
    status = {"status": _REGISTERED if example.kind == CLIENT else {}}
    admin.patch(_kind(example.kind), namespace, name, status, subresource="status")
    admin.apply(smallest(example.kind, name, namespace, example.accepted))
    with pytest.raises(ApiError) as refused:
        admin.apply(smallest(example.kind, name, namespace, example.refused))
    _names_field_and_reason(refused.value, example)
    admin.delete(_kind(example.kind), namespace, name)


def test_a_mistyped_provider_can_be_corrected_before_the_client_is_registered(
    admin: KubernetesClient, namespace: str, oauth_client: JsonObject
) -> None:
    changes = {"spec.providerRef": {"name": "other"}}
    name = oauth_client["metadata"]["name"]
    seen = admin.apply(smallest(CLIENT, name, namespace, changes))
    assert seen["spec"]["providerRef"]["name"] == "other"


def _try_to_create(admin: KubernetesClient, example: Example, changes: Changes) -> None:
    path = admin.path(_kind(example.kind), "default")
    wanted = smallest(example.kind, "reports", "default", changes)
    admin.request("POST", path, body=wanted, query=_DRY_RUN)


def _names_field_and_reason(refused: ApiError, example: Example) -> None:
    (rule,) = (rule for rule in rules() if example.is_of(rule))
    assert refused.status == httpx.codes.UNPROCESSABLE_ENTITY
    assert rule.shown in refused.message
    assert rule.message in refused.message


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("spec.providerRef", {}, "spec.providerRef.name: Required value"),
        ("spec.deletionPolicy", "Keep", 'supported values: "Delete", "Retain"'),
        ("spec.secret", {"type": "kubernetes.io/tls"}, "spec.secret.type"),
        ("spec.clientMetadata.clientName", "a\nb", "spec.clientMetadata.clientName"),
        ("spec.clientMetadata.scope", "a" * 2049, "Too long: may not be more than 2048"),
        ("spec.clientMetadata.grantTypes", ["password"] * 2, "Duplicate value"),
        ("spec.rotates", {"every": "30d"}, 'unknown field "spec.rotates"'),
    ],
)
def test_the_schema_refuses_what_it_does_not_allow(
    admin: KubernetesClient, path: str, value: object, said: str
) -> None:
    wanted = smallest(CLIENT, "reports", "default", {path: value})
    with pytest.raises(ApiError) as refused:
        admin.request("POST", admin.path(_kind(CLIENT), "default"), body=wanted, query=_DRY_RUN)
    assert said in refused.value.message


def test_a_new_object_has_the_status_that_says_nobody_has_seen_it(
    admin: KubernetesClient, namespace: str, oauth_client: JsonObject
) -> None:
    seen = admin.get(_kind(CLIENT), namespace, oauth_client["metadata"]["name"])
    assert seen is not None
    assert seen["status"] == {"observedGeneration": -1}


def test_defaults_are_filled_in(oauth_client: JsonObject) -> None:
    assert oauth_client["spec"]["deletionPolicy"] == "Delete"
    assert oauth_client["spec"]["providerRef"]["kind"] == CLUSTER_PROVIDER


def test_status_is_written_by_its_subresource_alone(
    admin: KubernetesClient, namespace: str, oauth_client: JsonObject
) -> None:
    kind, name = _kind(CLIENT), oauth_client["metadata"]["name"]
    admin.patch(kind, namespace, name, {"status": {"clientId": "forged"}})
    patch = {"status": {"clientId": "c-1"}, "spec": {"deletionPolicy": "Retain"}}
    seen = admin.patch(kind, namespace, name, patch, subresource="status")
    assert seen["status"]["clientId"] == "c-1"
    assert seen["spec"]["deletionPolicy"] == "Delete"
    assert seen["metadata"]["generation"] == 1


def test_what_the_schema_does_not_know_is_pruned_except_in_open_maps(
    admin: KubernetesClient, namespace: str
) -> None:
    wanted = smallest(CLIENT, "open", namespace, {"spec.clientMetadata.extra": {"own": {"a": []}}})
    wanted["spec"]["unknown"] = {"every": "30d"}
    made = admin.request("POST", admin.path(_kind(CLIENT), namespace), body=wanted)
    assert "unknown" not in made["spec"]
    assert made["spec"]["clientMetadata"]["extra"] == {"own": {"a": []}}


def test_what_the_operator_writes_into_status_is_kept(
    admin: KubernetesClient, namespace: str, oauth_client: JsonObject
) -> None:
    name = oauth_client["metadata"]["name"]
    status = {
        "observedGeneration": 1,
        "conditions": [_CONDITION],
        "registeredMetadata": {"client_name": "a", "jwks": {"keys": []}},
        "drift": [{"member": "scope", "message": "narrowed"}],
    }
    seen = admin.patch(_kind(CLIENT), namespace, name, {"status": status}, subresource="status")
    assert seen["status"] == status


@pytest.mark.parametrize("path", sorted(EXAMPLES_DIRECTORY.glob("*.yaml")), ids=lambda p: p.name)
def test_the_examples_are_accepted(admin: KubernetesClient, path: Path) -> None:
    manifest = yaml.safe_load(path.read_text("utf-8"))
    target = admin.path(_kind(manifest["kind"]), "default")
    admin.request("POST", target, body=manifest, query=_DRY_RUN)
