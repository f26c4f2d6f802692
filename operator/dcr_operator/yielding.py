"""An answer whose record another process has written meanwhile: nothing of it may be lost.

Two operators may overlap for seconds. At a provider that honours no key the one takes the open
intent of the other for that of a dead process, and registers again; or it is refused with a token
that the other has just changed. Then a client, or its token, is known to nobody but the one that
was answered. Nothing is deleted here: that could hit a client that somebody has stored. It goes on
record: as the token of the client in force, or as a client that retires, which is deleted by the
rules of any other.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from dcr_operator.announcing import announce
from dcr_operator.kube import ApiConflict, ApiError, ApiNotFound
from dcr_operator.observe import read_record
from dcr_operator.ports import Context
from dcr_operator.reasons import Reason
from dcr_operator.record_store import store_answer, write_record
from dcr_operator.registration_facts import answered
from dcr_operator.state import (
    IntentKind,
    Observed,
    Record,
    Registration,
    Retiring,
    StoredRecord,
)

# Each is lost only to another write of the same record.
_TRIES: Final = 5


async def yield_registration(
    observed: Observed, registration: Registration, context: Context
) -> None:
    """Put the new client on record, unless it is; never raises for what the API server says."""
    ours = observed.stored
    # With a key the other has got this very client.
    if ours is None or ours.intent is None or ours.registering_at.idempotent:
        return
    there = ours.registering_at
    new = Retiring(there, registration, not_before=context.now())
    if not await _put(observed, lambda live: with_client(live, ours, new), context):
        announce(
            observed,
            context,
            Reason.CREATION_OUTCOME_UNKNOWN,
            f"{registration.shown_id} was registered at {there.connection.provider} while another"
            " operator registered too, and could not be put on record: remove it by hand",
        )


async def yield_answer(observed: Observed, registration: Registration, context: Context) -> None:
    """Keep what a read or an update has changed: above all the token that manages the client."""
    ours = observed.stored
    if ours is not None:
        after = Retiring(ours.provider, registration, not_before=context.now())
        await _put(observed, lambda live: with_answer(live, ours, after), context)


async def store_or_yield(observed: Observed, record: Record, context: Context) -> Observed:
    """Store what an answer says about the client in force; raises what `store_answer` raises."""
    try:
        return await store_answer(observed, record, context)
    except ApiConflict:
        if record.registration is not None:
            await yield_answer(observed, record.registration, context)
        raise


async def _put(observed: Observed, change: Callable[[Record], Record], context: Context) -> bool:
    """Change the record as it is now; return whether it is as it should be."""
    for _ in range(_TRIES):
        try:
            live = await read_record(observed.resource.uid, context)
            if not isinstance(live, StoredRecord):
                return False
            whole = change(live.record)
            if whole != live.record:
                await write_record(replace(observed, record=live), whole, context)
        except (ApiConflict, ApiNotFound):
            continue
        except ApiError:
            return False
        return True
    return False


def with_client(live: Record, ours: Record, new: Retiring) -> Record:
    """Return the record that knows a client that we registered when the record was `ours`."""
    intent = ours.intent
    if new.registration is None or intent is None or _is_held(live, new):
        return live
    if live.intent is not None and live.intent.id == intent.id:
        after, former = answered(live, new.registration), live.registration
        # Somebody has got at what was given up.
        revived = former is not None and former != ours.registration and not intent.retires
        return retired(after, replace(new, registration=former)) if revived else after
    # What was on record without a name has one now.
    orphans = tuple(each for each in live.orphans if each.client_id or each.intent_id != intent.id)
    return retired(replace(live, orphans=orphans), new)


def with_answer(live: Record, ours: Record, after: Retiring) -> Record:
    """Return the record with the client as it was answered to us when the record was `ours`."""
    if ours.registration is None or after.registration is None:
        return live
    if live.registration is not None and _same_client(
        Retiring(live.provider, live.registration), after
    ):
        if _token(live.registration) != _token(ours.registration):
            return live  # another answer has come since
        # An update may be repeated, and more than its answer may hang on it.
        done = _is_rotation(ours) and live.intent == ours.intent
        return replace(live, registration=after.registration, intent=None if done else live.intent)
    return live if _is_held(live, after) else retired(live, after)


def retired(live: Record, client: Retiring) -> Record:
    """Return the record in which the client is not left behind, but to be deleted."""
    issuer = client.provider.issuer
    client_id = client.registration.client_id if client.registration else None
    orphans = tuple(
        each for each in live.orphans if (each.issuer, each.client_id) != (issuer, client_id)
    )
    return replace(live, orphans=orphans, retiring=(*live.retiring, client))


def _is_held(live: Record, client: Retiring) -> bool:
    held = (Retiring(live.provider, live.registration), *live.retiring)
    return any(_same_client(each, client) for each in held)


def _same_client(one: Retiring, other: Retiring) -> bool:
    if one.registration is None or other.registration is None:
        return False
    return (one.provider.issuer, one.registration.client_id) == (
        other.provider.issuer,
        other.registration.client_id,
    )


def _token(registration: Registration) -> str:
    token = registration.registration_access_token
    return token.get_secret_value() if token else ""


def _is_rotation(record: Record) -> bool:
    return record.intent is not None and record.intent.kind is IntentKind.ROTATE
