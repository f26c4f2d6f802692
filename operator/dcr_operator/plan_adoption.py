"""Taking over a client that exists: seen at the provider, claimed by one record alone. Pure.

    Secret read, nobody else has the client ─► GET ─► record with intent adopt
      ─► still nobody else has it ─► intent closed: a registration like any other

The claim is looked at twice, since two resources may adopt the same client at the same moment: then
the later look of the two finds both, and steps back.
"""

from datetime import datetime

from dcr_operator.outcomes import NotSupported, RegistrationAccessTokenRejected
from dcr_operator.plan_registration import no_new_clients, place_in_namespace, refused_lately
from dcr_operator.policy_verdicts import request_denied
from dcr_operator.reasons import Reason
from dcr_operator.registration_facts import is_elsewhere, lacks_secret
from dcr_operator.state import (
    AdoptionAbsent,
    AdoptionFound,
    AdoptionWish,
    Attempt,
    Desired,
    IntentKind,
    Observed,
    Operation,
    ProviderUsable,
    Record,
    Unwanted,
)
from dcr_operator.steps import (
    AddFinalizer,
    Adopt,
    CloseRecord,
    ConfirmAdoption,
    DeleteRecord,
    FetchAdoption,
    KeepClientSecret,
    Step,
)
from dcr_operator.verdicts import halt, verdict
from dcr_protocol.response_errors import clean_text


def unconfirmed(desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """The client is claimed; before it is used somebody else's claim is looked for once more."""
    stored = observed.stored
    if stored is None or not is_claim(stored):
        return None
    if desired.adopt is None or is_elsewhere(desired, observed, stored.provider):
        return _claim_dropped(stored)
    return ConfirmAdoption()


def claim_left(_wish: Unwanted, observed: Observed, _now: datetime) -> Step | None:
    """A client that was not taken over is not ours to delete."""
    stored = observed.stored
    return _claim_dropped(stored) if stored is not None and is_claim(stored) else None


def is_claim(record: Record) -> bool:
    return record.intent is not None and record.intent.kind is IntentKind.ADOPT


def _claim_dropped(stored: Record) -> Step:
    return CloseRecord(None) if stored.orphans or stored.retiring else DeleteRecord()


def adoption(
    desired: Desired, observed: Observed, usable: ProviderUsable, now: datetime
) -> Step | None:
    """Return what is done in place of a registration, if a client is to be adopted."""
    if desired.adopt is None:
        return None
    return (
        no_new_clients(usable)
        or request_denied(desired, usable)
        or refused_lately(desired, observed, Operation.REGISTER, now)
        or _adopted(desired.adopt, observed, usable)
    )


def _adopted(adopt: AdoptionWish, observed: Observed, usable: ProviderUsable) -> Step:
    match observed.adoption:
        case None:
            return FetchAdoption(adopt)
        case AdoptionAbsent(message):
            return halt(Reason.ADOPTION_REFUSED, message)
        case AdoptionFound(management, client_secret):
            if observed.attempt is not None:
                return _not_read(adopt, observed.attempt, usable)
            before = place_in_namespace(observed, usable)
            if before is not None:
                return before
            if not observed.resource.has_finalizer:
                return AddFinalizer()
            return Adopt(adopt, management, client_secret)


def _not_read(adopt: AdoptionWish, attempt: Attempt, usable: ProviderUsable) -> Step:
    name = usable.snapshot.connection.provider
    if isinstance(attempt.outcome, RegistrationAccessTokenRejected):
        return halt(
            Reason.ADOPTION_REFUSED,
            f"{name} refuses the registration access token, or has no client"
            f" {clean_text(adopt.client_id)}. Put a valid one into the Secret {adopt.ref}.",
        )
    if isinstance(attempt.outcome, NotSupported):
        return halt(
            Reason.ADOPTION_REFUSED,
            f"{name} shows no registration at the registration_client_uri in the Secret"
            f" {adopt.ref}: it answers {attempt.outcome.status} there. Correct it.",
        )
    return verdict(attempt, usable.snapshot.connection)


def secret_unknown(desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """The provider has not shown the secret of an adopted client, and nobody else has."""
    registration, adopt = observed.registration, desired.adopt
    if adopt is None or registration is None or not lacks_secret(desired, registration):
        return None
    match observed.adoption:
        case None if observed.usable is not None:
            return FetchAdoption(adopt)
        case AdoptionFound(_, secret) if secret is not None:
            return KeepClientSecret(secret)
        case AdoptionAbsent(message):
            why = f": {message}"
        case _:
            why = "."
    return halt(
        Reason.CLIENT_SECRET_UNKNOWN,
        f"{registration.shown_id} is adopted, and the provider does not show its client_secret."
        f" Put it into the Secret {adopt.ref} under the key client_secret, or adopt a client"
        f" that needs none{why}",
    )
