"""A resource that went without us, and what its record says about the client. Pure.

The API server decides that nothing holds an object when its deletion begins. A finalizer that is
stored a moment later is ignored, so the object can go while its client is being registered; a
person can take the finalizer off, too. Then all that is left is the record.

Whoever sees the object go knows enough to unregister the client. After a restart only the record is
left, and it looks the same in a cluster that was restored, or is to be moved, without its
OAuthClients yet: what is in doubt is left alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Final

from pydantic import JsonValue

from dcr_operator.kube import OAUTH_CLIENTS, Key, member, text
from dcr_operator.orphans import Orphan, OrphanCause
from dcr_operator.record_state import Intent, IntentKind, Record, Registration
from dcr_operator.resources import DeletionPolicy
from dcr_operator.state import FINALIZER, ProviderSnapshot, ResourceFacts

# A process that dies in the moment of such a deletion is back before that.
YOUNG: Final = timedelta(minutes=15)
# Longer than a first write of a record takes. The Secret of one that was restored is younger.
AS_OLD: Final = timedelta(minutes=1)

_UNKNOWN: Final = datetime.fromtimestamp(0, UTC)  # records of earlier versions do not say it


class Ending(Enum):
    NOTHING = auto()  # nothing of it is at a provider
    RETAINED = auto()  # the client stays, as the resource wanted it
    UNREGISTER = auto()
    DOUBTFUL = auto()  # deleted, or not restored yet


@dataclass(frozen=True, slots=True)
class Traces:
    """What is left of a resource that nobody saw go."""

    record: Record
    made_at: datetime | None  # when the Secret of the record was made
    namesake: bool  # whether another resource has the name by now


def is_retained(client: Mapping[str, JsonValue]) -> bool:
    return text(member(client, "spec"), "deletionPolicy") == DeletionPolicy.RETAIN.value


def known_ending(record: Record) -> Ending:
    """Return what becomes of the client of a resource that is known to be gone."""
    if record.retain:
        return Ending.RETAINED
    # A record without anything goes too.
    return Ending.NOTHING if record.holds_nothing and record.orphans else Ending.UNREGISTER


def ending_at_start(traces: Traces, now: datetime) -> Ending:
    """Return what becomes of it when there is no more to go by than traces."""
    record = traces.record
    if record.retain or record.holds_nothing:
        return known_ending(record)
    if record.gone_at is not None or (_is_young(traces, now) and not traces.namesake):
        return Ending.UNREGISTER
    return Ending.DOUBTFUL


def _is_young(traces: Traces, now: datetime) -> bool:
    began, made = traces.record.began_at, traces.made_at
    return (
        began is not None
        and made is not None
        and now - began < YOUNG
        and abs(made - began) < AS_OLD
    )


def gone_resource(record: Record) -> ResourceFacts:
    """Return it as its deletion found it, held by us until its client is gone."""
    identity = record.resource
    return ResourceFacts(
        key=Key(OAUTH_CLIENTS.kind, identity.namespace, identity.name),
        uid=identity.uid,
        generation=0,
        resource_version="",
        finalizers=(FINALIZER,),
        deleted_at=record.gone_at,
        retain=record.retain,
        gone=True,
    )


def held_as_orphans(record: Record) -> tuple[Orphan, ...]:
    """Return what a record holds, in the words of what may be left at a provider."""
    held = [(record.provider, record.registration, record.intent)]
    held += [(each.provider, each.registration, each.intent) for each in record.retiring]
    return tuple(orphan for each in held for orphan in _as_orphans(record, *each))


def _as_orphans(
    record: Record,
    provider: ProviderSnapshot,
    registration: Registration | None,
    intent: Intent | None,
) -> Iterator[Orphan]:
    since = record.gone_at or record.began_at or _UNKNOWN
    if intent is not None and intent.kind is IntentKind.ADOPT:
        return  # it was only claimed
    if intent is not None and intent.kind is IntentKind.REGISTER:
        there = (intent.provider or provider).issuer
        yield Orphan(OrphanCause.RESOURCE_GONE, there, since, intent_id=intent.id)
    if registration is not None:
        yield Orphan(
            cause=OrphanCause.RESOURCE_GONE,
            issuer=provider.issuer,
            since=since,
            client_id=registration.client_id,
            connection=provider.connection,
            management=registration.management(),
        )
