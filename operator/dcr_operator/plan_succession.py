"""A registration that takes the place of the one in force, at another provider or anew. Pure.

The new one is registered and published first; the old one is retired afterwards
(`plan_retirement`). So there is no moment without valid credentials.
"""

from datetime import datetime
from typing import Final

from dcr_operator.plan_registration import (
    provider_unusable,
    ready_to_register,
    unanswered_registration,
)
from dcr_operator.reasons import Reason
from dcr_operator.registration_facts import is_elsewhere
from dcr_operator.state import Desired, IntentKind, Observed
from dcr_operator.steps import Register, SetAside, Step
from dcr_operator.verdicts import halt

# A record is one Secret of at most 1 MiB, and what is answered must always find its place there.
MOST_RETIRING: Final = 16


def issuer_changed(_desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """Somebody made the provider anew with another issuer: nobody asked the clients to move."""
    stored, usable = observed.stored, observed.usable
    if stored is None or usable is None or stored.provider.key != usable.snapshot.key:
        return None
    if stored.registration is None and stored.intent is None:
        return None
    if usable.snapshot.issuer == stored.provider.issuer:
        return None
    return halt(
        Reason.INVALID_SPEC,
        f"the client was registered at {stored.provider.connection.provider} (issuer"
        f" {stored.provider.issuer}), which is another issuer's by now. Make the provider anew with"
        " its old issuer, or name another provider in spec.providerRef to move the client.",
    )


def unanswered_elsewhere(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """A registration without an answer at a provider that is no longer wanted: look later."""
    stored, intent = observed.stored, observed.intent
    if stored is None or intent is None or intent.kind is not IntentKind.REGISTER:
        return None
    return SetAside(now) if is_elsewhere(desired, observed, stored.registering_at) else None


def succession_unknown(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    intent = observed.intent
    if intent is None or intent.kind is not IntentKind.REGISTER:
        return None
    return unanswered_registration(desired, observed, intent, now)


def has_room_for_another(observed: Observed) -> bool:
    """Whether one more registration may wait for its end: a record has its limits."""
    return observed.stored is None or len(observed.stored.retiring) < MOST_RETIRING


def moved(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """spec.providerRef names another provider than the one of the registration."""
    stored = observed.stored
    if stored is None or not is_elsewhere(desired, observed, stored.provider):
        return None
    if not has_room_for_another(observed):
        return halt(
            Reason.PROGRESSING,
            f"{MOST_RETIRING} registrations that this client had before wait for their end;"
            " it moves when the first of them has gone.",
        )
    return registered_anew(desired, observed, now)


def registered_anew(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """Return the next step to a new registration that retires the one in force."""
    usable = observed.usable
    if usable is None:
        return provider_unusable(observed)
    return ready_to_register(desired, observed, usable, now) or Register(
        desired.request, desired.spec_hash, retires=True
    )
