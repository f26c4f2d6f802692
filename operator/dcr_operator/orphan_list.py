"""The orphans on record: listed for people, and removed where the record has the access to them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from dcr_operator.kube import (
    OAUTH_CLIENTS,
    SECRETS,
    JsonObject,
    KubernetesApi,
    object_meta,
)
from dcr_operator.object_names import MANAGED_BY
from dcr_operator.orphans import Orphan
from dcr_operator.outcomes import (
    Deleted,
    NotSupported,
    Outcome,
    RegistrationAccessTokenRejected,
)
from dcr_operator.ports import RegistrationClient
from dcr_operator.record import read_record_secret, record_secret, uid_of_record
from dcr_operator.resource_gone import held_as_orphans
from dcr_operator.state import Record, RecordUnreadable, StoredRecord
from dcr_protocol.response_errors import clean_text

_NOT_FOUND = 404
_MANAGED = ",".join(f"{key}={value}" for key, value in MANAGED_BY.items())


@dataclass(frozen=True, slots=True)
class Records:
    """All records of an operator, and the names of those that cannot be read."""

    readable: tuple[StoredRecord, ...]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedOrphan:
    record: Record
    orphan: Orphan

    @property
    def name(self) -> str:
        """Return what a person calls it: the client_id, else the id of its registration."""
        return self.orphan.client_id or self.orphan.intent_id or ""

    @property
    def removable(self) -> bool:
        return self.orphan.connection is not None and bool(self.orphan.management)

    @property
    def is_certain(self) -> bool:
        """Whether it is on record as an orphan, and not only without its resource."""
        return self.orphan in self.record.orphans

    def to_document(self) -> JsonObject:
        """Return what is shown: never the access."""
        resource, orphan = self.record.resource, self.orphan
        return {
            "namespace": resource.namespace,
            "name": resource.name,
            "uid": resource.uid,
            "clientId": orphan.client_id,
            "intentId": orphan.intent_id,
            "issuer": orphan.issuer,
            "cause": orphan.cause.value,
            "since": orphan.since.isoformat(),
            "removable": self.removable,
        }


@dataclass(frozen=True, slots=True)
class Removal:
    """What came of one orphan; `done` says that nothing of it is on record any more."""

    orphan: ListedOrphan
    done: bool
    words: str


async def read_records(api: KubernetesApi, namespace: str) -> Records:
    found = await api.list(SECRETS, namespace, label_selector=_MANAGED)
    readable: list[StoredRecord] = []
    unreadable: list[str] = []
    for secret in found:
        name = object_meta(secret).name
        if uid_of_record(name) is None:
            continue
        record = read_record_secret(secret)
        if isinstance(record, RecordUnreadable):
            unreadable.append(f"{namespace}/{name}: {record.message}")
        else:
            readable.append(record)
    return Records(tuple(readable), tuple(unreadable))


def listed(records: Records) -> tuple[ListedOrphan, ...]:
    every = (
        ListedOrphan(stored.record, orphan)
        for stored in records.readable
        for orphan in stored.record.orphans
    )
    return tuple(sorted(every, key=lambda each: each.orphan.since))


def without_resource(records: Records, live: Collection[str]) -> tuple[ListedOrphan, ...]:
    """Return the clients on record whose OAuthClients are not there; `live` are uids of those.

    Deleted, or not restored yet: a person says which.
    """
    every = (
        ListedOrphan(stored.record, orphan)
        for stored in records.readable
        if stored.record.resource.uid not in live and not stored.record.retain
        for orphan in held_as_orphans(stored.record)
    )
    return tuple(sorted(every, key=lambda each: each.orphan.since))


@dataclass(frozen=True, slots=True)
class OrphanRemoval:
    """Removes orphans one after the other; each record is written as it was read, or not at all."""

    api: KubernetesApi
    registrations: RegistrationClient
    namespace: str

    async def delete(self, orphan: ListedOrphan, records: Records) -> Removal:
        """Delete the client at its provider, then what is on record of it.

        Raises ApiConflict when the record has been written since it was read.
        """
        holder = _in_force(orphan.orphan, records)
        if holder is not None:
            return Removal(orphan, done=False, words=f"is in use by {holder}: left alone")
        outcome = await self._delete_at_provider(orphan.orphan)
        if isinstance(outcome, Deleted) or outcome == NotSupported(_NOT_FOUND):
            await self.forget(orphan, records)
            return Removal(orphan, done=True, words="deleted")
        return Removal(orphan, done=False, words=_why(outcome))

    async def put_on_record(self, orphan: ListedOrphan, records: Records) -> None:
        """Have all that a record holds be orphans: a person says that its resource is deleted.

        Raises ApiConflict when the record has been written since it was read.
        """
        stored = next(each for each in records.readable if each.record == orphan.record)
        record = stored.record
        orphans = (*record.orphans, *held_as_orphans(record))
        given_up = replace(record, intent=None, registration=None, retiring=(), orphans=orphans)
        body = record_secret(given_up, self.namespace, stored)
        await self.api.replace(SECRETS, self.namespace, body)

    async def forget(self, orphan: ListedOrphan, records: Records) -> None:
        """Take it off the record, and the record away when it holds nothing else."""
        stored = next(each for each in records.readable if each.record == orphan.record)
        left = tuple(each for each in stored.record.orphans if each != orphan.orphan)
        record = replace(stored.record, orphans=left)
        if await self._is_needed(record):
            body = record_secret(record, self.namespace, stored)
            await self.api.replace(SECRETS, self.namespace, body)
            return
        name = object_meta(record_secret(record, self.namespace, stored)).name
        await self.api.delete(
            SECRETS,
            self.namespace,
            name,
            uid=stored.uid,
            resource_version=stored.resource_version,
        )

    async def _delete_at_provider(self, orphan: Orphan) -> Outcome:
        outcome: Outcome = RegistrationAccessTokenRejected()
        if orphan.connection is None:
            return outcome
        for access in orphan.management:
            outcome = await self.registrations.delete(orphan.connection, access)
            if not isinstance(outcome, RegistrationAccessTokenRejected):
                break
        return outcome

    async def _is_needed(self, record: Record) -> bool:
        if record.orphans or record.retiring or record.registration or record.intent:
            return True
        resource = record.resource
        live = await self.api.get(OAUTH_CLIENTS, resource.namespace, resource.name)
        return live is not None and object_meta(live).uid == resource.uid


def _in_force(orphan: Orphan, records: Records) -> str | None:
    """Return who uses the client after all, such as by an adoption."""
    for stored in records.readable:
        clients = tuple(_clients(stored.record))
        if (orphan.issuer, orphan.client_id) in clients:
            return f"{stored.record.resource.namespace}/{stored.record.resource.name}"
    return None


def _clients(record: Record) -> Iterator[tuple[str, str | None]]:
    held = [(record.provider, record.registration)]
    held += [(each.provider, each.registration) for each in record.retiring]
    for provider, registration in held:
        if registration is not None:
            yield provider.issuer, registration.client_id


def _why(outcome: Outcome) -> str:
    if isinstance(outcome, RegistrationAccessTokenRejected):
        return "the provider refuses the token: it is gone, or has to be removed there by hand"
    detail = getattr(outcome, "detail", "") or type(outcome).__name__
    return f"the provider did not delete it: {clean_text(detail)}"


def named(orphans: Sequence[ListedOrphan], name: str) -> tuple[ListedOrphan, ...]:
    return tuple(each for each in orphans if each.name == name)
