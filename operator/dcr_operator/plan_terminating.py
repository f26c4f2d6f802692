"""A deletion that fails while its namespace is going: after a while nobody can help it. Pure.

A namespace waits for the finalizers of what is in it, and in one that is terminating nothing can be
made, such as a Secret that was missing. So what cannot be deleted at the provider is put on record,
with the access to it, and the object is let go.
"""

from datetime import datetime, timedelta
from typing import Final

from dcr_operator.orphans import OrphanCause
from dcr_operator.plan_registration import orphan_of
from dcr_operator.reasons import Reason
from dcr_operator.retirement import focused
from dcr_operator.state import Observed, Record, RecordUnreadable
from dcr_operator.steps import (
    CloseRecord,
    ObserveNamespace,
    RemoveFinalizer,
    Retire,
    Step,
    Wait,
)

PATIENCE: Final = timedelta(minutes=10)


def let_go(step: Step, observed: Observed, now: datetime) -> Step:
    """Return the step, or what ends the wait for a provider that does not delete."""
    if not isinstance(step, Wait) or step.reason is not Reason.DELETION_BLOCKED:
        return step
    if not _long_enough(observed.resource.deleted_at, now):
        return step
    if observed.namespace is None:
        return ObserveNamespace()
    if not _long_enough(observed.namespace.deleted_at, now):
        return step
    why = step.message.partition(". To let")[0]
    return _on_record(observed, now, f"its namespace is terminating, and {why}")


def _long_enough(since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since >= PATIENCE


def _on_record(observed: Observed, now: datetime, why: str) -> Step:
    if isinstance(observed.record, RecordUnreadable) or observed.stored is None:
        return RemoveFinalizer((Reason.DELETION_BLOCKED, f"{why}; the record is kept"))
    if observed.stored.registration is not None or observed.stored.intent is not None:
        return _closed(observed, observed.stored, now, why)
    for known in observed.retirements:
        seen = focused(observed, known)
        if seen.stored is not None:
            return Retire(known.index, _closed(seen, seen.stored, now, why))
    return RemoveFinalizer((Reason.DELETION_BLOCKED, why))


def _closed(observed: Observed, stored: Record, now: datetime, why: str) -> CloseRecord:
    named = stored.registration is not None
    cause = OrphanCause.ABANDONED if named else OrphanCause.AMBIGUOUS_CREATE
    client = stored.registration.shown_id if stored.registration else "a client, if any,"
    left = f"{why}: {client} is left there; it is on record, see dcr-operator orphans"
    return CloseRecord(
        orphan_of(observed, stored.registering_at, cause, now), (Reason.DELETION_BLOCKED, left)
    )
