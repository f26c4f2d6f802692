"""What comes before a registration, and whether a refused token means a new one. Pure."""

from datetime import datetime, timedelta
from typing import Final

from dcr_operator.orphans import Orphan, OrphanCause
from dcr_operator.outcomes import (
    CannotTell,
    CredentialsAccepted,
    CredentialsRejected,
    RegistrationAccessTokenRejected,
)
from dcr_operator.policy_verdicts import answer_was_denied, request_denied
from dcr_operator.ports import Place
from dcr_operator.reasons import Reason
from dcr_operator.registration_facts import can_be_probed, is_uncertain
from dcr_operator.resources import (
    OnAmbiguousCreate,
    OnLostRegistrationAccessToken,
    OnVanishedClient,
)
from dcr_operator.state import (
    Attempt,
    Desired,
    InitialAccessTokenAbsent,
    Intent,
    Observed,
    Operation,
    ProviderSnapshot,
    ProviderUnusable,
    ProviderUsable,
    Refusal,
)
from dcr_operator.steps import (
    AddFinalizer,
    FetchInitialAccessToken,
    Probe,
    Register,
    Step,
    TakePlace,
    Wait,
)
from dcr_operator.verdicts import halt, remembered, verdict
from dcr_protocol.response_errors import clean_text

REFUSED_PAUSE: Final = 3600.0  # seconds, where the provider is never resynchronised
# A registration after one without an answer may leave a client behind: so less and less often, and
# yet again, since an outage ends some day. The last pause repeats.
PAUSES_BETWEEN_CREATES: Final = (
    timedelta(0),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
)
_NEVER_ANSWERED: Final = (
    "whether the client exists is unknown, since an update of it was never answered"
)


def prerequisite(observed: Observed, usable: ProviderUsable) -> Step | None:
    """Return what comes before a registration, reads before writes."""
    match observed.initial_access_token:
        case None:
            return FetchInitialAccessToken(usable.policy.initial_access_token)
        case InitialAccessTokenAbsent(message):
            return halt(Reason.INITIAL_ACCESS_TOKEN_MISSING, message)
    if observed.resource.has_finalizer:
        return place_in_namespace(observed, usable)
    return place_in_namespace(observed, usable) or AddFinalizer()


def place_in_namespace(observed: Observed, usable: ProviderUsable) -> Step | None:
    """Return what comes before a registration where a namespace may only have so many."""
    policy, stored = usable.policy.client_policy, observed.stored
    limit = policy.max_clients_per_namespace if policy else None
    here = stored is not None and stored.provider.key == usable.snapshot.key
    if limit is None or (here and observed.resource.has_finalizer):
        return None
    match observed.place:
        case None:
            return TakePlace(usable.snapshot.key, limit)
        case Place.UNKNOWN:
            return Wait(Reason.PROGRESSING, "the clients of the namespace are being counted", 2.0)
        case Place.FULL:
            return halt(
                Reason.CLIENT_LIMIT_REACHED,
                f"{usable.snapshot.connection.provider} allows {limit} clients in each namespace,"
                f" and {observed.resource.key.namespace} has as many. Delete one, or ask the"
                " provider's administrator to raise spec.clientPolicy.maxClientsPerNamespace.",
            )
        case Place.TAKEN:
            return None


def ready_to_register(
    desired: Desired, observed: Observed, usable: ProviderUsable, now: datetime
) -> Step | None:
    """Return what stands before a registration of what is wanted now."""
    return (
        no_new_clients(usable)
        or request_denied(desired, usable)
        or refused_lately(desired, observed, Operation.REGISTER, now)
        or request_incomplete(desired, observed, now)
        or prerequisite(observed, usable)
    )


def request_incomplete(desired: Desired, _observed: Observed, _now: datetime) -> Step | None:
    """Return what a request of now would lack; a repeat sends what it sent before."""
    lacking = desired.lacking
    return None if lacking is None else halt(lacking.reason, lacking.message)


def no_new_clients(usable: ProviderUsable) -> Step | None:
    if not usable.terminating:
        return None
    return halt(
        Reason.PROVIDER_NOT_FOUND,
        f"{usable.snapshot.key} is being deleted and takes no new clients. Name another provider"
        " in spec.providerRef.",
    )


def is_repeatable(observed: Observed) -> bool:
    """Whether the provider honoured the key of a request when it was sent, and still does."""
    stored, usable = observed.stored, observed.usable
    then = stored is not None and stored.registering_at.idempotent
    return then and usable is not None and usable.snapshot.idempotent


def repeat_registration(intent: Intent) -> Register:
    return Register(intent.body, intent.spec_hash, repeat=intent)


def unanswered_registration(
    desired: Desired, observed: Observed, intent: Intent, now: datetime
) -> Step | None:
    """A crash or a lost answer: the intent to register is open."""
    usable = observed.usable
    if usable is None:
        return provider_unusable(observed)
    if is_repeatable(observed):
        return prerequisite(observed, usable) or repeat_registration(intent)
    return (
        register_no_more(observed, intent, usable, now)
        or request_denied(desired, usable)
        or request_incomplete(desired, observed, now)
        or prerequisite(observed, usable)
        or _register_again(desired, observed, usable, now)
    )


def _register_again(
    desired: Desired, observed: Observed, usable: ProviderUsable, now: datetime
) -> Step:
    name = usable.snapshot.connection.provider
    return Register(
        desired.request,
        desired.spec_hash,
        orphan=orphan_of(observed, usable.snapshot, OrphanCause.AMBIGUOUS_CREATE, now),
        announce=(
            Reason.CREATION_OUTCOME_UNKNOWN,
            (
                f"no answer came to a registration at {name}; registering again. A client that"
                " nobody manages may be left there: it is on record"
            ),
        ),
        retires=observed.intent is not None and observed.intent.retires,
    )


def register_no_more(
    observed: Observed, intent: Intent, usable: ProviderUsable, now: datetime
) -> Step | None:
    """Return why a registration without an answer is not followed by another one now."""
    name = usable.snapshot.connection.provider
    if intent.unreadable:
        return halt(
            Reason.CREATION_OUTCOME_UNKNOWN,
            f"{name} answered a registration with a success that cannot be read, so it has a"
            " client that nobody knows. Mend the provider, remove the client there, and make the"
            " OAuthClient again.",
        )
    if usable.policy.on_ambiguous_create is OnAmbiguousCreate.STOP:
        return halt(
            Reason.CREATION_OUTCOME_UNKNOWN,
            f"a registration was sent to {name} at {intent.started_at:%Y-%m-%d %H:%M:%SZ} and no"
            " answer came. Remove the client there if it exists; then set onAmbiguousCreate:"
            " Retry on the provider, or make the OAuthClient again.",
        )
    unanswered = observed.stored.unanswered if observed.stored else 0
    pause = PAUSES_BETWEEN_CREATES[min(unanswered, len(PAUSES_BETWEEN_CREATES) - 1)]
    elapsed = now - intent.started_at
    if not timedelta(0) <= elapsed < pause:
        return None
    again = f"no answer came to a registration at {name}; registering again later"
    return Wait(Reason.CREATION_OUTCOME_UNKNOWN, again, (pause - elapsed).total_seconds())


def orphan_of(
    observed: Observed, snapshot: ProviderSnapshot, cause: OrphanCause, now: datetime
) -> Orphan:
    known = None if cause is OrphanCause.AMBIGUOUS_CREATE else observed.registration
    abandoned = known is not None and cause is OrphanCause.ABANDONED
    return Orphan(
        cause=cause,
        issuer=snapshot.issuer,
        since=now,
        client_id=known.client_id if known else None,
        intent_id=observed.intent.id if observed.intent else None,
        connection=snapshot.connection if abandoned else None,
        management=known.management() if known and abandoned else (),
    )


def provider_unusable(observed: Observed) -> Step | None:
    if isinstance(observed.provider, ProviderUnusable):
        return halt(
            observed.provider.reason, observed.provider.message, observed.provider.retry_after
        )
    return None


def token_rejected(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """Tell a client that vanished from a token that was lost (decided by probing)."""
    attempt, registration, usable = observed.attempt, observed.registration, observed.usable
    if (
        attempt is None
        or not isinstance(attempt.outcome, RegistrationAccessTokenRejected)
        or registration is None
        or usable is None
    ):
        return None
    match observed.probe:
        case None if can_be_probed(usable.snapshot, registration):
            return Probe()
        case CredentialsRejected():
            judge = _vanished_or_lost if is_uncertain(observed) else _vanished
            return judge(desired, observed, usable, now)
        case CredentialsAccepted():
            return _lost(desired, observed, usable, now, what="the client itself still works")
        case CannotTell(detail):
            return _token_stop(usable.snapshot, f"whether the client exists is unknown: {detail}")
        case _:
            return _token_stop(
                usable.snapshot, "whether the client exists cannot be found out with its keys"
            )


def _vanished_or_lost(
    desired: Desired, observed: Observed, usable: ProviderUsable, now: datetime
) -> Step:
    """An update without an answer may have changed what the client authenticates with."""
    if usable.policy.on_vanished_client is OnVanishedClient.REREGISTER:
        return _lost(desired, observed, usable, now, what=_NEVER_ANSWERED)
    return _token_stop(usable.snapshot, _NEVER_ANSWERED)


def refused_lately(
    desired: Desired, observed: Observed, operation: Operation, now: datetime
) -> Step | None:
    """Return the verdict on the same request, unless its provider or an interval has changed.

    A person who asks may know more than we can see.
    """
    stored, usable = observed.stored, observed.usable
    refusal = _refusal_of(operation, observed)
    if stored is None or usable is None or refusal is None or observed.requested:
        return None
    by = refusal.provider or stored.provider
    same = (refusal.operation, refusal.spec_hash) == (operation, desired.spec_hash)
    if refusal.policy:
        same = same and by.key == usable.snapshot.key
        return answer_was_denied(refusal, usable) if same else None
    pause = timedelta(seconds=usable.policy.resync_every or REFUSED_PAUSE)
    young = timedelta(0) <= now - refusal.at < pause
    if not same or not young or usable.snapshot.essential() != by:
        return None
    return verdict(Attempt(operation, remembered(refusal)), by.connection)


def rotation_refused_before(desired: Desired, observed: Observed) -> Step | None:
    """Return the refusal of a rotation that stands while the provider cannot be asked again."""
    stored, refusal = observed.stored, _refusal_of(Operation.ROTATE, observed)
    if stored is None or refusal is None or refusal.spec_hash != desired.spec_hash:
        return None
    by = refusal.provider or stored.provider
    return verdict(Attempt(Operation.ROTATE, remembered(refusal)), by.connection)


def _refusal_of(operation: Operation, observed: Observed) -> Refusal | None:
    """A refused rotation and a refused update do not make each other forgotten."""
    stored = observed.stored
    if stored is None or operation is not Operation.ROTATE:
        return stored.refusal if stored else None
    refusal = stored.rotation_refusal
    asked_anew = refusal is not None and refusal.rotation_request != observed.rotation_request
    return None if asked_anew else refusal


def _vanished(desired: Desired, observed: Observed, usable: ProviderUsable, now: datetime) -> Step:
    client_id = observed.registration.shown_id if observed.registration else "the client"
    happened = f"{usable.snapshot.connection.provider} no longer knows {client_id}"
    if usable.policy.on_vanished_client is OnVanishedClient.STOP:
        return halt(
            Reason.CLIENT_VANISHED,
            f"{happened}. Restore it there, set onVanishedClient: Reregister on the provider, or"
            " make the OAuthClient again.",
        )
    return ready_to_register(desired, observed, usable, now) or Register(
        desired.request,
        desired.spec_hash,
        announce=(Reason.CLIENT_VANISHED, f"{happened}; registering a new client in its place"),
    )


def _lost(
    desired: Desired, observed: Observed, usable: ProviderUsable, now: datetime, *, what: str
) -> Step:
    policy = usable.policy.on_lost_registration_access_token
    if policy is OnLostRegistrationAccessToken.STOP:
        return _token_stop(usable.snapshot, what)
    orphan = orphan_of(observed, usable.snapshot, OrphanCause.LOST_REGISTRATION_ACCESS_TOKEN, now)
    return ready_to_register(desired, observed, usable, now) or Register(
        desired.request,
        desired.spec_hash,
        orphan=orphan,
        announce=(
            Reason.REGISTRATION_ACCESS_TOKEN_REJECTED,
            (
                f"{usable.snapshot.connection.provider} refuses the token that manages"
                f" {clean_text(orphan.client_id or '')} ({what}); registering a new client, remove"
                " the old one by hand"
            ),
        ),
    )


def _token_stop(snapshot: ProviderSnapshot, what: str) -> Step:
    return halt(
        Reason.REGISTRATION_ACCESS_TOKEN_REJECTED,
        f"{snapshot.connection.provider} refuses the registration access token; {what}. Restore"
        " the token at the provider, or set onLostRegistrationAccessToken: Reregister there.",
    )
