"""What the watches have shown: which event concerns which keys, and who uses which provider.

Pure but for its own memory, a few words for each object. It never says what *is*, only
what to look at: passes read everything live, and resync finds what was missed here.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import JsonValue

from dcr_operator.client_places import ClientPlaces
from dcr_operator.default_provider import is_default
from dcr_operator.first_look import FirstLook, is_edited_by_others
from dcr_operator.kube import (
    NAMESPACES,
    OAUTH_CLIENTS,
    Key,
    ObjectMeta,
    Resource,
    member,
    object_meta,
    text,
)
from dcr_operator.object_names import CLIENT_LABEL
from dcr_operator.ports import Place
from dcr_operator.provider_state import PROVIDER_FINALIZER
from dcr_operator.provider_users import ClientUse, ProviderUsers, client_use
from dcr_operator.reconcile_request import requests
from dcr_operator.record import RECORD_KIND, RECORDS
from dcr_operator.resource_gone import is_retained
from dcr_operator.state import FINALIZER
from dcr_operator.work_queue import Priority

DELETED = "DELETED"
ADDED = "ADDED"
DEBOUNCE: Final = 10.0  # seconds until a provider's count of clients is written
WHILE_LISTED: Final = 2.0  # at a start, whose count is hardly another
LISTED: None = None  # the object was there when the watch began

Object = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Enqueue:
    """What the work queue is to do because of an event."""

    key: Key
    priority: Priority = Priority.CHANGED
    reset_backoff: bool = False
    after: float = 0.0  # seconds; inf is never


@dataclass(frozen=True, slots=True)
class _Seen:
    """What of an object makes a difference; our own writes do not."""

    uid: str
    generation: int
    deleting: bool
    requested: tuple[str, ...]
    held: bool
    ready: bool
    use: ClientUse  # of a provider: none
    default: bool = False  # of a provider: for clients that name none
    retain: bool = False  # of a client: deletionPolicy

    def asks_for_more_than(self, before: "_Seen") -> bool:
        mine = (self.uid, self.generation, self.deleting, self.requested)
        theirs = (before.uid, before.generation, before.deleting, before.requested)
        return mine != theirs or (before.held and not self.held)


@dataclass(frozen=True, slots=True)
class _SeenSecret:
    digest: bytes
    client: Key


@dataclass(slots=True)
class WatchIndex:
    """Implements `ports.ProviderUse`; ``listed`` says whether the first listing is complete."""

    first_look: FirstLook
    listed: Callable[[], bool] = lambda: True
    enqueue: Callable[[Enqueue], None] = lambda _enqueue: None  # for what no event tells
    changed: Callable[[Resource, str, str], None] = lambda _resource, _namespace, _name: None
    _clients: dict[Key, _Seen] = field(default_factory=dict)
    _providers: dict[Key, _Seen] = field(default_factory=dict)
    _users: ProviderUsers = field(default_factory=ProviderUsers)
    _places: ClientPlaces = field(default_factory=ClientPlaces)
    _unserved: set[Key] = field(default_factory=set)  # clients that have no provider yet
    _secrets: dict[tuple[str, str], _SeenSecret] = field(default_factory=dict)
    _namespaces: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _leaving: set[str] = field(default_factory=set)  # namespaces that are being deleted
    _left: dict[Key, set[str]] = field(default_factory=dict)  # uids of clients that are gone

    def clients_of(self, provider: Key) -> int | None:
        return self._users.registered_at(provider) if self.listed() else None

    def holders_of(self, provider: Key) -> Collection[Key] | None:
        return self._users.holders_of(provider) if self.listed() else None

    def was_left(self, provider: Key) -> bool:
        return self._users.was_left(provider)

    def take_place(self, provider: Key, client: Key, limit: int) -> Place:
        return self._places.take(provider, client, limit) if self.listed() else Place.UNKNOWN

    def left_by(self, client: Key, uid: str | None) -> Collection[str]:
        """Whoever asks takes them over; a DELETED that was missed is made up for."""
        before = self._clients.get(client)
        left = self._left.pop(client, set())
        missed = before is not None and uid is None and not before.retain
        return left | {before.uid} if before is not None and missed else left

    def uids(self) -> frozenset[str]:
        """Return those of the clients that are there, as far as the watch has shown."""
        return frozenset(seen.uid for seen in self._clients.values())

    def leave(self, client: Key, uid: str) -> None:
        """Have what is left of a client looked at, after what is under way for its name."""
        self._left.setdefault(client, set()).add(uid)
        self.enqueue(Enqueue(client, Priority.ROUTINE))

    def discovered(self, provider: Key, shown: str, before: str | None) -> None:
        """What of a provider goes into Secrets: when it changes, its clients are looked at."""
        if before is not None and before != shown:
            self.first_look.changed(provider, ())
            for each in self._users_of(provider):
                self.enqueue(each)

    def has_left(self, namespace: str) -> bool:
        """Whether a namespace is not there, or is being deleted."""
        return namespace not in self._namespaces or namespace in self._leaving

    def unpublished(self) -> list[Enqueue]:
        """Clients of the first listing whose Secret went while nobody looked."""
        published = {secret.client for secret in self._secrets.values()}
        return [Enqueue(key) for key in self.first_look.without(published)]

    def provider_of(self, key: Key) -> Key | None:
        """The lane of a key in the work queue; all records share one."""
        if key.kind == RECORD_KIND:
            return RECORDS
        if key.kind != OAUTH_CLIENTS.kind:
            return key
        seen = self._clients.get(key)
        return None if seen is None else seen.use.provider

    def on_client(self, event: str | None, obj: Object) -> list[Enqueue]:
        meta = object_meta(obj)
        key = Key(OAUTH_CLIENTS.kind, meta.namespace, meta.name)
        before = self._clients.get(key)
        seen = None if event == DELETED else _seen(meta, obj, client_use(obj))
        found = self._recount(key, before, seen, WHILE_LISTED if event is LISTED else DEBOUNCE)
        if before is not None and before.uid != meta.uid and not before.retain:
            self._left.setdefault(key, set()).add(before.uid)
        if seen is None:
            if not is_retained(obj):
                self._left.setdefault(key, set()).add(meta.uid)
            self._clients.pop(key, None)
            self.first_look.forget(key)
            found += [_freed(each) for each in self._places.gone(key)]
            return [*found, Enqueue(key, Priority.ROUTINE)]
        self._clients[key] = seen
        if before is None:
            if event is not LISTED:
                return [*found, Enqueue(key, reset_backoff=True)]
            after = self.first_look.client(key, seen.use.provider, obj)
            return [*found, Enqueue(key, Priority.ROUTINE, reset_backoff=True, after=after)]
        if seen.asks_for_more_than(before):
            found.append(Enqueue(key, reset_backoff=True))
        return found

    def on_provider(self, kind: str, event: str | None, obj: Object) -> list[Enqueue]:
        meta = object_meta(obj)
        key = Key(kind, meta.namespace, meta.name)
        self.changed(key.resource, key.namespace, key.name)
        before = self._providers.get(key)
        if event == DELETED:
            self._providers.pop(key, None)
            self._users.forget(key)
            for_all = self._default_changed(key, before, None)
            return [Enqueue(key, Priority.ROUTINE), *self._users_of(key), *for_all]
        # Requests are made of clients.
        seen = replace(
            _seen(meta, obj, ClientUse()),
            requested=(),
            default=is_default(meta),
            held=PROVIDER_FINALIZER in meta.finalizers,
        )
        self._providers[key] = seen
        for_all = self._default_changed(key, before, seen)
        if before is None:
            # While everything is listed its clients come by themselves.
            waiting = self._settled(key, obj) if event is LISTED else self._users_of(key)
            return [Enqueue(key, reset_backoff=True), *waiting, *for_all]
        if seen.asks_for_more_than(before):
            return [Enqueue(key, reset_backoff=True), *self._users_of(key), *for_all]
        if seen.ready and not before.ready:
            return [*self._users_of(key, only_waiting=True), *for_all]
        return for_all

    def on_secret(self, event: str | None, obj: Object) -> list[Enqueue]:
        """A tenant Secret that is changed or gone is restored; new ones are our own."""
        meta = object_meta(obj)
        place = (meta.namespace, meta.name)
        before = self._secrets.pop(place, None)
        labelled = Key(OAUTH_CLIENTS.kind, meta.namespace, meta.labels.get(CLIENT_LABEL, ""))
        # The label may have been edited: whose Secret it was counts too.
        first = labelled if before is None else before.client
        known = [key for key in dict.fromkeys((first, labelled)) if key in self._clients]
        if event == DELETED:
            return [Enqueue(key) for key in known if not self._clients[key].deleting]
        now = _SeenSecret(_digest(obj), first if first in self._clients else labelled)
        self._secrets[place] = now
        if before is None:
            # Who was listed before and who is listed after it: both come to be looked at.
            away = event is LISTED and is_edited_by_others(obj)
            return [Enqueue(labelled, Priority.ROUTINE)] if away else []
        if before.digest == now.digest:
            return []
        return [Enqueue(key) for key in known]

    def on_namespace(self, event: str | None, obj: Object) -> list[Enqueue]:
        """Labels decide whether a provider's selector allows the namespace."""
        meta = object_meta(obj)
        self.changed(NAMESPACES, "", meta.name)
        before = self._namespaces.pop(meta.name, None)
        if event == DELETED:
            self._leaving.discard(meta.name)
            return []
        (self._leaving.add if meta.deletion_timestamp else self._leaving.discard)(meta.name)
        self._namespaces[meta.name] = meta.labels
        if before is None or before == meta.labels:
            return []
        keys = [key for key in self._clients if key.namespace == meta.name]
        return [Enqueue(key, Priority.ROUTINE, reset_backoff=True) for key in keys]

    def _default_changed(self, key: Key, before: _Seen | None, now: _Seen | None) -> list[Enqueue]:
        """Whoever has no provider yet may have one now, or another."""
        was, is_now = before is not None and before.default, now is not None and now.default
        if was == is_now:
            return []
        waiting = {
            client
            for client in (*self._unserved, *self._users.clients_of(key))
            if not self._clients[client].ready
        }
        return [Enqueue(each, Priority.ROUTINE, reset_backoff=True) for each in sorted(waiting)]

    def _settled(self, provider: Key, obj: Object) -> list[Enqueue]:
        due = self.first_look.provider(provider, obj, self._users.clients_of(provider))
        return [Enqueue(key, Priority.ROUTINE, after=after) for key, after in due.items()]

    def _users_of(self, provider: Key, *, only_waiting: bool = False) -> list[Enqueue]:
        users: Iterable[Key] = self._users.clients_of(provider)
        if only_waiting:
            users = (key for key in users if not self._clients[key].ready)
        return [Enqueue(key, Priority.ROUTINE, reset_backoff=True) for key in users]

    def _recount(
        self, key: Key, before: _Seen | None, now: _Seen | None, pause: float
    ) -> list[Enqueue]:
        """Count the client anew; returns what is to be looked at because of that."""
        was, uses = (ClientUse() if each is None else each.use for each in (before, now))
        (self._unserved.add if now and not uses.providers else self._unserved.discard)(key)
        if was == uses:
            return []
        held = {each: bool(self._users.holders_of(each)) for each in was.providers + uses.providers}
        self._users.note(key, was, uses)
        found = [_freed(each) for each in self._places.note(key, was, uses)]
        counted = was.registered != uses.registered
        for provider, was_held in held.items():
            # The first that holds a provider and the last that let go are told at once.
            turned = was_held != bool(self._users.holders_of(provider))
            if counted or turned:
                found.append(Enqueue(provider, Priority.ROUTINE, after=0.0 if turned else pause))
        return found


def _freed(client: Key) -> Enqueue:
    return Enqueue(client, Priority.ROUTINE, reset_backoff=True)


def _seen(meta: ObjectMeta, obj: Object, use: ClientUse) -> _Seen:
    return _Seen(
        uid=meta.uid,
        generation=meta.generation,
        deleting=meta.deletion_timestamp is not None,
        requested=requests(obj),
        held=FINALIZER in meta.finalizers,
        ready=_is_ready(obj),
        use=use,
        retain=is_retained(obj),
    )


def _is_ready(obj: Object) -> bool:
    conditions = member(obj, "status").get("conditions")
    return any(
        text(each, "type") == "Ready" and text(each, "status") == "True"
        for each in (conditions if isinstance(conditions, list) else ())
        if isinstance(each, dict)
    )


def _digest(secret: Object) -> bytes:
    """What is ours in a Secret, as a digest: values are not kept."""
    meta = member(secret, "metadata")
    ours = [secret.get("data"), meta.get("labels"), meta.get("annotations")]
    ours.append(meta.get("ownerReferences"))
    return hashlib.sha256(json.dumps(ours, sort_keys=True).encode()).digest()
