"""What an answer of a provider means: from `dcr_protocol`'s verdicts to an `Outcome`.

Pure. RFC 7591 §3.2, RFC 7592 §2.
"""

from http import HTTPStatus

from dcr_operator.outcomes import (
    CannotTell,
    CredentialsAccepted,
    CredentialsRejected,
    Deleted,
    InitialAccessTokenRejected,
    Malformed,
    NotSupported,
    Outcome,
    ProbeOutcome,
    RateLimited,
    Refused,
    Registered,
    RegistrationAccessTokenRejected,
    Unreachable,
)
from dcr_operator.provider_session import Answer, ProviderResponse, ResponseTooLarge
from dcr_protocol import response_errors
from dcr_protocol.client_information import (
    ClientInformation,
    parse_client_information_response,
    parse_deletion_response,
)
from dcr_protocol.json_document import read_json_object

# RFC 6749 §5.2: these come after the client was authenticated.
_KNOWS_THE_CLIENT = frozenset(
    {
        "unauthorized_client",
        "invalid_scope",
        "invalid_grant",
        "invalid_target",
        "unsupported_grant_type",
    }
)


def registration(answer: Answer, *, had_token: bool) -> Outcome:
    """The outcome of a request to the client registration endpoint."""
    if not isinstance(answer, ProviderResponse):
        return _no_response(answer)
    try:
        return Registered(_information(answer))
    except response_errors.TokenRejected as error:
        return InitialAccessTokenRejected(str(error))
    except response_errors.RequestRefused as error:
        # Keycloak answers 403 where an initial access token is missing.
        if error.status == HTTPStatus.FORBIDDEN and not had_token:
            return InitialAccessTokenRejected(str(error))
        return _outcome_of(error)
    except response_errors.ProtocolResponseError as error:
        return _outcome_of(error)


def management(answer: Answer) -> Outcome:
    """The outcome of a read or an update at the client configuration endpoint."""
    if not isinstance(answer, ProviderResponse):
        return _no_response(answer)
    try:
        return Registered(_information(answer))
    except response_errors.TokenRejected:
        return RegistrationAccessTokenRejected()
    except response_errors.ProtocolResponseError as error:
        return _outcome_of(error)


def deletion(answer: Answer) -> Outcome:
    if not isinstance(answer, ProviderResponse):
        return _no_response(answer)
    try:
        parse_deletion_response(answer.status, answer.headers, answer.body)
    except response_errors.TokenRejected:
        return RegistrationAccessTokenRejected()
    except response_errors.ProtocolResponseError as error:
        return _outcome_of(error)
    return Deleted()


def probe(answer: Answer) -> ProbeOutcome:
    """What the token endpoint says about the credentials that it was shown."""
    if not isinstance(answer, ProviderResponse):
        return CannotTell("the token endpoint did not answer")
    if answer.status == HTTPStatus.OK:
        return CredentialsAccepted()
    code = _error_code(answer.body)
    if code == "invalid_client" and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return CredentialsRejected()
    # Keycloak answers 401 unauthorized_client to a wrong secret: that is no proof of either.
    if answer.status == HTTPStatus.BAD_REQUEST and code in _KNOWS_THE_CLIENT:
        return CredentialsAccepted()
    return CannotTell(f"the token endpoint answered {answer.status}")


def _information(answer: ProviderResponse) -> ClientInformation:
    return parse_client_information_response(answer.status, answer.headers, answer.body)


def _no_response(answer: ResponseTooLarge | RateLimited | Unreachable) -> Outcome:
    if isinstance(answer, ResponseTooLarge):
        return Malformed("the answer is too large", may_have_arrived=_acted(answer.status))
    return answer


def _outcome_of(error: response_errors.ProtocolResponseError) -> Outcome:
    match error:
        case response_errors.NotSupported():
            return NotSupported(error.status)
        case response_errors.RateLimited():
            return RateLimited(error.retry_after)
        case response_errors.ServerUnavailable():
            # Deviation from RFC 9110 §15.6.4: a gateway's 503 does not mean "not handled".
            return Unreachable(str(error), may_have_arrived=True, retry_after=error.retry_after)
        case response_errors.RequestRefused():
            return Refused(error.status, error.code or "", error.description)
    return Malformed(str(error), may_have_arrived=_acted(error.status))


def _acted(status: int) -> bool:
    """Whether a provider that answered with this status may have done what was asked."""
    return status < HTTPStatus.MULTIPLE_CHOICES


def _error_code(body: bytes) -> str:
    code = (read_json_object(body) or {}).get("error")
    return code if isinstance(code, str) else ""
