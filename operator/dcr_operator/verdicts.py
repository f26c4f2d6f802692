"""What an answer of the provider means for people: reason, words, whether to try again. Pure."""

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from dcr_operator.outcomes import (
    Deleted,
    InitialAccessTokenRejected,
    Malformed,
    NotSupported,
    Outcome,
    RateLimited,
    Refused,
    Registered,
    RegistrationAccessTokenRejected,
    Unreachable,
)
from dcr_operator.ports import ProviderConnection
from dcr_operator.reason_rows import ROW_OF
from dcr_operator.reasons import Reason, Retry
from dcr_operator.state import Attempt, Intent, Operation, Record, Refusal
from dcr_operator.steps import Stop, Wait
from dcr_protocol.errors import RegistrationErrorCode
from dcr_protocol.response_errors import clean_text

_KNOWN_CODES = frozenset(code.value for code in RegistrationErrorCode)
# RFC 7591 §3.2.2: said about the metadata, by something that has read them.
_ABOUT_THE_METADATA = frozenset(
    {
        RegistrationErrorCode.INVALID_REDIRECT_URI.value,
        RegistrationErrorCode.INVALID_CLIENT_METADATA.value,
        RegistrationErrorCode.INVALID_SOFTWARE_STATEMENT.value,
        RegistrationErrorCode.UNAPPROVED_SOFTWARE_STATEMENT.value,
    }
)
_CONFLICT = 409
NOT_OFFERED: Final = "not_supported"  # ours, on record: the request has no place there
_DOING: Final = {operation: f"{operation.value} the client" for operation in Operation} | {
    Operation.ROTATE: "rotate the secret of the client"
}
_TURN_ON = "Turn dynamic client registration and its management on at the provider."
_LOOK = "Look at the provider and at the network between."


def halt(reason: Reason, message: str, after: float | None = None) -> Wait | Stop:
    """End the pass without success, as the table of reasons says for this one."""
    if ROW_OF[reason].retry in (Retry.ON_CHANGE, Retry.AT_RESYNC):
        return Stop(reason, message)
    return Wait(reason, message, after)


def verdict(attempt: Attempt, connection: ProviderConnection) -> Wait | Stop:
    """Judge a request that failed; retryability is the outcome's, never that of "4xx"."""
    name, doing = connection.provider, _DOING[attempt.operation]
    outcome = attempt.outcome
    after: float | None = None
    match outcome:
        case Refused():
            reason = Reason.REGISTRATION_REJECTED
            message = (
                f"{name} refuses to {doing}: {_said(outcome, connection)}."
                " Change spec.clientMetadata, or what the provider allows."
            )
        case InitialAccessTokenRejected(detail):
            reason = Reason.INITIAL_ACCESS_TOKEN_REJECTED
            message = (
                f"{name} refuses the initial access token{told(detail, connection)}. Put a valid"
                " one into the Secret that spec.initialAccessToken of the provider names."
            )
        case NotSupported(status):
            reason = _unsupported(attempt.operation)
            message = f"{name} cannot {doing}: it answers {status} there. {_TURN_ON}"
        case RateLimited(after):
            reason = Reason.RATE_LIMITED
            message = f"{name} asks for fewer requests; trying to {doing} again later."
        case Unreachable(detail, _, after, ours):
            reason = Reason.PROVIDER_UNAVAILABLE
            said = told(detail, connection, ours=ours)
            message = f"{name} could not be asked to {doing}{said}. {_LOOK}"
        case Malformed(detail, _, ours):
            reason = Reason.PROVIDER_UNAVAILABLE
            said = told(detail, connection, ours=ours)
            message = f"{name} gave no usable answer to {doing}{said}. {_LOOK}"
        case Registered() | Deleted() | RegistrationAccessTokenRejected():
            reason = Reason.INTERNAL_ERROR
            message = f"an answer of the kind {type(outcome).__name__} has no meaning here."
        case _:
            assert_never(outcome)
    return halt(reason, message, after)


def may_have_arrived(outcome: Outcome) -> bool:
    """Whether a request may have had its effect although no success was seen."""
    if isinstance(outcome, Unreachable | Malformed):
        return outcome.may_have_arrived
    return False


def how_ended(outcome: Outcome) -> str:
    """Return the label of a rotation without success."""
    final = Refused | NotSupported | InitialAccessTokenRejected
    return "refused" if isinstance(outcome, final) else "unanswered"


def settles(attempt: Attempt) -> bool:
    """Whether the outcome says that neither this request nor an earlier one took effect.

    Being sent away (rate limit, token, no connection, a gateway's 403, 404 or 413) says nothing
    about an earlier request of the same intent.
    """
    if not attempt.repeated:
        return not may_have_arrived(attempt.outcome)
    outcome = attempt.outcome
    if isinstance(outcome, Refused) and outcome.code in _ABOUT_THE_METADATA:
        return True
    return client_of_key_is_gone(attempt)


def after_failure(record: Record, attempt: Attempt, now: datetime) -> Record:
    """Return the record after a request without success: what it settles, and what not."""
    intent, outcome = record.intent, attempt.outcome
    if intent is None:
        return record
    if attempt.operation is Operation.DELETE and settles(attempt):
        # A token that was refused at first will be again: later refusals prove nothing. After any
        # other "no" the next DELETE is written ahead anew, since it may well succeed.
        refused = isinstance(outcome, RegistrationAccessTokenRejected)
        return replace(record, intent=replace(intent, undone=True) if refused else None)
    if settles(attempt):
        said = _refusal(intent, attempt, now)
        if attempt.operation is Operation.ROTATE:
            return replace(record, intent=None, rotation_refusal=said)
        return replace(record, intent=None, refusal=said)
    if attempt.operation is Operation.REGISTER and isinstance(outcome, Malformed):
        return replace(record, intent=replace(intent, unreadable=True))
    return record


def _refusal(intent: Intent, attempt: Attempt, now: datetime) -> Refusal | None:
    """Remember what was said about the metadata: any other cause may go without our seeing it.

    A rotation is not urgent, so that any refusal of it counts.
    """
    said = attempt.outcome
    if isinstance(said, NotSupported) and attempt.operation is Operation.ROTATE:
        said = Refused(said.status, NOT_OFFERED, "")
    if not isinstance(said, Refused):
        return None
    if said.code not in _ABOUT_THE_METADATA and attempt.operation is not Operation.ROTATE:
        return None
    if client_of_key_is_gone(attempt):
        return None
    return Refusal(
        operation=attempt.operation,
        spec_hash=intent.spec_hash,
        at=now,
        status=said.status,
        code=said.code,
        description=said.description,
        provider=intent.provider,
        rotation_request=intent.rotation_request,
    )


def remembered(refusal: Refusal) -> Outcome:
    """Return what was answered then."""
    if refusal.code == NOT_OFFERED:
        return NotSupported(refusal.status)
    return Refused(refusal.status, refusal.code, refusal.description)


def client_of_key_is_gone(attempt: Attempt) -> bool:
    """Whether a repeat was told that its client existed and has been deleted since.

    Only a provider that honours the key is sent a repeat of a registration.
    """
    return (
        attempt.repeated
        and attempt.operation is Operation.REGISTER
        and isinstance(attempt.outcome, Refused)
        and attempt.outcome.status == _CONFLICT
        and attempt.outcome.code in _KNOWN_CODES
    )


def _said(outcome: Refused, connection: ProviderConnection) -> str:
    # What a namespaced provider says is a tenant's text: only registered codes pass.
    if connection.hardened:
        return outcome.code if outcome.code in _KNOWN_CODES else f"status {outcome.status}"
    said = ": ".join(part for part in (outcome.code, outcome.description) if part)
    return clean_text(said) or f"status {outcome.status}"


def told(detail: str, connection: ProviderConnection, *, ours: bool = False) -> str:
    """Return the detail in brackets, unless it is a tenant's text: that is not repeated."""
    return f" ({clean_text(detail)})" if detail and (ours or not connection.hardened) else ""


def _unsupported(operation: Operation) -> Reason:
    if operation is Operation.REGISTER:
        return Reason.REGISTRATION_NOT_SUPPORTED
    if operation is Operation.ROTATE:
        return Reason.ROTATION_NOT_SUPPORTED
    return Reason.MANAGEMENT_NOT_SUPPORTED
