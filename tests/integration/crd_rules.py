"""The CRDs as a list of fields and of CEL rules, and what an example of a rule looks like."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from dcr_operator.crdgen import crd_documents
from dcr_operator.kube import API_GROUP, API_VERSION
from tests.cluster.client import KubernetesClient

JsonObject = dict[str, Any]
Changes = Mapping[str, object]

_CRD = "apiextensions.k8s.io/v1/CustomResourceDefinition"
_ISSUER = "https://id.example.com"
_SPECS: Mapping[str, JsonObject] = {
    "OAuthClient": {
        "providerRef": {"name": "main"},
        "clientMetadata": {"grantTypes": ["client_credentials"]},
    },
    "OAuthProvider": {"issuer": _ISSUER},
    "ClusterOAuthProvider": {"issuer": _ISSUER, "allowedNamespaces": {"names": ["team-a"]}},
}
CLIENT = "OAuthClient"
CLUSTER_PROVIDER = "ClusterOAuthProvider"
PROVIDERS = ("OAuthProvider", CLUSTER_PROVIDER)


@dataclass(frozen=True, slots=True, order=True)
class RuleAt:
    """One rule where it stands; `shown` is the field that the API server names."""

    kind: str
    path: str
    message: str
    shown: str = field(compare=False)
    type: str = field(compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.path or 'object'}: {self.message}"


@dataclass(frozen=True, slots=True)
class Example:
    """What passes a rule and what does not, as changes of the smallest object of the kind."""

    kind: str
    path: str
    message: str
    accepted: Changes
    refused: Changes
    transition: bool = False  # the changes are made to an object that exists

    def is_of(self, rule: RuleAt) -> bool:
        same_place = (self.kind, self.path) == (rule.kind, rule.path)
        return same_place and rule.message.startswith(self.message)

    def __str__(self) -> str:
        return f"{self.kind} {self.path or 'object'}: {self.message}"


def install(admin: KubernetesClient) -> None:
    """Apply every CRD and wait until it is served."""
    for document in crd_documents():
        name = admin.apply(dict(document))["metadata"]["name"]
        admin.wait_for(_CRD, None, name, _established)


def _established(crd: JsonObject | None) -> bool:
    conditions = (crd or {}).get("status", {}).get("conditions") or ()
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


def described_fields(crd: JsonObject) -> tuple[tuple[str, JsonObject], ...]:
    """Return the fields of spec and status that have a name, with their schemas."""
    (version,) = crd["spec"]["versions"]
    every = fields("", version["schema"]["openAPIV3Schema"])
    return tuple(
        (path, schema)
        for path, schema in every
        if path.startswith(("spec", "status")) and not path.endswith(("[]", "{}"))
    )


@cache
def rules() -> tuple[RuleAt, ...]:
    found: list[RuleAt] = []
    for document in crd_documents():
        crd: JsonObject = dict(document)
        (version,) = crd["spec"]["versions"]
        kind = crd["spec"]["names"]["kind"]
        found += _rules(kind, "", version["schema"]["openAPIV3Schema"])
    return tuple(found)


def fields(path: str, schema: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Yield every schema below this one with its path; items are `[]`, map values `{}`."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from fields(f"{path}.{name}".lstrip("."), child)
    for keyword, sign in (("items", "[]"), ("additionalProperties", "{}")):
        if keyword in schema:
            yield from fields(path + sign, schema[keyword])


def _rules(kind: str, root: str, schema: JsonObject) -> Iterator[RuleAt]:
    for path, at in fields(root, schema):
        for rule in at.get("x-kubernetes-validations", ()):
            shown = (path.replace("[]", "[0]") + rule.get("fieldPath", "")).lstrip(".")
            yield RuleAt(kind, path, rule["message"], shown, at["type"])


def smallest(kind: str, name: str, namespace: str, changes: Changes) -> JsonObject:
    """Return the smallest valid object of a kind with some changes, such as spec.issuer."""
    metadata: JsonObject = {"name": name}
    if kind != CLUSTER_PROVIDER:
        metadata["namespace"] = namespace
    made: JsonObject = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": kind,
        "metadata": metadata,
        "spec": {key: dict(v) if isinstance(v, dict) else v for key, v in _SPECS[kind].items()},
    }
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = made
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return made
