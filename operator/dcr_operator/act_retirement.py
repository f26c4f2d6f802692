"""What is written about registrations that are to go; they are deleted as any other."""

from dataclasses import replace
from typing import assert_never

from dcr_operator.act_registration import StepImpossibleError
from dcr_operator.observe import provider_of_record
from dcr_operator.ports import Context
from dcr_operator.record_store import write_record
from dcr_operator.state import Observed, Retirement, Retiring
from dcr_operator.steps import ObserveRetiring, ScheduleRetirement, SetAside


async def prepare_retirement(
    step: SetAside | ScheduleRetirement | ObserveRetiring, observed: Observed, context: Context
) -> Observed:
    match step:
        case SetAside():
            return await _set_aside(step, observed, context)
        case ScheduleRetirement():
            return await _schedule(step, observed, context)
        case ObserveRetiring():
            return await _observe(step, observed, context)
        case _:
            assert_never(step)


async def _set_aside(step: SetAside, observed: Observed, context: Context) -> Observed:
    record = observed.stored
    if record is None or record.intent is None:
        raise StepImpossibleError
    apart = Retiring(record.registering_at, intent=record.intent, not_before=step.now)
    record = replace(record, intent=None, retiring=(*record.retiring, apart), unanswered=0)
    return await write_record(observed, record, context)


async def _schedule(step: ScheduleRetirement, observed: Observed, context: Context) -> Observed:
    record = observed.stored
    if record is None:
        raise StepImpossibleError
    scheduled = tuple(
        each if each.not_before is not None else replace(each, not_before=step.not_before)
        for each in record.retiring
    )
    return await write_record(observed, replace(record, retiring=scheduled), context)


async def _observe(step: ObserveRetiring, observed: Observed, context: Context) -> Observed:
    record = observed.stored
    if record is None:
        raise StepImpossibleError
    then = record.retiring[step.index].provider
    there = await provider_of_record(then, observed.resource.key.namespace, context)
    known = Retirement(step.index, there)
    return replace(observed, retirements=(*observed.retirements, known))
