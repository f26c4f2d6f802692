"""The rotation of a client secret: intent first, then the request, then its answer on record."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from dcr_operator.act_registration import (
    connection_of,
    failed,
    learned,
    registered,
)
from dcr_operator.outcomes import (
    Malformed,
    NotSupported,
    Outcome,
    RateLimited,
    Refused,
    Registered,
    RegistrationAccessTokenRejected,
    Unreachable,
)
from dcr_operator.ports import Context, Management
from dcr_operator.reasons import Reason
from dcr_operator.record_store import write_record
from dcr_operator.registration_facts import dated, merged, overtaken
from dcr_operator.rotation_schedule import moment
from dcr_operator.rotation_telling import tell_new_secret
from dcr_operator.state import (
    Attempt,
    Intent,
    IntentKind,
    Observed,
    Operation,
    ProviderUnusable,
    Registration,
)
from dcr_operator.steps import EndOverlap, MakeKeyPair, Rotate
from dcr_operator.verdicts import how_ended, settles, verdict
from dcr_operator.yielding import store_or_yield
from dcr_protocol.secret_rotation import secret_rotation_request


async def rotate(step: Rotate, observed: Observed, context: Context) -> Observed:
    if step.repeat is None:
        observed = await _open_intent(step, observed, context)
    record, registration = registered(observed)
    intent = record.intent or _intent(step, observed, context)
    connection = connection_of(observed, record)
    outcome: Outcome = RegistrationAccessTokenRejected()
    for access in registration.management():
        outcome = await context.registrations.rotate(
            connection, access, intent.body, idempotency_key=intent.id
        )
        if isinstance(outcome, Registered):
            return await _store(outcome, access, observed, context)
        if not isinstance(outcome, RegistrationAccessTokenRejected):
            break
    attempt = Attempt(Operation.ROTATE, outcome, step.repeat is not None)
    return await _not_rotated(attempt, observed, context)


async def _open_intent(step: Rotate, observed: Observed, context: Context) -> Observed:
    record, _ = registered(observed)
    provider = observed.usable.snapshot.essential() if observed.usable else record.provider
    opened = replace(
        overtaken(record),
        intent=_intent(step, observed, context),
        provider=provider,
        rotation_refusal=None,
    )
    return await write_record(observed, opened, context)


def _intent(step: Rotate, observed: Observed, context: Context) -> Intent:
    return Intent(
        IntentKind.ROTATE,
        context.new_id(),
        context.now(),
        step.spec_hash,
        secret_rotation_request(step.overlap),
        overlap=step.overlap,
        rotation_request=observed.rotation_request,
    )


async def _store(
    outcome: Registered, access: Management, observed: Observed, context: Context
) -> Observed:
    record, registration = registered(observed)
    token, now = access.registration_access_token, context.now()
    after = dated(registration, merged(registration, outcome.information, token), now)
    if after.client_secret == registration.client_secret or record.intent is None:
        # The token may be another one; the secret is none.
        observed = await store_or_yield(
            observed, replace(record, intent=None, registration=after), context
        )
        said = Malformed("a rotation without another client_secret", may_have_arrived=False)
        return await _not_rotated(Attempt(Operation.ROTATE, said), observed, context)
    end = _end_of_the_one_before(registration, record.intent)
    rotated = replace(
        after,
        rotated_at=now,
        rotation_request=record.intent.rotation_request or registration.rotation_request,
        previous_client_secret=registration.client_secret if end > now else None,
        previous_client_secret_expires_at=int(end.timestamp()) if end > now else None,
    )
    observed = await store_or_yield(
        observed, replace(record, intent=None, registration=rotated), context
    )
    tell_new_secret(rotated, observed, context)
    return learned(observed, context)


def _end_of_the_one_before(registration: Registration, intent: Intent) -> datetime:
    """Count from before the request, to be safe; an overlap prolongs no secret's life."""
    end = intent.started_at + timedelta(seconds=intent.overlap)
    own_end = moment(registration.client_secret_expires_at)
    return end if own_end is None else min(end, own_end)


async def _not_rotated(attempt: Attempt, observed: Observed, context: Context) -> Observed:
    """Say what stands in the way; what was settled leaves the credentials as they were."""
    observed = await failed(attempt, observed, context)
    outcome = attempt.outcome
    context.metrics.rotation_ended(how_ended(outcome))
    if isinstance(outcome, Refused | NotSupported):
        return replace(observed, attempt=None, rotation_refused=attempt)
    if isinstance(outcome, RegistrationAccessTokenRejected) or not settles(attempt):
        return observed
    # The credentials in the Secret are as good as before.
    record, _ = registered(observed)
    said = verdict(attempt, record.provider.connection)
    after = outcome.retry_after if isinstance(outcome, RateLimited | Unreachable) else None
    unusable = ProviderUnusable(Reason.PROVIDER_UNAVAILABLE, said.message, after)
    return replace(observed, attempt=None, provider=unusable)


async def prepare_rotation(
    step: MakeKeyPair | EndOverlap, observed: Observed, context: Context
) -> Observed:
    match step:
        case MakeKeyPair(algorithm, overlap):
            made = await context.new_key_pair(algorithm)
            return replace(observed, made_key=replace(made, overlap=overlap))
        case EndOverlap():
            return await _end_overlap(observed, context)
        case _:
            assert_never(step)


async def _end_overlap(observed: Observed, context: Context) -> Observed:
    record, registration = registered(observed)
    ended = replace(
        registration, previous_client_secret=None, previous_client_secret_expires_at=None
    )
    return await write_record(observed, replace(record, registration=ended), context)
