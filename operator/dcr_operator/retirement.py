"""A retiring registration seen as if it were the only one on record, and put back. Pure.

The rules for deleting a registration (write-ahead, doubt, orphans) are those of a resource that is
being deleted. So one of `Record.retiring` is lifted out as a record of its own, planned and acted
on by the same functions, and every write puts it back into the whole.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from dcr_operator.record_state import Part, Record, Retiring, StoredRecord
from dcr_operator.registration_facts import bounded
from dcr_operator.state import Observed, Retirement


def is_due(retiring: Retiring, now: datetime) -> bool:
    return retiring.not_before is not None and retiring.not_before <= now


def due(record: Record, now: datetime) -> Iterator[int]:
    return (index for index, each in enumerate(record.retiring) if is_due(each, now))


def lifted(stored: StoredRecord, index: int) -> StoredRecord:
    """Return the record of the retiring registration alone; `part` remembers the whole."""
    whole = stored.record
    alone = Record(resource=whole.resource, provider=whole.provider)
    if index < len(whole.retiring):
        each = whole.retiring[index]
        alone = replace(
            alone, provider=each.provider, intent=each.intent, registration=each.registration
        )
    return replace(stored, record=alone, part=Part(whole, index))


def whole_record(stored: StoredRecord | None, record: Record) -> Record:
    """Return what is to be written: the record, or the whole that it is a part of.

    What has neither registration nor intent any more is done with; its orphans stay.
    """
    part = stored.part if stored is not None else None
    if part is None:
        return record
    each = part.whole.retiring[part.index]
    changed = replace(each, registration=record.registration, intent=record.intent)
    gone = record.registration is None and record.intent is None
    before, after = part.whole.retiring[: part.index], part.whole.retiring[part.index + 1 :]
    return replace(
        part.whole,
        retiring=(*before, *(() if gone else (changed,)), *after),
        orphans=bounded((*part.whole.orphans, *record.orphans)),
    )


def focused(observed: Observed, retirement: Retirement) -> Observed:
    """Return what is known about the retiring registration, in the words of any other."""
    if not isinstance(observed.record, StoredRecord):
        return observed
    return Observed(
        resource=observed.resource,
        provider=retirement.provider,
        record=lifted(observed.record, retirement.index),
        record_place=observed.record_place,
        initial_access_token=retirement.initial_access_token,
        attempt=retirement.attempt,
        probe=retirement.probe,
        unregistered=retirement.unregistered,
    )


def unfocused(before: Observed, after: Observed, retirement: Retirement) -> Observed:
    """Return the whole as it is after a step that saw the retiring registration alone."""
    stored = after.record
    if not isinstance(stored, StoredRecord) or stored.part is None:
        return before
    whole = stored.part.whole
    record = replace(stored, record=whole, part=None)
    learned = replace(
        retirement,
        initial_access_token=after.initial_access_token,
        attempt=after.attempt,
        probe=after.probe,
        unregistered=after.unregistered,
    )
    gone = before.stored is not None and len(whole.retiring) < len(before.stored.retiring)
    kept = tuple(_moved_up(before.retirements, retirement.index, learned, gone=gone))
    return replace(before, record=record, retirements=kept)


def _moved_up(
    known: tuple[Retirement, ...], index: int, learned: Retirement, *, gone: bool
) -> Iterator[Retirement]:
    for each in known:
        if each.index == index:
            if not gone:
                yield learned
        else:
            yield replace(each, index=each.index - 1) if gone and each.index > index else each
