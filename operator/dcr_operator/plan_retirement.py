"""When a registration that was replaced goes, and how: by the rules of any deletion. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from dcr_operator import plan_unwanted as unwanted
from dcr_operator.orphans import OrphanCause
from dcr_operator.plan_registration import orphan_of
from dcr_operator.reasons import Reason
from dcr_operator.retirement import due, focused
from dcr_operator.state import (
    Desired,
    IntentKind,
    Observed,
    ProviderUnusable,
    Retirement,
    Unwanted,
)
from dcr_operator.steps import (
    CloseRecord,
    Done,
    Effect,
    End,
    ObserveRetiring,
    Retire,
    ScheduleRetirement,
    SetAside,
    Step,
    Stop,
    Wait,
)

# A provider that does not answer for a day is not coming back soon: the client is put on record.
PATIENCE: Final = timedelta(hours=24)
_NOT_ANSWERING: Final = frozenset({Reason.PROVIDER_UNAVAILABLE, Reason.DISCOVERY_FAILED})


def unscheduled(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """The Secret holds what follows: from now on the overlap runs."""
    retiring = observed.stored.retiring if observed.stored else ()
    if all(each.not_before is not None for each in retiring):
        return None
    return ScheduleRetirement(now + desired.overlap)


def due_now(_desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """What cannot go yet is no reason for the client in force not to be Ready."""
    stored = observed.stored
    if stored is None:
        return None
    return _next(observed, due(stored, now), now, patience=PATIENCE)


def without_successor(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """What is to go does so also when nothing is registered in its place, and nothing will be."""
    return None if observed.registration is not None else due_now(desired, observed, now)


def elsewhere_unanswered(_wish: Unwanted, observed: Observed, now: datetime) -> Step | None:
    """A registration that was to take the place of the one in force is looked up by itself."""
    intent = observed.intent
    if intent is None or intent.kind is not IntentKind.REGISTER or intent.provider is None:
        return None
    return SetAside(now)


def at_once(wish: Unwanted, observed: Observed, now: datetime) -> Step | None:
    """A deletion waits for no overlap; one that retains waits for no provider either."""
    stored = observed.stored
    if stored is None:
        return None
    patience = timedelta(0) if wish.retain else None
    indexes = (
        index
        for index, each in enumerate(stored.retiring)
        # The Secret that stays has the credentials of what nothing published has followed yet.
        if not wish.retain or each.not_before is not None
    )
    return _next(observed, indexes, now, patience=patience)


def blocked(_wish: Unwanted, observed: Observed, now: datetime) -> Step | None:
    """One of those that retire cannot be deleted: nothing of the record goes before."""
    for known in observed.retirements:
        step = _planned(observed, known, now)
        if isinstance(step, Wait | Stop):
            return unwanted.blocked(step.message.partition(". To let")[0])
    return None


def _next(
    observed: Observed, indexes: Iterable[int], now: datetime, *, patience: timedelta | None
) -> Step | None:
    learned = {each.index: each for each in observed.retirements}
    for index in indexes:
        known = learned.get(index)
        if known is None:
            return ObserveRetiring(index)
        step: Effect | End | None = None
        if patience is None or not _is_silent(known):
            step = _planned(observed, known, now)
        if step is None or isinstance(step, Wait | Stop | Done):
            step = _given_up(observed, known, now, patience=patience)
        if step is not None:
            return Retire(index, step)
    return None


def _is_silent(known: Retirement) -> bool:
    state = known.provider
    return isinstance(state, ProviderUnusable) and state.reason in _NOT_ANSWERING


def _planned(observed: Observed, known: Retirement, now: datetime) -> Effect | End:
    seen = focused(observed, known)
    wish = Unwanted(retain=False)
    for check in (unwanted.request_failed, unwanted.creation_unknown, unwanted.registered):
        step = check(wish, seen, now)
        if step is not None:
            return step
    return CloseRecord(None)


def _given_up(
    observed: Observed, known: Retirement, now: datetime, *, patience: timedelta | None
) -> Effect | None:
    stored = observed.stored
    if patience is None or stored is None:
        return None
    retiring = stored.retiring[known.index]
    since = retiring.not_before
    if patience and since is not None and now - since < patience:
        return None
    seen = focused(observed, known)
    named = retiring.registration is not None
    cause = OrphanCause.ABANDONED if named else OrphanCause.AMBIGUOUS_CREATE
    client = retiring.registration.shown_id if retiring.registration else "a client, if any,"
    return CloseRecord(
        orphan_of(seen, retiring.provider, cause, now),
        (
            Reason.DELETION_BLOCKED,
            (
                f"{client} could not be removed from {retiring.provider.connection.provider} and is"
                " left there; it is on record: see dcr-operator orphans"
            ),
        ),
    )
