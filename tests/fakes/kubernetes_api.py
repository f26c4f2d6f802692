"""A Kubernetes API in memory: resourceVersions, preconditions, finalizers, owners, enough of apply.

`FakeCluster` is what is stored and what people do to it; `FakeKubernetesApi` is the port of the
operator on top, which counts calls and lets a fault happen before or after each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NoReturn

from pydantic import JsonValue

from dcr_operator.kube import (
    FIELD_MANAGER,
    RESOURCES_BY_KIND,
    SECRETS,
    ApiAlreadyExists,
    ApiConflict,
    ApiNotFound,
    ApiUnavailable,
    JsonObject,
    Resource,
    member,
    object_meta,
    text,
)
from tests.fakes.faults import Answer, Wire
from tests.fakes.json_patching import merged, patched

Place = tuple[str, str, str]


def copied(body: JsonObject) -> JsonObject:
    """Copy a JSON document; several times faster than what copies anything."""
    return {name: _copied(value) for name, value in body.items()}


def _copied(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return copied(value)
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _place(resource: Resource, namespace: str | None, name: str) -> Place:
    return (resource.plural, (namespace or "") if resource.namespaced else "", name)


@dataclass(slots=True)
class FakeCluster:
    """etcd and the API server's bookkeeping, with the garbage collector running at once."""

    objects: dict[Place, JsonObject] = field(default_factory=dict)
    version: int = 0
    written: set[Place] = field(default_factory=set)  # by the operator
    successors: dict[Place, JsonObject] = field(default_factory=dict)
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    gone: list[JsonObject] = field(default_factory=list)  # of our kinds, as they were last

    def get(self, resource: Resource, namespace: str | None, name: str) -> JsonObject | None:
        found = self.objects.get(_place(resource, namespace, name))
        return None if found is None else copied(found)

    def need(self, resource: Resource, namespace: str | None, name: str) -> JsonObject:
        found = self.get(resource, namespace, name)
        if found is None:
            raise ApiNotFound(404, "NotFound", f"{resource.plural} {name} not found")
        return found

    def all_of(self, resource: Resource, namespace: str | None) -> list[JsonObject]:
        return [
            copied(body)
            for (plural, there, _), body in self.objects.items()
            if plural == resource.plural and namespace in (None, there)
        ]

    def create(self, resource: Resource, body: JsonObject, *, manager: str = "test") -> JsonObject:
        meta = object_meta(body)
        place = _place(resource, meta.namespace, meta.name)
        if place in self.objects:
            raise ApiAlreadyExists(409, "AlreadyExists", f"{meta.name} already exists")
        created = copied(body)
        self.version += 1
        member_of(created, "metadata").update(
            {
                "uid": f"uid-{self.version}",
                "generation": 1,
                "managedFields": [],
                "creationTimestamp": self.now.isoformat(),
            }
        )
        _own(created, created, manager)
        owners = {owner.uid for owner in meta.owners}
        if owners and not any(object_meta(each).uid in owners for each in self.objects.values()):
            return created  # collected in the next moment
        return self._store(place, created)

    def update(self, resource: Resource, body: JsonObject) -> JsonObject:
        """Store a changed object; a changed spec is a new generation."""
        meta = object_meta(body)
        place = _place(resource, meta.namespace, meta.name)
        before = self.objects[place]
        member_of(body, "metadata")["creationTimestamp"] = text(
            member(before, "metadata"), "creationTimestamp"
        )
        if body.get("spec") != before.get("spec"):
            member_of(body, "metadata")["generation"] = object_meta(before).generation + 1
        if meta.deletion_timestamp and not meta.finalizers:
            self._remove(place)
            return copied(body)
        return self._store(place, body)

    def edit(
        self, resource: Resource, namespace: str, name: str, change: Callable[[JsonObject], object]
    ) -> JsonObject:
        body = self.need(resource, namespace, name)
        change(body)
        return self.update(resource, body)

    def delete(self, resource: Resource, namespace: str | None, name: str) -> None:
        place = _place(resource, namespace, name)
        if place not in self.objects:
            return
        body = self.need(resource, namespace, name)
        if object_meta(body).finalizers:
            if not object_meta(body).deletion_timestamp:
                member_of(body, "metadata")["deletionTimestamp"] = "2026-01-01T00:00:00Z"
                self._store(place, body)
            return
        self._remove(place)

    def take_away(self, resource: Resource, namespace: str, name: str) -> None:
        """Have a deletion end that found no finalizer, whatever has been stored meanwhile."""
        if _place(resource, namespace, name) in self.objects:
            self._remove(_place(resource, namespace, name))

    def when_gone(self, resource: Resource, body: JsonObject) -> None:
        """Create the object as soon as nothing has its name."""
        meta = object_meta(body)
        place = _place(resource, meta.namespace, meta.name)
        if place in self.objects:
            self.successors[place] = body
        else:
            self.create(resource, body)

    def _store(self, place: Place, body: JsonObject) -> JsonObject:
        self.version += 1
        member_of(body, "metadata")["resourceVersion"] = str(self.version)
        self.objects[place] = copied(body)
        return copied(body)

    def _remove(self, place: Place) -> None:
        gone = self.objects.pop(place)
        uid = object_meta(gone).uid
        if text(gone, "kind") in RESOURCES_BY_KIND:
            self.gone.append(gone)
        for other, body in list(self.objects.items()):
            if any(owner.uid == uid for owner in object_meta(body).owners):
                del self.objects[other]
        successor = self.successors.pop(place, None)
        if successor is not None:
            self.create(RESOURCES_BY_KIND[text(successor, "kind")], successor)


@dataclass(slots=True)
class FakeKubernetesApi:
    cluster: FakeCluster
    wire: Wire = field(default_factory=Wire)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JsonObject | None:
        return await self._call(
            f"get {resource.plural}", lambda: self.cluster.get(resource, namespace, name)
        )

    async def list(
        self, resource: Resource, namespace: str | None, *, label_selector: str = ""
    ) -> list[JsonObject]:
        def do() -> list[JsonObject]:
            found = self.cluster.all_of(resource, namespace)
            return [each for each in found if is_selected(object_meta(each).labels, label_selector)]

        return await self._call(f"list {resource.plural}", do)

    async def list_metadata(
        self, resource: Resource, namespace: str | None, *, label_selector: str = ""
    ) -> Sequence[JsonObject]:
        found = await self.list(resource, namespace, label_selector=label_selector)
        return [{"metadata": each["metadata"]} for each in found]

    async def create(
        self, resource: Resource, namespace: str | None, body: JsonObject
    ) -> JsonObject:
        assert (namespace or "") == object_meta(body).namespace

        def do() -> JsonObject:
            self._take_down(resource, namespace, object_meta(body).name)
            return self.cluster.create(resource, body, manager=FIELD_MANAGER)

        return await self._call(f"create {resource.plural}", do)

    async def replace(
        self, resource: Resource, namespace: str | None, body: JsonObject
    ) -> JsonObject:
        def do() -> JsonObject:
            meta = object_meta(body)
            live = object_meta(self.cluster.need(resource, namespace, meta.name))
            if live.resource_version != meta.resource_version or live.uid != meta.uid:
                raise ApiConflict(409, "Conflict", f"{meta.name} has been modified")
            self._take_down(resource, namespace, meta.name)
            return self.cluster.update(resource, copied(body))

        return await self._call(f"replace {resource.plural}", do)

    async def json_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        operations: Sequence[JsonObject],
    ) -> JsonObject:
        def do() -> JsonObject:
            body = self.cluster.need(resource, namespace, name)
            for operation in operations:
                patched(body, operation)
            self._take_down(resource, namespace, name)
            return self.cluster.update(resource, body)

        return await self._call(f"json_patch {resource.plural}", do)

    async def patch_status(
        self, resource: Resource, namespace: str | None, name: str, patch: JsonObject
    ) -> JsonObject:
        def do() -> JsonObject:
            body = self.cluster.need(resource, namespace, name)
            body["status"] = merged(member(body, "status"), member(patch, "status"))
            self._take_down(resource, namespace, name)
            return self.cluster.update(resource, body)

        return await self._call(f"patch_status {resource.plural}", do)

    async def apply(
        self, resource: Resource, namespace: str | None, body: JsonObject, *, force: bool = True
    ) -> JsonObject:
        assert force

        def do() -> JsonObject:
            meta = object_meta(body)
            live = self.cluster.get(resource, namespace, meta.name)
            if meta.uid and (live is None or object_meta(live).uid != meta.uid):
                raise ApiConflict(409, "Conflict", f"uid mismatch: {meta.name}")
            self._take_down(resource, namespace, meta.name)
            if live is None:
                return self.cluster.create(resource, body, manager=FIELD_MANAGER)
            applied = merged(live, body)
            _own(applied, body, FIELD_MANAGER)
            return self.cluster.update(resource, applied)

        return await self._call(f"apply {resource.plural}", do)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> None:
        def do() -> None:
            live = self.cluster.get(resource, namespace, name)
            if live is None:
                return
            meta = object_meta(live)
            if uid not in (None, meta.uid) or resource_version not in (None, meta.resource_version):
                raise ApiConflict(409, "Conflict", f"{name} is another one by now")
            self._take_down(resource, namespace, name)
            self.cluster.delete(resource, namespace, name)

        await self._call(f"delete {resource.plural}", do)

    def _take_down(self, resource: Resource, namespace: str | None, name: str) -> None:
        self.cluster.written.add(_place(resource, namespace, name))

    async def _call(self, name: str, do: Callable[[], Answer]) -> Answer:
        return await self.wire.call(name, do, _unavailable)


def is_selected(labels: Mapping[str, str], selector: str) -> bool:
    """Whether labels are as a selector of `key` and `key=value` wants them."""
    terms = [each.partition("=") for each in selector.split(",") if each]
    return all(labels.get(key, "\0") == value for key, _, value in terms if value) and all(
        key in labels for key, _, _ in terms
    )


def _unavailable(_fault: object) -> NoReturn:
    raise ApiUnavailable(503, "ServiceUnavailable", "the API server does not answer")


def member_of(body: JsonObject, name: str) -> JsonObject:
    """Return the object under `name`, made when it is not there."""
    value = body.setdefault(name, {})
    assert isinstance(value, dict)
    return value


def _own(stored: JsonObject, written: JsonObject, manager: str) -> None:
    """Keep the books of managedFields for what a Secret is made of."""
    if text(stored, "kind") != SECRETS.kind:
        return
    metadata = member(written, "metadata")
    fields: JsonObject = {
        "f:data": _fields(member(written, "data")),
        "f:metadata": {
            "f:labels": _fields(member(metadata, "labels")),
            "f:annotations": _fields(member(metadata, "annotations")),
        },
    }
    entries = member_of(stored, "metadata").setdefault("managedFields", [])
    assert isinstance(entries, list)
    entries.append({"manager": manager, "fieldsV1": fields})


def _fields(values: JsonObject) -> JsonObject:
    return {".": {}, **{f"f:{key}": {} for key in values}}
