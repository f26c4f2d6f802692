"""What an answer of the provider means for people: reason, words, whether to try again. Pure."""

from typing import assert_never

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
from dcr_operator.reasons import ROW_OF, Reason, Retry
from dcr_operator.state import Attempt, Operation
from dcr_operator.steps import Stop, Wait
from dcr_protocol.errors import RegistrationErrorCode

_KNOWN_CODES = frozenset(code.value for code in RegistrationErrorCode)


def halt(reason: Reason, message: str, after: float | None = None) -> Wait | Stop:
    """End the pass without success, as the table of reasons says for this one."""
    if ROW_OF[reason].retry is Retry.ON_CHANGE:
        return Stop(reason, message)
    return Wait(reason, message, after)


def verdict(attempt: Attempt, connection: ProviderConnection) -> Wait | Stop:
    """Judge a request that failed; retryability is the outcome's, never that of "4xx"."""
    name, doing = connection.provider, f"{attempt.operation.value} the client"
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
                f"{name} refuses the initial access token{_told(detail, connection)}. Put a valid"
                " one into the Secret that spec.initialAccessToken of the provider names."
            )
        case NotSupported(status):
            reason = _unsupported(attempt.operation)
            message = (
                f"{name} cannot {doing}: it answers {status} there. Turn dynamic client"
                " registration and its management on at the provider."
            )
        case RateLimited(after):
            reason = Reason.RATE_LIMITED
            message = f"{name} asks for fewer requests; trying to {doing} again later."
        case Unreachable(detail, _, after):
            reason = Reason.PROVIDER_UNAVAILABLE
            message = _silent(f"could not be asked to {doing}", detail, connection)
        case Malformed(detail):
            reason = Reason.PROVIDER_UNAVAILABLE
            message = _silent(f"gave no usable answer to {doing}", detail, connection)
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


def settles(attempt: Attempt) -> bool:
    """Whether the outcome says that neither this request nor an earlier one took effect.

    An answer that is about the request itself settles it. Being sent away (rate limit, token,
    no connection) says nothing about an earlier request of the same intent.
    """
    if isinstance(attempt.outcome, Refused | NotSupported):
        return True
    return not attempt.repeated and not may_have_arrived(attempt.outcome)


def _said(outcome: Refused, connection: ProviderConnection) -> str:
    # What a namespaced provider says is a tenant's text: only registered codes pass.
    if connection.hardened:
        return outcome.code if outcome.code in _KNOWN_CODES else f"status {outcome.status}"
    return ": ".join(part for part in (outcome.code, outcome.description) if part) or (
        f"status {outcome.status}"
    )


def _silent(what: str, detail: str, connection: ProviderConnection) -> str:
    return (
        f"{connection.provider} {what}{_told(detail, connection)}."
        " Look at the provider and at the network between."
    )


def _told(detail: str, connection: ProviderConnection) -> str:
    return f" ({detail})" if detail and not connection.hardened else ""


def _unsupported(operation: Operation) -> Reason:
    if operation is Operation.REGISTER:
        return Reason.REGISTRATION_NOT_SUPPORTED
    return Reason.MANAGEMENT_NOT_SUPPORTED
