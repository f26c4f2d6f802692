"""One pass over the record of a resource that is gone: its client is unregistered by what it says.

The steps are those of any deletion, with their intents, retries and orphans; there is only nobody
left to tell by a status. Whoever puts such a key into the queue knows that the resource was
deleted; see `resource_gone` for what that takes.
"""

from typing import Final

import structlog

from dcr_operator.act import act
from dcr_operator.announcing import announce
from dcr_operator.kube import OAUTH_CLIENTS, Key, object_meta
from dcr_operator.observe import provider_of_record, read_record
from dcr_operator.ports import Context, Result
from dcr_operator.reasons import Reason
from dcr_operator.reconcile_client import carry_out, result_of
from dcr_operator.record import record_name
from dcr_operator.record_index import others_with
from dcr_operator.resource_gone import Ending, gone_resource, known_ending
from dcr_operator.state import Observed, Record, StoredRecord, Unwanted
from dcr_operator.steps import Done, NoteResource, Stop, Wait

UNWANTED: Final = Unwanted(retain=False)

log = structlog.get_logger("dcr_operator")


async def reconcile_record(key: Key, context: Context) -> Result:
    stored = await read_record(key.name, context)
    # What cannot be read is named by `dcr-operator orphans`.
    if not isinstance(stored, StoredRecord) or not await _is_to_go(stored.record, context):
        return _nothing_left(key, context)
    known = stored.record.gone_at is not None or stored.record.holds_nothing
    observed = await _observe(stored, context)
    if not known:
        # From now on a crash does not leave it in doubt.
        observed = await act(NoteResource(), UNWANTED, observed, context)
        _tell_begin(observed, stored.record, context)
    _, observed, end = await carry_out(UNWANTED, observed, context)
    if isinstance(end, Done):
        return _done(key, observed, stored.record, context)
    if not known:
        _tell_blocked(observed, end, context)
    _measure(key, observed, context)
    return result_of(UNWANTED, observed, end, context)


async def _is_to_go(record: Record, context: Context) -> bool:
    """Look at the resource live: an event, or a list, may be of before."""
    if known_ending(record) is not Ending.UNREGISTER:
        return False
    resource = record.resource
    live = await context.kubernetes.get(OAUTH_CLIENTS, resource.namespace, resource.name)
    there = live is not None and object_meta(live).uid == resource.uid
    return not there and not await _is_held_by_another(record, context)


async def _is_held_by_another(record: Record, context: Context) -> bool:
    """Whether a record that was bound to another resource, by a restore, has the client now."""
    held = [(record.provider.issuer, record.registration)]
    held += [(each.provider.issuer, each.registration) for each in record.retiring]
    for issuer, registration in held:
        if registration is None:
            continue
        if await others_with(issuer, registration.client_id, record.resource.uid, context):
            log.warning(
                "a client is on another record, too: it is left alone", uid=record.resource.uid
            )
            return True
    return False


async def _observe(stored: StoredRecord, context: Context) -> Observed:
    """The Secret is not looked at: it is its resource's, and the garbage collector's by now."""
    record = stored.record
    resource = gone_resource(record)
    return Observed(
        resource,
        await provider_of_record(record.provider, record.resource.namespace, context),
        record=stored,
        record_place=f"{context.namespace}/{record_name(resource.uid)}",
    )


def _tell_begin(observed: Observed, record: Record, context: Context) -> None:
    provider = record.provider.connection.provider
    why = (
        "the OAuthClient went before its client was unregistered; what its record names is deleted"
        f" at {provider}"
    )
    announce(observed, context, Reason.DELETING, why)
    log.warning(
        "unregistering by record",
        key=str(observed.resource.key),
        uid=observed.resource.uid,
        provider=provider,
        reason=Reason.DELETING.value,
    )


def _done(key: Key, observed: Observed, before: Record, context: Context) -> Result:
    if observed.record is not None:
        log.warning("left on record", key=str(observed.resource.key), uid=key.name)
    elif not before.holds_nothing:
        context.metrics.unregistered_by_record(before.provider.connection.provider)
        log.info("unregistered by record", key=str(observed.resource.key), uid=key.name)
    context.resync.forget(key.name)
    return _nothing_left(key, context)


def _tell_blocked(observed: Observed, end: Wait | Stop, context: Context) -> None:
    """Once, as with a status: the log has every try."""
    why = end.message.partition(". To let")[0]
    announce(observed, context, end.reason, f"{why}. It is tried until it succeeds.")


def _measure(key: Key, observed: Observed, context: Context) -> None:
    if observed.intent is None or observed.intent.undone:
        context.metrics.intent_closed(str(key))
    else:
        context.metrics.intent_opened(str(key))


def _nothing_left(key: Key, context: Context) -> Result:
    context.metrics.client_gone(str(key))
    return Result(Reason.DELETING.value)
