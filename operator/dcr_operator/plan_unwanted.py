"""The checks for a resource that is being deleted: (wish, observed, now) → Step | None. Pure."""

from datetime import datetime

from dcr_operator.orphans import OrphanCause
from dcr_operator.outcomes import (
    CannotTell,
    CredentialsAccepted,
    CredentialsRejected,
    NotSupported,
    RegistrationAccessTokenRejected,
)
from dcr_operator.plan_registration import is_repeatable, orphan_of, repeat_registration
from dcr_operator.provider_state import without_limits
from dcr_operator.reasons import Reason
from dcr_operator.registration_facts import can_be_probed, is_uncertain
from dcr_operator.resources import OnLostRegistrationAccessToken
from dcr_operator.state import (
    Attempt,
    InitialAccessTokenAbsent,
    IntentKind,
    Observed,
    Operation,
    ProviderSnapshot,
    ProviderUnusable,
    Record,
    RecordUnreadable,
    Unwanted,
)
from dcr_operator.steps import (
    CloseRecord,
    DeleteRecord,
    DeleteSecret,
    Done,
    FetchInitialAccessToken,
    NoteResource,
    Probe,
    ReleaseSecret,
    RemoveFinalizer,
    Step,
    Unregister,
    Wait,
)
from dcr_operator.verdicts import verdict
from dcr_protocol.response_errors import clean_text

_NOT_FOUND = 404


def released(_wish: Unwanted, observed: Observed, _now: datetime) -> Step | None:
    if observed.resource.has_finalizer:
        return None
    return Done(Reason.DELETING, "nothing is left to do")


def retained(wish: Unwanted, observed: Observed, _now: datetime) -> Step | None:
    """Client and record stay; the Secret stays by losing its owner."""
    if not wish.retain:
        return None
    if observed.stored is not None and not observed.stored.retain:
        # When the resource is gone, the record alone says that the client is to stay.
        return NoteResource()
    # One that was to be renamed has the credentials until the other is there.
    for secret in (observed.secret, observed.previous_secret):
        if secret is not None and secret.ours:
            return ReleaseSecret(secret)
    return RemoveFinalizer()


def record_unreadable(_wish: Unwanted, observed: Observed, _now: datetime) -> Step | None:
    if isinstance(observed.record, RecordUnreadable):
        return blocked(
            f"the record of this client cannot be read: {observed.record.message}. Restore the"
            " Secret of the record from a backup"
        )
    return None


def blocked(why: str, after: float | None = None) -> Wait:
    return Wait(
        Reason.DELETION_BLOCKED,
        f"{why}. To let the object go and leave the client there, set spec.deletionPolicy: Retain.",
        after,
    )


def request_failed(_wish: Unwanted, observed: Observed, now: datetime) -> Step | None:
    attempt, stored = observed.attempt, observed.stored
    if attempt is None or stored is None or is_gone(observed):
        return None
    if attempt.operation is Operation.DELETE:
        if isinstance(attempt.outcome, RegistrationAccessTokenRejected):
            return _token_rejected(observed, stored, now)
        if attempt.outcome == NotSupported(_NOT_FOUND):
            return _not_found(observed, stored)
        if isinstance(attempt.outcome, NotSupported):
            return _left_behind(observed, stored, now, "does not let clients be deleted")
    said = verdict(attempt, stored.provider.connection)
    after = said.after if isinstance(said, Wait) else None
    return blocked(said.message.rstrip("."), after)


def is_gone(observed: Observed) -> bool:
    """Whether the provider has no such client any more."""
    attempt = observed.attempt
    if observed.unregistered:
        return True
    if attempt is None or attempt.operation is not Operation.DELETE:
        return False
    if attempt.outcome == NotSupported(_NOT_FOUND):
        return not _may_still_work(observed)
    if not isinstance(attempt.outcome, RegistrationAccessTokenRejected) or is_uncertain(observed):
        return False
    return isinstance(observed.probe, CredentialsRejected) or _went_with_its_client(
        attempt, observed
    )


def _may_still_work(observed: Observed) -> bool:
    """RFC 7592 §2.3 knows no 404. Servers mean that the client is gone; gateways say it too."""
    stored = observed.stored
    if stored is None or stored.registration is None:
        return False
    if observed.probe is None:
        return can_be_probed(stored.provider, stored.registration)
    return isinstance(observed.probe, CredentialsAccepted)


def _not_found(observed: Observed, stored: Record) -> Step:
    if observed.probe is None:
        return Probe()
    return blocked(
        f"{stored.provider.connection.provider} answers 404 to the deletion, and the client still"
        " works"
    )


def _went_with_its_client(attempt: Attempt, observed: Observed) -> bool:
    """RFC 7592 §2.3: the token goes with the client, if an earlier request deleted that.

    Credentials that can be tried come first: the token may have been lost before.
    """
    stored = observed.stored
    if not attempt.repeated or stored is None or stored.registration is None:
        return attempt.repeated
    if observed.probe is None:
        return not can_be_probed(stored.provider, stored.registration)
    return isinstance(observed.probe, CannotTell)


def _token_rejected(observed: Observed, stored: Record, now: datetime) -> Step:
    snapshot, registration = stored.provider, stored.registration
    refuses = f"{snapshot.connection.provider} refuses the registration access token"
    match observed.probe:
        case None if registration is not None and can_be_probed(snapshot, registration):
            return Probe()
        case CredentialsAccepted():
            return _let_go(observed, stored, now, refuses) or blocked(
                f"{refuses}, and the client still works"
            )
        case CredentialsRejected():
            return _let_go(observed, stored, now, refuses) or blocked(
                f"{refuses}, and whether the client exists is unknown, since an update of it was"
                " never answered"
            )
        case CannotTell(detail):
            return blocked(f"{refuses}, and whether the client exists is unknown: {detail}")
        case _:
            return blocked(f"{refuses}, and whether the client exists cannot be found out")


def _let_go(observed: Observed, stored: Record, now: datetime, refuses: str) -> Step | None:
    """Leave the client on record, if the provider's owner chose not to stop for that."""
    usable = observed.usable
    policy = usable.policy.on_lost_registration_access_token if usable else None
    if policy is not OnLostRegistrationAccessToken.REREGISTER:
        return None
    cause = OrphanCause.LOST_REGISTRATION_ACCESS_TOKEN
    return CloseRecord(
        orphan_of(observed, stored.provider, cause, now),
        (
            Reason.REGISTRATION_ACCESS_TOKEN_REJECTED,
            f"{refuses}; {_client_id(stored)} is left there, remove it by hand",
        ),
    )


def _client_id(stored: Record) -> str:
    return stored.registration.shown_id if stored.registration else "the client"


def _left_behind(observed: Observed, stored: Record, now: datetime, why: str) -> CloseRecord:
    return CloseRecord(
        orphan_of(observed, stored.provider, OrphanCause.NOT_MANAGEABLE, now),
        (
            Reason.MANAGEMENT_NOT_SUPPORTED,
            (
                f"{stored.provider.connection.provider} {why}: {_client_id(stored)} is left there,"
                " remove it by hand; it is on record"
            ),
        ),
    )


def creation_unknown(_wish: Unwanted, observed: Observed, now: datetime) -> Step | None:
    intent, stored = observed.intent, observed.stored
    if intent is None or stored is None or intent.kind is not IntentKind.REGISTER:
        return None
    provider = observed.provider
    not_found = (
        isinstance(provider, ProviderUnusable) and provider.reason is Reason.PROVIDER_NOT_FOUND
    )
    forgetful = observed.usable is not None and not is_repeatable(observed)
    if not stored.provider.idempotent or forgetful or not_found:
        return _never_answered(observed, stored.provider, now)
    if isinstance(provider, ProviderUnusable):
        return blocked(
            f"whether a client was registered is unknown: {provider.message.rstrip('.')}"
        )
    # Learn which client it is, to delete it.
    match observed.initial_access_token:
        case None:
            usable = observed.usable
            return FetchInitialAccessToken(usable.policy.initial_access_token if usable else None)
        case InitialAccessTokenAbsent(message):
            return blocked(f"whether a client was registered is unknown: {message.rstrip('.')}")
        case _:
            return repeat_registration(intent)


def _never_answered(observed: Observed, snapshot: ProviderSnapshot, now: datetime) -> Step:
    return CloseRecord(
        orphan_of(observed, snapshot, OrphanCause.AMBIGUOUS_CREATE, now),
        (
            Reason.CREATION_OUTCOME_UNKNOWN,
            (
                f"no answer came to a registration at {snapshot.connection.provider}: a client"
                " that nobody manages may be left there; it is on record"
            ),
        ),
    )


def registered(_wish: Unwanted, observed: Observed, now: datetime) -> Step | None:
    stored = observed.stored
    if stored is None or stored.registration is None or is_gone(observed):
        return None
    if not stored.registration.management():
        return _left_behind(observed, stored, now, "gave no access to manage clients")
    intent = stored.intent
    under_way = intent is not None and intent.kind is IntentKind.DELETE
    if under_way:
        return Unregister(repeat=intent)
    return _silent(observed, stored) or Unregister()


def _silent(observed: Observed, stored: Record) -> Step | None:
    """Write no intent for a request that would not be answered: discovery has just shown that."""
    provider = observed.provider
    if not isinstance(provider, ProviderUnusable) or provider.silent is None:
        return None
    # The record may know another way, such as an earlier certificate authority.
    if without_limits(provider.silent) != without_limits(stored.provider.connection):
        return None
    return blocked(provider.message.rstrip("."), provider.retry_after)


def record_left(_wish: Unwanted, observed: Observed, _now: datetime) -> Step | None:
    stored = observed.stored
    if stored is None:
        return None
    if not stored.orphans:
        return DeleteRecord()
    # Orphans stay on record for the person who removes them at the provider.
    closed = stored.registration is None and stored.intent is None
    return None if closed else CloseRecord(None)


def secret_left(_wish: Unwanted, observed: Observed, _now: datetime) -> Step | None:
    for secret in (observed.secret, observed.previous_secret):
        if secret is not None and secret.ours:
            return DeleteSecret(secret)
    return None


def finalizer_left(_wish: Unwanted, observed: Observed, _now: datetime) -> Step:
    client_id = observed.resource.client_id
    if observed.record is not None or client_id is None or is_gone(observed):
        return RemoveFinalizer()
    return RemoveFinalizer(
        (
            Reason.RECORD_MISSING,
            (
                f"{clean_text(client_id)} was registered, and its record {observed.record_place} is"
                " not there: unless this deletion has unregistered it already, the client is left"
                " at the provider, remove it by hand"
            ),
        )
    )
