"""The status of a provider: one condition, and what its discovery document says. Pure."""

import hashlib
from datetime import datetime
from typing import Final

from dcr_operator.conditions import (
    FALSE,
    TRUE,
    Aspect,
    conditions_of,
    standing_conditions,
)
from dcr_operator.kube import JsonObject
from dcr_operator.reasons import ConditionType, Reason
from dcr_operator.state import ProviderSnapshot, ProviderState, ProviderUnusable

DIGEST_MEMBER: Final = "endpointsDigest"


def ready_aspect(state: ProviderState) -> Aspect:
    if isinstance(state, ProviderUnusable):
        return Aspect(ConditionType.READY, FALSE, state.reason, state.message)
    message = f"{state.snapshot.issuer} answers and can register clients"
    return Aspect(ConditionType.READY, TRUE, Reason.READY, message)


def provider_status(
    state: ProviderState,
    *,
    generation: int,
    clients: int | None,
    previous: JsonObject,
    now: datetime,
) -> JsonObject:
    """Return the whole status; while nobody knows the number of clients, the last one stands."""
    aspects = (ready_aspect(state),)
    status: JsonObject = {
        "observedGeneration": generation,
        "conditions": standing_conditions(aspects, conditions_of(previous), generation, now),
        "clients": previous.get("clients") if clients is None else clients,
    }
    if isinstance(state, ProviderUnusable):
        # What was seen last is still the best guess for people who look for the cause.
        seen = ("issuer", "registrationEndpoint", "capabilities", DIGEST_MEMBER)
        status |= {name: previous[name] for name in seen if name in previous}
    else:
        status |= {
            "issuer": state.snapshot.issuer,
            "registrationEndpoint": state.snapshot.registration_endpoint,
            "capabilities": list(state.capabilities),
            DIGEST_MEMBER: endpoints_digest(state.snapshot),
        }
    return {name: value for name, value in status.items() if value not in (None, [])}


def endpoints_digest(snapshot: ProviderSnapshot) -> str:
    """Return a digest of what clients' Secrets show: endpoints, and the certificates to trust.

    In status, so that a change while no operator ran is seen. One that a crash keeps from the
    clients afterwards reaches them by resync.
    """
    shown = (
        snapshot.registration_endpoint,
        snapshot.token_endpoint,
        snapshot.authorization_endpoint,
        snapshot.userinfo_endpoint,
        snapshot.jwks_uri,
        snapshot.connection.ca_bundle,
    )
    return hashlib.sha256(repr(shown).encode()).hexdigest()
