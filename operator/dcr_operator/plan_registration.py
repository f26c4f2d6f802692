"""What comes before a registration, and whether a refused token means a new one. Pure."""

from datetime import datetime

from dcr_operator.outcomes import (
    CannotTell,
    CredentialsAccepted,
    CredentialsRejected,
    RegistrationAccessTokenRejected,
)
from dcr_operator.reasons import Reason
from dcr_operator.registration_facts import can_be_probed
from dcr_operator.resources import OnLostRegistrationAccessToken, OnVanishedClient
from dcr_operator.state import (
    Desired,
    InitialAccessTokenAbsent,
    Intent,
    Observed,
    Orphan,
    OrphanCause,
    ProviderSnapshot,
    ProviderUnusable,
    ProviderUsable,
    Registration,
)
from dcr_operator.steps import AddFinalizer, FetchInitialAccessToken, Probe, Register, Step
from dcr_operator.verdicts import halt


def prerequisite(observed: Observed, usable: ProviderUsable) -> Step | None:
    """Return what comes before a registration, reads before writes."""
    match observed.initial_access_token:
        case None:
            return FetchInitialAccessToken(usable.policy.initial_access_token)
        case InitialAccessTokenAbsent(message):
            return halt(Reason.INITIAL_ACCESS_TOKEN_MISSING, message)
        case _:
            return None if observed.resource.has_finalizer else AddFinalizer()


def repeat_registration(intent: Intent) -> Register:
    return Register(intent.body, intent.spec_hash, repeat=intent)


def orphan_of(
    observed: Observed, snapshot: ProviderSnapshot, cause: OrphanCause, now: datetime
) -> Orphan:
    known = cause is not OrphanCause.AMBIGUOUS_CREATE and observed.registration is not None
    return Orphan(
        cause=cause,
        issuer=snapshot.issuer,
        since=now,
        client_id=observed.registration.client_id if known and observed.registration else None,
        intent_id=observed.intent.id if observed.intent else None,
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
            return _vanished(desired, observed, usable, registration)
        case CredentialsAccepted():
            return _lost(desired, observed, usable, now)
        case CannotTell(detail):
            return _token_stop(usable.snapshot, f"whether the client exists is unknown: {detail}")
        case _:
            return _token_stop(
                usable.snapshot, "whether the client exists cannot be found out with its keys"
            )


def _vanished(
    desired: Desired, observed: Observed, usable: ProviderUsable, registration: Registration
) -> Step:
    happened = f"{usable.snapshot.connection.provider} no longer knows {registration.client_id}"
    if usable.policy.on_vanished_client is OnVanishedClient.STOP:
        return halt(
            Reason.CLIENT_VANISHED,
            f"{happened}. Restore it there, set onVanishedClient: Reregister on the provider, or"
            " make the OAuthClient again.",
        )
    return prerequisite(observed, usable) or Register(
        desired.request,
        desired.spec_hash,
        announce=(Reason.CLIENT_VANISHED, f"{happened}; registering a new client in its place"),
    )


def _lost(desired: Desired, observed: Observed, usable: ProviderUsable, now: datetime) -> Step:
    policy = usable.policy.on_lost_registration_access_token
    if policy is OnLostRegistrationAccessToken.STOP:
        return _token_stop(usable.snapshot, "the client itself still works")
    orphan = orphan_of(observed, usable.snapshot, OrphanCause.LOST_REGISTRATION_ACCESS_TOKEN, now)
    return prerequisite(observed, usable) or Register(
        desired.request,
        desired.spec_hash,
        orphan=orphan,
        announce=(
            Reason.REGISTRATION_ACCESS_TOKEN_REJECTED,
            (
                f"{usable.snapshot.connection.provider} refuses the token that manages"
                f" {orphan.client_id}; registering a new client, remove the old one by hand"
            ),
        ),
    )


def _token_stop(snapshot: ProviderSnapshot, what: str) -> Step:
    return halt(
        Reason.REGISTRATION_ACCESS_TOKEN_REJECTED,
        f"{snapshot.connection.provider} refuses the registration access token; {what}. Restore"
        " the token at the provider, or set onLostRegistrationAccessToken: Reregister there.",
    )
