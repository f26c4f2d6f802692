"""The Kubernetes API as the core sees it: a port, its errors and typed access to objects.

Pure: the adapter that speaks HTTP is `kubernetes_api`; the core and its tests know only this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

JsonObject = dict[str, JsonValue]

API_GROUP = "dcr-operator.dev"
API_VERSION = "v1alpha1"
FIELD_MANAGER = "dcr-operator"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object and where the API server keeps it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


SECRETS = Resource("", "v1", "secrets", "Secret")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet")
DAEMON_SETS = Resource("apps", "v1", "daemonsets", "DaemonSet")
OAUTH_CLIENTS = Resource(API_GROUP, API_VERSION, "oauthclients", "OAuthClient")
OAUTH_PROVIDERS = Resource(API_GROUP, API_VERSION, "oauthproviders", "OAuthProvider")
CLUSTER_OAUTH_PROVIDERS = Resource(
    API_GROUP, API_VERSION, "clusteroauthproviders", "ClusterOAuthProvider", namespaced=False
)
RESOURCES_BY_KIND: Mapping[str, Resource] = {
    resource.kind: resource
    for resource in (OAUTH_CLIENTS, OAUTH_PROVIDERS, CLUSTER_OAUTH_PROVIDERS)
}


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What the work queue holds: kind, namespace ("" for cluster-scoped kinds) and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"

    @property
    def path(self) -> str:
        """Return it as metrics and logs name a provider: ClusterOAuthProvider/main."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @property
    def resource(self) -> Resource:
        return RESOURCES_BY_KIND[self.kind]


class ApiError(Exception):
    """The API server refused or could not be asked.

    ApiError
    ├── ApiNotFound        404
    ├── ApiAlreadyExists   409 on create
    ├── ApiConflict        a precondition did not hold: 409, or a failed test of a JSON patch
    ├── ApiForbidden       403: RBAC, admission, a terminating namespace
    ├── ApiInvalid         422
    └── ApiUnavailable     429, 5xx, no connection: whether a write was stored is unknown
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


class ApiNotFound(ApiError):  # noqa: N818 - named after the API server's reason
    pass


class ApiAlreadyExists(ApiError):  # noqa: N818 - named after the API server's reason
    pass


class ApiConflict(ApiError):  # noqa: N818 - named after the API server's reason
    pass


class ApiForbidden(ApiError):  # noqa: N818 - named after the API server's reason
    pass


class ApiInvalid(ApiError):  # noqa: N818 - named after the API server's reason
    pass


class ApiUnavailable(ApiError):  # noqa: N818 - named after the API server's reason
    def __init__(
        self, status: int, reason: str, message: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(status, reason, message)
        self.retry_after = retry_after


class KubernetesApi(Protocol):
    """Every call the operator makes to the API server; each may raise an `ApiError`."""

    async def get(
        self, resource: Resource, namespace: str | None, name: str
    ) -> JsonObject | None: ...

    async def list(
        self, resource: Resource, namespace: str | None, *, label_selector: str = ""
    ) -> list[JsonObject]:
        """Return all objects of a namespace, or of the cluster without one."""
        ...

    async def list_metadata(
        self, resource: Resource, namespace: str | None, *, label_selector: str = ""
    ) -> Sequence[JsonObject]:
        """Return as `list` does, without what is beside `metadata`: that may be large."""
        ...

    async def create(
        self, resource: Resource, namespace: str | None, body: JsonObject
    ) -> JsonObject: ...

    async def replace(
        self, resource: Resource, namespace: str | None, body: JsonObject
    ) -> JsonObject:
        """Replace the object; `metadata.resourceVersion` in the body is the precondition."""
        ...

    async def json_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        operations: Sequence[JsonObject],
    ) -> JsonObject:
        """Apply an RFC 6902 patch; raises `ApiConflict` when a `test` operation fails."""
        ...

    async def patch_status(
        self, resource: Resource, namespace: str | None, name: str, patch: JsonObject
    ) -> JsonObject:
        """Merge-patch `/status`, of whoever has the name: the API server ignores a uid in it."""
        ...

    async def apply(
        self, resource: Resource, namespace: str | None, body: JsonObject, *, force: bool = True
    ) -> JsonObject:
        """Apply server-side as `FIELD_MANAGER`; `metadata.uid` in the body is a precondition."""
        ...

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> None:
        """Delete the object; one that is already gone is fine, another uid is `ApiConflict`."""
        ...


def member(obj: Mapping[str, JsonValue], name: str) -> JsonObject:
    """Return the object under `name`, or an empty one."""
    value = obj.get(name)
    return value if isinstance(value, dict) else {}


def text(obj: Mapping[str, JsonValue], name: str) -> str:
    """Return the string under `name`, or an empty one."""
    value = obj.get(name)
    return value if isinstance(value, str) else ""


def texts(obj: Mapping[str, JsonValue], name: str) -> dict[str, str]:
    """Return the strings of the map under `name` (labels, annotations, Secret data)."""
    return {key: value for key, value in member(obj, name).items() if isinstance(value, str)}


@dataclass(frozen=True, slots=True)
class OwnerReference:
    uid: str
    kind: str
    name: str
    controller: bool


@dataclass(frozen=True, slots=True)
class ObjectMeta:
    """The part of `metadata` that decisions are made from."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    deletion_timestamp: str | None
    finalizers: tuple[str, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owners: tuple[OwnerReference, ...]


def object_meta(obj: Mapping[str, JsonValue]) -> ObjectMeta:
    meta = member(obj, "metadata")
    generation = meta.get("generation")
    finalizers = meta.get("finalizers")
    owners = meta.get("ownerReferences")
    return ObjectMeta(
        namespace=text(meta, "namespace"),
        name=text(meta, "name"),
        uid=text(meta, "uid"),
        resource_version=text(meta, "resourceVersion"),
        generation=generation if isinstance(generation, int) else 0,
        deletion_timestamp=text(meta, "deletionTimestamp") or None,
        finalizers=tuple(str(item) for item in finalizers) if isinstance(finalizers, list) else (),
        labels=texts(meta, "labels"),
        annotations=texts(meta, "annotations"),
        owners=tuple(
            OwnerReference(
                text(owner, "uid"),
                text(owner, "kind"),
                text(owner, "name"),
                controller=owner.get("controller") is True,
            )
            for owner in (owners if isinstance(owners, list) else ())
            if isinstance(owner, dict)
        ),
    )
