"""Who uses which provider, as the watch has shown it. Pure but for its own memory."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import JsonValue

from dcr_operator.kube import (
    CLUSTER_OAUTH_PROVIDERS,
    OAUTH_CLIENTS,
    Key,
    ObjectMeta,
    member,
    object_meta,
    text,
)
from dcr_operator.resources import DeletionPolicy
from dcr_operator.state import FINALIZER

Object = Mapping[str, JsonValue]
_Where = TypeVar("_Where", bound=Hashable)


@dataclass(frozen=True, slots=True)
class ClientUse:
    """What of an OAuthClient concerns its providers: where it is, and where it wants to be."""

    wanted: Key | None = None
    registered: Key | None = None
    held: bool = False  # it has our finalizer: it is registered, or about to be
    retained: bool = False  # the provider is not needed when it goes

    @property
    def providers(self) -> tuple[Key, ...]:
        both = (self.wanted or self.registered, self.registered)
        return tuple(dict.fromkeys(each for each in both if each is not None))

    @property
    def provider(self) -> Key | None:
        return self.wanted or self.registered

    @property
    def needs_provider(self) -> bool:
        return self.held and not self.retained

    @property
    def place(self) -> Key | None:
        """Return where it takes a place; one that moves takes the new one when it is let in."""
        if self.registered is not None:
            return self.registered
        return self.wanted if self.held else None


def client_use(client: Object) -> ClientUse:
    meta, spec, status = object_meta(client), member(client, "spec"), member(client, "status")
    seen = _provider(meta, member(status, "providerRef"))
    named = _provider(meta, member(spec, "providerRef"))
    has_client = bool(text(status, "clientId"))
    return ClientUse(
        wanted=named or seen,
        # Older operators did not say where.
        registered=(seen or named) if has_client else None,
        held=FINALIZER in meta.finalizers,
        retained=text(spec, "deletionPolicy") == DeletionPolicy.RETAIN.value,
    )


def _provider(meta: ObjectMeta, ref: Object) -> Key | None:
    kind, name = text(ref, "kind"), text(ref, "name")
    if not name:
        return None
    return Key(kind, "" if kind == CLUSTER_OAUTH_PROVIDERS.kind else meta.namespace, name)


def holders_among(clients: Iterable[Object], provider: Key) -> tuple[Key, ...]:
    """Return the clients without which the provider may go, and with which it may not."""
    found = []
    for client in clients:
        use, meta = client_use(client), object_meta(client)
        if use.needs_provider and provider in use.providers:
            found.append(Key(OAUTH_CLIENTS.kind, meta.namespace, meta.name))
    return tuple(sorted(found))


@dataclass(slots=True)
class ProviderUsers:
    """Clients by provider: those that name it, those that are registered, those that need it."""

    _clients: dict[Key, set[Key]] = field(default_factory=dict)
    _holders: dict[Key, set[Key]] = field(default_factory=dict)
    _registered: Counter[Key] = field(default_factory=Counter)
    _left: set[Key] = field(default_factory=set)

    def clients_of(self, provider: Key) -> Collection[Key]:
        return self._clients.get(provider, ())

    def holders_of(self, provider: Key) -> Collection[Key]:
        return self._holders.get(provider, ())

    def registered_at(self, provider: Key) -> int:
        return self._registered[provider]

    def was_left(self, provider: Key) -> bool:
        """Whether the last holder was seen to go, and not just nobody was seen yet."""
        return provider in self._left and not self._holders.get(provider)

    def forget(self, provider: Key) -> None:
        self._left.discard(provider)

    def note(self, client: Key, before: ClientUse, now: ClientUse) -> None:
        for provider in before.providers:
            discard(self._clients, provider, client)
            if before.needs_provider and discard(self._holders, provider, client):
                self._left.add(provider)
        for provider in now.providers:
            self._clients.setdefault(provider, set()).add(client)
            if now.needs_provider:
                self._holders.setdefault(provider, set()).add(client)
        if before.registered is not None:
            self._registered[before.registered] -= 1
        if now.registered is not None:
            self._registered[now.registered] += 1


def discard(sets: dict[_Where, set[Key]], where: _Where, client: Key) -> bool:
    """Take the client out; whether that left nobody."""
    there = sets.get(where)
    if there is None or client not in there:
        return False
    there.discard(client)
    if there:
        return False
    del sets[where]
    return True
