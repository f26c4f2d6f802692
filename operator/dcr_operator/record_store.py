"""Write the record, and survive the moment between an answer and its being stored.

The credential window: a client information response shows credentials once. It is stored
before anything else is done with it, again and again while the process lives.
"""

from dataclasses import replace
from typing import Final

from dcr_operator.kube import (
    SECRETS,
    ApiAlreadyExists,
    ApiConflict,
    ApiError,
    ApiNotFound,
    ApiUnavailable,
    object_meta,
)
from dcr_operator.observe import read_record
from dcr_operator.ports import Context
from dcr_operator.record import record_name, record_secret
from dcr_operator.retirement import lifted, whole_record
from dcr_operator.state import Observed, Record, RecordUnreadable, Registration, StoredRecord

# Half a minute in place; after that another pass begins with what the record then says.
PAUSES: Final = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)


class RecordNotWrittenError(Exception):
    """What the provider answered could not be stored; its intent is still open."""


async def write_record(observed: Observed, record: Record, context: Context) -> Observed:
    """Create the record, or replace exactly the version that was observed.

    Raises ApiConflict or ApiAlreadyExists when someone else has written it since.
    """
    stored = observed.record if isinstance(observed.record, StoredRecord) else None
    whole = whole_record(stored, record)
    body = record_secret(whole, context.namespace, stored)
    if stored is None:
        answer = await context.kubernetes.create(SECRETS, context.namespace, body)
    else:
        answer = await context.kubernetes.replace(SECRETS, context.namespace, body)
    meta = object_meta(answer)
    part = None if stored is None or stored.part is None else replace(stored.part, whole=whole)
    written = StoredRecord(record, meta.uid, meta.resource_version, part)
    return replace(observed, record=written)


async def delete_record(observed: Observed, context: Context) -> Observed:
    stored = observed.record
    if isinstance(stored, StoredRecord):
        await context.kubernetes.delete(
            SECRETS,
            context.namespace,
            record_name(observed.resource.uid),
            uid=stored.uid,
            resource_version=stored.resource_version,
        )
    return replace(observed, record=None)


async def store_answer(observed: Observed, record: Record, context: Context) -> Observed:
    """Store a registration that was just answered, however long the API server takes.

    Raises ApiConflict when the record now belongs to another request: observe again, and never
    delete a client that another process may have stored. Raises RecordNotWrittenError.
    """
    for pause in (*PAUSES, None):
        try:
            return await write_record(observed, record, context)
        except (ApiConflict, ApiAlreadyExists, ApiNotFound, ApiUnavailable):
            observed = await _look_again(observed, record, context)
        except ApiError as error:
            raise RecordNotWrittenError(f"the record cannot be written: {error.reason}") from error
        if holds(observed, record.registration):
            return observed
        if pause is not None:
            await context.sleep(pause)
    raise RecordNotWrittenError("the record cannot be written: the API server does not take it")


async def _look_again(observed: Observed, record: Record, context: Context) -> Observed:
    """Return what is stored now; a write that got no answer may have been done."""
    try:
        live = await read_record(observed.resource.uid, context)
    except ApiError:
        return observed
    before = observed.record
    if isinstance(before, StoredRecord) and before.part and isinstance(live, StoredRecord):
        live = lifted(live, before.part.index)
    seen = replace(observed, record=live)
    if isinstance(live, RecordUnreadable):
        raise RecordNotWrittenError(f"the record cannot be read any more: {live.message}")
    as_we_left_it = live is None or seen.stored == observed.stored
    if not as_we_left_it and not holds(seen, record.registration):
        raise ApiConflict(409, "Conflict", "another process has written the record")
    return seen


def holds(observed: Observed, registration: Registration | None) -> bool:
    return registration is not None and observed.registration == registration
