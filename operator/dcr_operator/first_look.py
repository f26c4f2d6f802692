"""What a start leaves alone: clients that are as they should be wait until something is due.

Ten thousand passes at each start would be a minute of load for nothing. An object says in its
status that its generation is served and what comes next; what its status cannot know (a provider
that has changed meanwhile, a Secret that is gone or edited) is seen by the watches.
"""

import contextlib
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Final

from pydantic import JsonValue

from dcr_operator.conditions import FALSE, TRUE, conditions_of
from dcr_operator.kube import FIELD_MANAGER, Key, member, object_meta, text
from dcr_operator.ports import ReconcileMetrics, ResyncSchedule
from dcr_operator.reasons import ConditionType
from dcr_operator.reconcile_request import is_requested, is_rotation_requested
from dcr_operator.resources.durations import parse_duration
from dcr_operator.state import FINALIZER

Object = Mapping[str, JsonValue]

NOW: Final = 0.0
_MOMENTS: Final = ("nextRotationTime", "previousCredentialsValidUntil", "clientSecretExpiresAt")


@dataclass(slots=True)
class FirstLook:
    """When the objects of the first listing are due, in whatever order they are listed."""

    resync: ResyncSchedule
    metrics: ReconcileMetrics
    every: float  # seconds, the operator's own interval; 0 is never
    now: Callable[[], datetime]
    _settled: dict[Key, str] = field(default_factory=dict)  # clients, and their uids
    _every: dict[Key, float] = field(default_factory=dict)  # of providers that say so themselves
    _changed: set[Key] = field(default_factory=set)  # providers that are not as they were

    def client(self, key: Key, provider: Key | None, client: Object) -> float:
        """Return in how many seconds the client wants a pass: 0 is now, `inf` never."""
        moment = next_moment_in_status(client, self.now())
        if not is_settled(client) or moment == NOW:
            return NOW
        uid = object_meta(client).uid
        self._settled[key] = uid
        self._count(key, provider, client)
        if provider in self._changed:
            return NOW
        every = self.every if provider is None else self._every.get(provider, self.every)
        return min(moment, self._resync(uid, every))

    def provider(self, key: Key, provider: Object, users: Iterable[Key]) -> dict[Key, float]:
        """Return when clients that were listed before their provider are due because of it."""
        status = member(provider, "status")
        if status.get("observedGeneration") != object_meta(provider).generation:
            return self.changed(key, users)
        with contextlib.suppress(ValueError):
            self._every[key] = parse_duration(member(provider, "spec").get("resyncEvery"))
        every = self._every.get(key, self.every)
        return {user: self._resync(self._settled[user], every) for user in self._of(users)}

    def changed(self, provider: Key, users: Iterable[Key]) -> dict[Key, float]:
        """While nobody looked: then its clients are due, and those that are listed later."""
        self._changed.add(provider)
        return dict.fromkeys(self._of(users), NOW)

    def without(self, published: Container[Key]) -> list[Key]:
        """Return the clients that seemed settled and have no Secret; the first looks are over."""
        listed, self._settled = self._settled, {}
        return [key for key in listed if key not in published]

    def forget(self, key: Key) -> None:
        self._settled.pop(key, None)

    def _count(self, key: Key, provider: Key | None, client: Object) -> None:
        """Without a pass nobody else would."""
        expires = _moment(text(member(client, "status"), "clientSecretExpiresAt"))
        self.metrics.client_seen(
            str(key),
            "" if provider is None else provider.path,
            ready=True,
            secret_expires_at=None if expires is None else int(expires.timestamp()),
        )

    def _of(self, users: Iterable[Key]) -> list[Key]:
        return [user for user in users if user in self._settled]

    def _resync(self, uid: str, every: float) -> float:
        return self.resync.seconds_until_due(uid, every, self.now()) if every > 0 else inf


def is_settled(client: Object) -> bool:
    """Whether status says that this very generation is served and nothing is asked for."""
    meta, status = object_meta(client), member(client, "status")
    conditions = {text(each, "type"): each for each in conditions_of(status)}
    ready = conditions.get(ConditionType.READY, {})
    return (
        meta.deletion_timestamp is None
        and FINALIZER in meta.finalizers
        and status.get("observedGeneration") == meta.generation
        and text(ready, "status") == TRUE
        and not any(text(each, "status") == FALSE for each in conditions.values())
        and not is_requested(client)
        and not is_rotation_requested(client)
    )


def next_moment_in_status(client: Object, now: datetime) -> float:
    """Return the seconds until the first moment that status names, 0 when it has passed."""
    status = member(client, "status")
    moments = (text(status, name) for name in _MOMENTS)
    known = [moment for moment in map(_moment, moments) if moment is not None]
    return min((max(NOW, (moment - now).total_seconds()) for moment in known), default=inf)


def _moment(written: str) -> datetime | None:
    """Read what this program writes; anything else is no moment."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def is_edited_by_others(secret: Object) -> bool:
    """Whether somebody else owns data of this Secret, as the API server keeps the books.

    An edit takes the ownership of what it changes along.
    """
    entries = member(secret, "metadata").get("managedFields")
    return any(
        isinstance(entry, dict)
        and entry.get("manager") != FIELD_MANAGER
        and "f:data" in member(entry, "fieldsV1")
        for entry in (entries if isinstance(entries, list) else ())
    )
