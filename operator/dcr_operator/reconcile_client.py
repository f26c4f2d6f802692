"""One pass over one OAuthClient: observe → plan → act → report, a few steps at most."""

from datetime import datetime
from typing import Final

import structlog

from dcr_operator.act import act
from dcr_operator.client_keys import next_key_due
from dcr_operator.completed_request import completed
from dcr_operator.kube import JsonObject, Key, object_meta
from dcr_operator.observe import observe, read_wish
from dcr_operator.operator_class import NOT_SERVED, serves_client
from dcr_operator.plan import plan
from dcr_operator.ports import Context, Result
from dcr_operator.reasons import Reason
from dcr_operator.record import record_key
from dcr_operator.reporting import report
from dcr_operator.rotation_schedule import next_change
from dcr_operator.state import Desired, Observed, ProviderUnusable, Wish
from dcr_operator.steps import ASKS_FOR_A_CHANGE, Done, Effect, End, Stop, Wait

# The longest way is a vanished client: read, probe, token, register, publish.
MAX_STEPS: Final = 24
# A stop waits for a person; what that person changes may be out of our sight.
STOP_RETRY: Final = 300.0
LONGEST_RETRY_AFTER: Final = 3600.0


log = structlog.get_logger("dcr_operator")


class TooManyStepsError(Exception):
    """The planner did not come to an end: a fault of ours."""


async def reconcile_client(key: Key, context: Context) -> Result:
    document = await context.kubernetes.get(key.resource, key.namespace, key.name)
    there = None if document is None else object_meta(document).uid
    for uid in context.provider_use.left_by(key, there):
        context.enqueue(record_key(uid))
    if document is None:
        context.metrics.client_gone(str(key))
        return Result(Reason.DELETING.value)
    if not await serves_client(document, context):
        context.metrics.client_gone(str(key))
        return Result(NOT_SERVED)
    wish = read_wish(document)
    wish, observed, end = await work(key, document, wish, context)
    await report(wish, observed, end, document=document, context=context)
    return result_of(wish, observed, end, context)


async def work(
    key: Key, document: JsonObject, wish: Wish, context: Context
) -> tuple[Wish, Observed, End]:
    """Return the wish as it was completed, what is known in the end, and how it ended."""
    return await carry_out(wish, await observe(key, document, wish, context), context)


async def carry_out(wish: Wish, observed: Observed, context: Context) -> tuple[Wish, Observed, End]:
    """Plan and act until a step is an end, as above."""
    for _ in range(MAX_STEPS):
        now = context.now()
        whole = completed(wish, observed, now)
        step = plan(whole, observed, now)
        if isinstance(step, Wait | Stop | Done):
            return whole, observed, step
        _tell(step, observed)
        observed = await act(step, whole, observed, context)
    raise TooManyStepsError


def _tell(step: Effect, observed: Observed) -> None:
    """One line before each step; those that ask the provider for a change at info."""
    tell = log.info if isinstance(step, ASKS_FOR_A_CHANGE) else log.debug
    tell(
        "step",
        key=str(observed.resource.key),
        uid=observed.resource.uid,
        provider=_provider_name(observed),
        step=type(step).__name__,
    )


def result_of(wish: Wish, observed: Observed, end: End, context: Context) -> Result:
    name, due = _provider_name(observed), _until_change(wish, observed, context.now())
    match end:
        case Stop(Reason.SUSPENDED) | Done(Reason.SUSPENDED):
            return Result(Reason.SUSPENDED.value, STOP_RETRY, provider=name)
        case Wait(reason, _, after):
            return Result(reason.value, patience(after), failed=True, provider=name)
        case Stop(reason):
            return Result(reason.value, sooner(STOP_RETRY, due), failed=True, provider=name)
        case Done(reason):
            after = sooner(_until_next(observed, context), due)
            return Result(reason.value, after, provider=name)


def sooner(one: float | None, other: float | None) -> float | None:
    """Return the shorter of two pauses, of which None is for ever."""
    return min((each for each in (one, other) if each is not None), default=None)


def _until_change(wish: Wish, observed: Observed, now: datetime) -> float | None:
    """Return the seconds until a rotation, an expiry or the end of an overlap."""
    if not isinstance(wish, Desired):
        return None
    keys = observed.stored.keys if observed.stored else None
    moments = [next_change(wish.rotation, observed.registration, now)]
    if keys is not None:
        moments += [each.until for each in keys.retired]
        moments += [next_key_due(wish.client_keys, keys)] if wish.client_keys else []
    pauses = [(each - now).total_seconds() for each in moments if each is not None and each > now]
    return min(pauses, default=None)


def patience(retry_after: float | None) -> float | None:
    """Keep a provider from sending us away for good; our own back-off is the least."""
    return None if retry_after is None else min(max(retry_after, 0.0), LONGEST_RETRY_AFTER)


def _provider_name(observed: Observed) -> str | None:
    if observed.usable is not None:
        return observed.usable.snapshot.connection.provider
    return observed.stored.provider.connection.provider if observed.stored else None


def _until_next(observed: Observed, context: Context) -> float | None:
    """Return when something is due: a look at the provider, or what was replaced is to go."""
    moments = (_until_resync(observed, context), _until_retirement(observed, context))
    return min((each for each in moments if each is not None), default=None)


def _until_retirement(observed: Observed, context: Context) -> float | None:
    retiring = observed.stored.retiring if observed.stored else ()
    moments = [each.not_before for each in retiring if each.not_before is not None]
    if not moments:
        return None
    seconds = (min(moments) - context.now()).total_seconds()
    # What was due and could not go is tried again.
    return seconds if seconds > 0 else STOP_RETRY


def _until_resync(observed: Observed, context: Context) -> float | None:
    if isinstance(observed.provider, ProviderUnusable):
        # Ready all the same; whether the provider is back is worth a look now and then.
        after = patience(observed.provider.retry_after) or 0.0
        return max(STOP_RETRY, after) if observed.registration is not None else None
    if observed.usable is None:
        return STOP_RETRY if observed.registration is not None else None
    every = observed.usable.policy.resync_every
    if every <= 0 or observed.registration is None:
        return None
    return context.resync.seconds_until_due(observed.resource.uid, every, context.now())
