"""After a restore that gave resources new uids: records follow their resources, by name.

A record belongs to a uid, so that a resource made again never inherits. A restore makes all of them
again, and a person says that this once they are the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from dcr_operator.kube import (
    OAUTH_CLIENTS,
    SECRETS,
    ApiAlreadyExists,
    JsonObject,
    Key,
    KubernetesApi,
    ObjectMeta,
    member,
    object_meta,
    text,
    texts,
)
from dcr_operator.object_names import CLIENT_LABEL, owner_reference
from dcr_operator.observe import resource_facts
from dcr_operator.orphan_list import Records
from dcr_operator.record import record_name, record_secret
from dcr_operator.state import StoredRecord


class Finding(StrEnum):
    BOUND = "bound"  # nothing to do
    REBIND = "rebind"
    DONE_BEFORE = "done before"  # cut off after the new record was written: the old one goes
    TAKEN = "taken"  # the resource has a record of its own by now
    GONE = "gone"  # no resource of that name


@dataclass(frozen=True, slots=True)
class Rebinding:
    """One record, and what is to become of it."""

    stored: StoredRecord
    finding: Finding
    client: JsonObject | None = None

    @property
    def place(self) -> str:
        return f"{self.stored.record.resource.namespace}/{self.stored.record.resource.name}"


def rebindings(records: Records, clients: Sequence[JsonObject]) -> tuple[Rebinding, ...]:
    """Judge every record. Pure."""
    by_name = {(_meta(each).namespace, _meta(each).name): each for each in clients}
    by_uid = {stored.record.resource.uid: stored for stored in records.readable}
    live = {_meta(each).uid for each in clients}
    return tuple(_judged(stored, by_name, by_uid, live) for stored in records.readable)


def _judged(
    stored: StoredRecord,
    by_name: Mapping[tuple[str, str], JsonObject],
    by_uid: Mapping[str, StoredRecord],
    live: set[str],
) -> Rebinding:
    resource = stored.record.resource
    if resource.uid in live:
        return Rebinding(stored, Finding.BOUND)
    client = by_name.get((resource.namespace, resource.name))
    if client is None:
        return Rebinding(stored, Finding.GONE)
    present = by_uid.get(_meta(client).uid)
    if present is None:
        return Rebinding(stored, Finding.REBIND, client)
    same = replace(present.record, resource=resource) == replace(stored.record, gone_at=None)
    return Rebinding(stored, Finding.DONE_BEFORE if same else Finding.TAKEN, client)


def _meta(document: JsonObject) -> ObjectMeta:
    return object_meta(document)


async def rebind(rebinding: Rebinding, api: KubernetesApi, namespace: str) -> None:
    """Write the record under the new uid, then the Secret's owner, then remove the old record.

    Cut off anywhere, the same command completes it. Raises ApiConflict when something was
    written since it was read.
    """
    stored, client = rebinding.stored, rebinding.client
    if client is None:
        return
    meta = object_meta(client)
    identity = replace(stored.record.resource, uid=meta.uid)
    if rebinding.finding is Finding.REBIND:
        record = replace(stored.record, resource=identity, gone_at=None)
        body = record_secret(record, namespace, None)
        try:
            await api.create(SECRETS, namespace, body)
        except ApiAlreadyExists:
            return  # the operator was quicker: the next look finds it taken
    await _own_secrets(rebinding, client, api)
    await api.delete(
        SECRETS,
        namespace,
        record_name(stored.record.resource.uid),
        uid=stored.uid,
        resource_version=stored.resource_version,
    )


async def _own_secrets(rebinding: Rebinding, client: JsonObject, api: KubernetesApi) -> None:
    meta = object_meta(client)
    asked = text(member(member(client, "spec"), "secret"), "name")
    names = {asked or meta.name, text(member(client, "status"), "secretName")} - {""}
    for name in sorted(names):
        secret = await api.get(SECRETS, meta.namespace, name)
        if secret is not None and _was_ours(secret, rebinding):
            await _own(secret, client, api)


def _was_ours(secret: JsonObject, rebinding: Rebinding) -> bool:
    """Whether it has our label, and no owner but the resource as it was before."""
    meta, before = object_meta(secret), rebinding.stored.record.resource
    labelled = meta.labels.get(CLIENT_LABEL) == before.name
    controllers = {owner.uid for owner in meta.owners if owner.controller}
    return labelled and controllers <= {before.uid} and bool(texts(secret, "data"))


async def _own(secret: JsonObject, client: JsonObject, api: KubernetesApi) -> None:
    meta = object_meta(client)
    key = Key(OAUTH_CLIENTS.kind, meta.namespace, meta.name)
    operations: list[JsonObject] = [
        {
            "op": "test",
            "path": "/metadata/resourceVersion",
            "value": object_meta(secret).resource_version,
        },
        {
            "op": "add",
            "path": "/metadata/ownerReferences",
            "value": [owner_reference(resource_facts(key, client))],
        },
    ]
    await api.json_patch(SECRETS, meta.namespace, object_meta(secret).name, operations)
