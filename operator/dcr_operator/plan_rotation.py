"""The checks about rotating the client secret, each (desired, observed, now) → Step | None. Pure.

intent rotate         answer: new secret, the one before with its end
(due) ──────────────► OPEN ─────────────────────────────────► OVERLAP ──► (its end) forgotten
│  ▲
└──┘ repeat with the same key
"""

from datetime import datetime

from dcr_operator.plan_registration import (
    provider_unusable,
    refused_lately,
    rotation_refused_before,
)
from dcr_operator.plan_succession import has_room_for_another, registered_anew
from dcr_operator.plan_wanted import read_due, update_of
from dcr_operator.policy_verdicts import request_denied
from dcr_operator.reasons import Reason
from dcr_operator.registration_facts import has_secret
from dcr_operator.rotation_schedule import next_rotation, overlap_end, secret_is_expired
from dcr_operator.state import (
    Desired,
    IntentKind,
    Observed,
    Operation,
    ProviderSnapshot,
    Registration,
)
from dcr_operator.steps import EndOverlap, Rotate, Step
from dcr_operator.verdicts import halt, verdict


def overlap_over(_desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """What has ended goes out of the record, and so out of the Secret."""
    registration = observed.registration
    end = overlap_end(registration) if registration else None
    return None if end is None or now < end else EndOverlap()


def rotation_unanswered(desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """A crash or a lost answer: the secret in use may be about to end."""
    intent = observed.intent
    if intent is None or intent.kind is not IntentKind.ROTATE or observed.rotation_refused:
        return None
    repeat = Rotate(intent.overlap, desired.spec_hash, repeat=intent)
    return provider_unusable(observed) or repeat


def rotation_due(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """An edit that is refused must not keep a secret from being rotated, nor the reverse."""
    registration = observed.registration
    if registration is None or observed.intent is not None or observed.rotation_refused:
        return None
    if why_not_rotated(desired, observed, registration) or not _is_due(desired, observed, now):
        return None
    if desired.rotation.reregister:
        if desired.lacking is not None or not has_room_for_another(observed):
            return None
        return read_due(desired, observed, now) or registered_anew(desired, observed, now)
    refused = refused_lately(desired, observed, Operation.ROTATE, now)
    overlap = int(desired.rotation.overlap.total_seconds())
    if refused:
        return None
    # A token that is refused is found out without a write.
    return read_due(desired, observed, now) or Rotate(overlap, desired.spec_hash)


def _is_due(desired: Desired, observed: Observed, now: datetime) -> bool:
    registration = observed.registration
    due = next_rotation(desired.rotation, registration) if registration else None
    return is_requested(observed) or (due is not None and due <= now)


def is_requested(observed: Observed) -> bool:
    """Whether a person asks for other credentials than those that are on record."""
    registration, asked = observed.registration, observed.rotation_request
    return registration is not None and bool(asked) and asked != registration.rotation_request


def why_not_rotated(desired: Desired, observed: Observed, registration: Registration) -> str | None:
    """Return why the secret cannot be rotated as wanted; None when it can, or nobody knows."""
    usable = observed.usable
    if usable is None:
        return "the provider cannot be asked now"
    return why_never_rotated(desired, usable.snapshot, registration)


def why_never_rotated(
    desired: Desired, provider: ProviderSnapshot, registration: Registration
) -> str | None:
    """Return why such a client's secret cannot be rotated there, whether it answers or not."""
    if not has_secret(registration):
        return "the client has no client secret"
    if not registration.management():
        return "the provider gave no access to manage the client"
    if not (provider.rotates_secrets or desired.rotation.reregister):
        return f"{provider.connection.provider} does not offer to rotate client secrets"
    return None


def renewal_due(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """Some servers issue the next secret with an update; one is sent once it has expired."""
    registration = observed.registration
    if registration is None or observed.usable is None or observed.intent is not None:
        return None
    if not _has_expired_secret(registration, now) or not registration.management():
        return None
    if observed.usable.snapshot.rotates_secrets or _asked_since_expiry(registration):
        return None
    usable = observed.usable
    if request_denied(desired, usable) or refused_lately(desired, observed, Operation.UPDATE, now):
        return None
    return read_due(desired, observed, now) or update_of(desired, observed, registration)


def _asked_since_expiry(registration: Registration) -> bool:
    asked, expired = registration.updated_at, registration.client_secret_expires_at
    return asked is not None and expired is not None and asked.timestamp() >= expired


def _has_expired_secret(registration: Registration, now: datetime) -> bool:
    return has_secret(registration) and secret_is_expired(registration, now)


def secret_expired(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    registration = observed.registration
    if registration is None or not _has_expired_secret(registration, now):
        return None
    return (
        provider_unusable(observed)
        or rotation_refused(desired, observed, now)
        or halt(
            Reason.CLIENT_SECRET_EXPIRED,
            f"the client secret of {registration.shown_id} has expired, and the provider issues no"
            " other one. Have it renewed there and annotate the object with"
            " dcr-operator.dev/reconcile-requested-at, or make the OAuthClient again.",
        )
    )


def rotation_refused(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """What was refused, in this pass or lately, stays true until it is asked for again."""
    stored, attempt = observed.stored, observed.rotation_refused
    if stored is None or stored.registration is None:
        return None
    if attempt is not None:
        return verdict(attempt, stored.provider.connection)
    if not _is_due(desired, observed, now):
        return None
    if observed.usable is None:
        return rotation_refused_before(desired, observed)
    if why_not_rotated(desired, observed, stored.registration):
        return None
    return refused_lately(desired, observed, Operation.ROTATE, now)


def rotation_unsupported(desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """An outage changes nothing of it, so the provider on record will do."""
    stored, registration = observed.stored, observed.registration
    if stored is None or registration is None:
        return None
    scheduled = desired.rotation.every is not None or (
        desired.rotation.before_expiry is not None and bool(registration.client_secret_expires_at)
    )
    provider = observed.usable.snapshot if observed.usable else stored.provider
    why = why_never_rotated(desired, provider, registration)
    if desired.client_keys is not None:
        # Keys are rotated by updates.
        scheduled = desired.client_keys.rotate_every is not None
        why = None if registration.management() else "the client cannot be updated"
    if why is None or not (scheduled or is_requested(observed)):
        return None
    return halt(
        Reason.ROTATION_NOT_SUPPORTED,
        f"other credentials are wanted, and {why}. Remove spec.rotation or the annotation"
        " dcr-operator.dev/rotate-requested-at, choose a provider that rotates secrets, or set"
        " strategy: Reregister.",
    )
