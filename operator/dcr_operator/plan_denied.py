"""The checks of spec.clientPolicy for a client that exists: what may not stay. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from dcr_operator.client_policy import violations_of_answer
from dcr_operator.orphans import OrphanCause
from dcr_operator.outcomes import NotSupported, RegistrationAccessTokenRejected
from dcr_operator.plan_registration import orphan_of, provider_unusable
from dcr_operator.plan_unwanted import is_gone, request_failed
from dcr_operator.plan_wanted import read_due
from dcr_operator.policy_verdicts import MOST_SHOWN, denial, request_denied
from dcr_operator.reasons import Reason
from dcr_operator.registration_facts import is_adopted, is_elsewhere
from dcr_operator.state import (
    Desired,
    IntentKind,
    Observed,
    Operation,
    Record,
    Refusal,
    Registration,
    Unwanted,
)
from dcr_operator.steps import CloseRecord, DeleteSecret, Probe, Step, Unregister, Wait
from dcr_operator.verdicts import halt, verdict

_ELSEWHERE: Final = "elsewhere"  # is no policy's digest


def policy_narrowed(desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """A client that was allowed once keeps its credentials, and says that it is not any more."""
    return request_denied(desired, observed.usable) if observed.usable else None


def answer_denied(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """What the provider put in force may be more than the policy allows: then it does not stay."""
    stored, registration = observed.stored, observed.registration
    if stored is None or registration is None or registration.admitted:
        return None
    if is_adopted(desired, registration):
        return None  # it was there before us: not ours to take away
    broken: tuple[str, ...]
    if is_elsewhere(desired, observed, stored.provider):
        # The policy that was broken is not that of the provider which is wanted by now.
        broken, digest = (), _ELSEWHERE
    elif observed.usable is None:
        return provider_unusable(observed)
    else:
        policy = observed.usable.policy.client_policy
        broken = violations_of_answer(policy, registration.metadata)
        if policy is None or not broken:
            return None
        digest = policy.digest
    # Of the request that was answered: what is wanted by now may be another.
    asked = registration.spec_hash
    refusal = Refusal(
        operation=Operation.REGISTER,
        spec_hash=asked,
        at=now,
        status=0,
        code="",
        description=_shown(broken, stored),
        policy=digest,
        provider=stored.provider,
    )
    return _removal(observed, stored, registration, refusal)


def _shown(broken: Sequence[str], stored: Record) -> str:
    # What a namespaced provider says is a tenant's text.
    return "" if stored.provider.connection.hardened else "; ".join(broken[:MOST_SHOWN])


def _removal(
    observed: Observed, stored: Record, registration: Registration, refusal: Refusal
) -> Step:
    attempt, provider = observed.attempt, stored.provider.connection.provider
    what = denial(provider, refusal.description)
    if is_gone(observed):
        gone = f"{what}; {registration.shown_id} has been unregistered"
        return CloseRecord(None, (Reason.POLICY_DENIED, gone), refusal)
    if not registration.management():
        left = f"{what} and does not let {registration.shown_id} be removed: remove it by hand"
        orphan = orphan_of(observed, stored.provider, OrphanCause.NOT_MANAGEABLE, refusal.at)
        return CloseRecord(orphan, (Reason.POLICY_DENIED, left), refusal)
    if attempt is None or attempt.operation is not Operation.DELETE:
        intent = observed.intent
        under_way = intent is not None and intent.kind is IntentKind.DELETE
        return Unregister(repeat=intent if under_way else None)
    failed = request_failed(Unwanted(retain=False), observed, refusal.at)
    if isinstance(failed, CloseRecord):
        return CloseRecord(failed.orphan, failed.announce, refusal)
    if isinstance(failed, Probe):
        return failed
    after = failed.after if isinstance(failed, Wait) else None
    why = _why_not_removed(observed, stored)
    return Wait(
        Reason.POLICY_DENIED, f"{what}, and {registration.shown_id} is still there: {why}", after
    )


def _why_not_removed(observed: Observed, stored: Record) -> str:
    attempt, connection = observed.attempt, stored.provider.connection
    if attempt is None or isinstance(attempt.outcome, RegistrationAccessTokenRejected):
        return "the registration access token is refused. Remove the client by hand."
    if isinstance(attempt.outcome, NotSupported):
        return "the deletion is answered with 404. Remove the client by hand."
    return verdict(attempt, connection).message


def adopted_denied(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """What was registered before us and is in use stays, as after a policy that was narrowed."""
    stored, registration, usable = observed.stored, observed.registration, observed.usable
    if stored is None or registration is None or registration.admitted or usable is None:
        return None
    if not is_adopted(desired, registration) or is_elsewhere(desired, observed, stored.provider):
        return None
    broken = violations_of_answer(usable.policy.client_policy, registration.metadata)
    if not broken:
        return None
    said = denial(usable.snapshot.connection.provider, _shown(broken, stored))
    return read_due(desired, observed, now) or halt(
        Reason.POLICY_DENIED,
        f"{said}. {registration.shown_id} was adopted, so it stays as it is: change it at the"
        " provider, or widen clientPolicy.",
    )


def secret_of_denied(_desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """Credentials of a client that was unregistered open nothing."""
    stored = observed.stored
    if stored is None or stored.registration is not None:
        return None
    if stored.refusal is None or not stored.refusal.policy:
        return None
    for secret in (observed.secret, observed.previous_secret):
        if secret is not None and secret.ours:
            return DeleteSecret(secret)
    return None
