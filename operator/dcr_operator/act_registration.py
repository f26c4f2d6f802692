"""The requests to the provider: intent first, then the request, then its answer on record."""

from dataclasses import replace

import structlog

from dcr_operator.announcing import announce
from dcr_operator.client_keys import in_force, with_next
from dcr_operator.compensation import compensate
from dcr_operator.drift_repair import tell_repair
from dcr_operator.kube import ApiConflict
from dcr_operator.orphans import OrphanCause
from dcr_operator.outcomes import (
    CannotTell,
    Deleted,
    NotSupported,
    Outcome,
    RateLimited,
    Registered,
    RegistrationAccessTokenRejected,
    Unreachable,
)
from dcr_operator.ports import Context, Management, ProviderConnection
from dcr_operator.reasons import Reason
from dcr_operator.record_store import RecordNotWrittenError, store_answer, write_record
from dcr_operator.registration_facts import (
    answered,
    dated,
    drift_since,
    judged,
    merged,
    new_record,
    new_registration,
    overtaken,
    renewed,
    with_keys_in_force,
    with_orphan,
)
from dcr_operator.rotation_schedule import secret_is_expired
from dcr_operator.rotation_telling import is_rotation, tell_new_client, tell_new_key
from dcr_operator.secret_content import effective_auth_method
from dcr_operator.state import (
    Attempt,
    Desired,
    InitialAccessTokenFound,
    Intent,
    IntentKind,
    Observed,
    Operation,
    ProviderSnapshot,
    ProviderUnusable,
    Record,
    Registration,
)
from dcr_operator.steps import Register, Unregister, Update
from dcr_operator.verdicts import after_failure, client_of_key_is_gone, how_ended, verdict
from dcr_operator.yielding import store_or_yield, yield_registration
from dcr_protocol.client_information import ClientInformation

log = structlog.get_logger("dcr_operator")


class StepImpossibleError(Exception):
    """A step was planned that needs what is not there: a fault of the planner."""


async def register(step: Register, observed: Observed, context: Context) -> Observed:
    observed = await _open_register_intent(step, observed, context)
    usable, record = observed.usable, observed.stored
    if usable is None or record is None or record.intent is None:
        raise StepImpossibleError
    token = observed.initial_access_token
    outcome = await context.registrations.register(
        usable.snapshot.connection,
        usable.snapshot.registration_endpoint or "",
        record.intent.body,
        initial_access_token=token.token if isinstance(token, InitialAccessTokenFound) else None,
        idempotency_key=record.intent.id,
    )
    if not isinstance(outcome, Registered):
        if is_rotation(record):
            context.metrics.rotation_ended(how_ended(outcome))
        repeated = step.repeat is not None
        return await failed(Attempt(Operation.REGISTER, outcome, repeated), observed, context)
    _tell_deviations(observed, outcome.information)
    registration = replace(
        judged(
            new_registration(outcome.information, record.intent.spec_hash),
            usable.policy.client_policy,
        ),
        secret_issued_at=context.now(),
        rotation_request=_answered_request(observed),
        rotated_at=context.now() if record.intent.retires else None,
    )
    keys = in_force(record.keys, record.intent.body, context.now())
    before, record = record, replace(answered(record, registration), keys=keys)
    try:
        observed = await store_answer(observed, record, context)
    except ApiConflict:
        await yield_registration(observed, registration, context)
        raise
    except RecordNotWrittenError:
        await compensate(observed, registration, context)
        raise
    tell_new_client(before, registration, observed, context)
    return learned(observed, context)


def _answered_request(observed: Observed) -> str:
    """A new client has other credentials, whoever asked for them."""
    before = observed.registration.rotation_request if observed.registration else ""
    return observed.rotation_request or before


async def _open_register_intent(step: Register, observed: Observed, context: Context) -> Observed:
    usable, stored = observed.usable, observed.stored
    if usable is None:
        raise StepImpossibleError
    if step.repeat is not None:
        return observed
    there = usable.snapshot.essential()
    intent = _intent(IntentKind.REGISTER, step.body, step.spec_hash, context)
    before = overtaken(stored) if stored else new_record(observed.resource, there, context.now())
    if step.retires:
        intent = replace(intent, provider=there, retires=True)
    else:
        before = replace(before, provider=there)
    record = replace(
        before,
        intent=intent,
        keys=with_next(before.keys, observed.made_key),
        orphans=with_orphan(stored, step.orphan),
        unanswered=_unanswered(step, stored),
        refusal=None,
        secrets=before.secrets or (observed.secret_name,),
    )
    observed = await write_record(observed, record, context)
    if step.orphan is not None:
        context.metrics.possible_orphan(usable.snapshot.connection.provider)
    if step.announce is not None:
        announce(observed, context, *step.announce)
    return observed


def _tell_deviations(observed: Observed, information: ClientInformation) -> None:
    """Say in the log which members of an answer were odd; what they held is nobody's business."""
    if information.deviations:
        members = sorted({deviation.split()[0] for deviation in information.deviations})
        log.info("odd answer of the provider", key=str(observed.resource.key), members=members)


def _unanswered(step: Register, stored: Record | None) -> int:
    before = stored.unanswered if stored else 0
    again = step.orphan is not None and step.orphan.cause is OrphanCause.AMBIGUOUS_CREATE
    return before + 1 if again else before


def _intent(kind: IntentKind, body: bytes, spec_hash: str, context: Context) -> Intent:
    return Intent(kind, context.new_id(), context.now(), spec_hash, body)


async def update(step: Update, observed: Observed, context: Context) -> Observed:
    record, registration = registered(observed)
    if step.repeat is None:
        intent = _intent(IntentKind.UPDATE, step.body, step.spec_hash, context)
        usable = observed.usable
        provider = usable.snapshot.essential() if usable else record.provider
        keys = with_next(record.keys, observed.made_key)
        record = replace(
            overtaken(record), intent=intent, provider=provider, refusal=None, keys=keys
        )
        observed = await write_record(observed, record, context)
    connection = connection_of(observed, record)
    key = record.intent.id if record.intent else ""
    outcome: Outcome = RegistrationAccessTokenRejected()
    for access in registration.management():
        outcome = await context.registrations.update(
            connection, access, step.body, idempotency_key=key
        )
        if isinstance(outcome, Registered):
            _tell_deviations(observed, outcome.information)
            token = access.registration_access_token
            after = merged(registration, outcome.information, token)
            updated = replace(
                renewed(registration, after, record.provider, context.now()),
                spec_hash=step.spec_hash,
                updated_at=context.now(),
            )
            if observed.usable is not None:
                updated = judged(updated, observed.usable.policy.client_policy)
            record = replace(record, intent=None, registration=updated)
            record = with_keys_in_force(record, step.body, observed.rotation_request, context.now())
            observed = await _store_updated(observed, record, context)
            tell_repair(step, updated, observed, context)
            return learned(observed, context)
        if not isinstance(outcome, RegistrationAccessTokenRejected):
            break
    repeated = step.repeat is not None
    return await failed(Attempt(Operation.UPDATE, outcome, repeated), observed, context)


async def _store_updated(observed: Observed, record: Record, context: Context) -> Observed:
    before = observed.stored
    observed = await store_or_yield(observed, record, context)
    tell_new_key(before, record, observed, context)
    return observed


async def unregister(step: Unregister, observed: Observed, context: Context) -> Observed:
    record, registration = registered(observed)
    if step.repeat is None:
        intent = _intent(IntentKind.DELETE, b"", registration.spec_hash, context)
        record = replace(overtaken(record), intent=intent)
        observed = await write_record(observed, record, context)
    connection = connection_of(observed, record)
    outcome: Outcome = RegistrationAccessTokenRejected()
    for access in registration.management():
        outcome = await context.registrations.delete(connection, access)
        if isinstance(outcome, Deleted):
            return replace(observed, unregistered=True, attempt=None, probe=None)
        if not isinstance(outcome, RegistrationAccessTokenRejected):
            break
    repeated = step.repeat is not None and not step.repeat.undone
    return await failed(Attempt(Operation.DELETE, outcome, repeated), observed, context)


async def read(desired: Desired, observed: Observed, context: Context) -> Observed:
    """Read the registration; a token that the answer rotates is stored first (C-020)."""
    record, registration = registered(observed)
    connection = connection_of(observed, record)
    outcome: Outcome = RegistrationAccessTokenRejected()
    for access in registration.management():
        outcome = await context.registrations.read(connection, access)
        if isinstance(outcome, Registered):
            return await _have_read(desired, observed, (registration, access, outcome), context)
        if not isinstance(outcome, RegistrationAccessTokenRejected):
            break
    observed = replace(observed, read_is_due=False)
    attempt = Attempt(Operation.READ, outcome)
    if isinstance(outcome, RegistrationAccessTokenRejected):
        return replace(observed, attempt=attempt)
    if isinstance(outcome, NotSupported):
        # RFC 7592 §2.1 is not there: nothing can be learned, and nothing is wrong.
        return learned(observed, context)
    update_due = registration.spec_hash != desired.spec_hash
    retry_after = outcome.retry_after if isinstance(outcome, RateLimited | Unreachable) else None
    if update_due and not isinstance(outcome, RateLimited | Unreachable):
        return observed  # the update will tell
    limited = update_due and isinstance(outcome, RateLimited)
    reason = Reason.RATE_LIMITED if limited else Reason.PROVIDER_UNAVAILABLE
    said = verdict(attempt, connection)
    return replace(observed, provider=ProviderUnusable(reason, said.message, retry_after))


async def _have_read(
    desired: Desired,
    observed: Observed,
    answer: tuple[Registration, Management, Registered],
    context: Context,
) -> Observed:
    registration, access, outcome = answer
    record, _ = registered(observed)
    token = access.registration_access_token
    seen = dated(registration, merged(registration, outcome.information, token), context.now())
    drift = drift_since(desired.metadata, registration.metadata, seen.metadata)
    if drift:
        # What was accepted stays on record until the repair is answered.
        seen = replace(seen, metadata=registration.metadata)
    left_open = record.intent is not None and record.intent.kind is IntentKind.DELETE
    if seen != registration or left_open:
        intent = None if left_open else record.intent
        now_known = replace(record, registration=seen, intent=intent)
        observed = await store_or_yield(observed, now_known, context)
    return replace(learned(observed, context), drift=drift)


async def probe(observed: Observed, context: Context) -> Observed:
    record, registration = registered(observed)
    snapshot = _provider_today(observed, record)
    if secret_is_expired(registration, context.now()):
        # Nobody gets a token with it, also where the client is there still.
        return replace(observed, probe=CannotTell("the client secret has expired"))
    if snapshot.token_endpoint is None or registration.client_secret is None:
        return replace(observed, probe=CannotTell("there is nothing to try"))
    result = await context.registrations.probe(
        snapshot.connection,
        snapshot.token_endpoint,
        client_id=registration.client_id,
        client_secret=registration.client_secret,
        auth_method=effective_auth_method(registration),
    )
    return replace(observed, probe=result)


async def failed(attempt: Attempt, observed: Observed, context: Context) -> Observed:
    """Close the intent when the answer says that nothing was done, else leave it open."""
    record = observed.stored
    after = after_failure(record, attempt, context.now()) if record else None
    if after is not None and after != record:
        observed = await write_record(observed, after, context)
    if client_of_key_is_gone(attempt):
        # Nothing is wrong with the request: the next one has a key of its own.
        return replace(observed, attempt=None)
    return replace(observed, attempt=attempt)


def learned(observed: Observed, context: Context) -> Observed:
    """Forget what is answered now, and count the answer as a look at the provider."""
    if observed.usable is not None:
        every = observed.usable.policy.resync_every
        context.resync.done(observed.resource.uid, every, context.now())
    return replace(
        observed,
        attempt=None,
        probe=None,
        drift=(),
        read_is_due=False,
        published=False,
        made_key=None,
    )


def registered(observed: Observed) -> tuple[Record, Registration]:
    record = observed.stored
    if record is None or record.registration is None:
        raise StepImpossibleError
    return record, record.registration


def connection_of(observed: Observed, record: Record) -> ProviderConnection:
    """Return how to reach the provider today, else how it was reached last."""
    return _provider_today(observed, record).connection


def _provider_today(observed: Observed, record: Record) -> ProviderSnapshot:
    """What a client was given by one provider is never shown to the one that it is to move to."""
    then, usable = record.provider, observed.usable
    if usable is None:
        return then
    same = (usable.snapshot.key, usable.snapshot.issuer) == (then.key, then.issuer)
    return usable.snapshot if same else then
