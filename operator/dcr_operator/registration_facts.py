"""What follows from a registration: merging answers into it, comparing it with the wish. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from pydantic import JsonValue, SecretStr

from dcr_operator.client_keys import in_force
from dcr_operator.client_policy import ClientPolicy, violations_of_answer
from dcr_operator.orphans import Orphan
from dcr_operator.secret_content import effective_auth_method
from dcr_operator.state import (
    Desired,
    IntentKind,
    Observed,
    ProviderSnapshot,
    Record,
    Registration,
    ResourceFacts,
    Retiring,
)
from dcr_protocol.client_information import ClientInformation
from dcr_protocol.differences import Difference, DifferenceKind, differences
from dcr_protocol.vocabulary import (
    AUTH_METHODS_WITH_SECRET,
    CLIENT_SECRET_BASIC,
    CLIENT_SECRET_POST,
)

# Without these in force as asked for, the workload cannot do what it was declared to do.
_DECISIVE: Final = frozenset({"redirect_uris", "token_endpoint_auth_method", "grant_types"})
_CHANGES_CREDENTIALS: Final = frozenset({IntentKind.UPDATE, IntentKind.ROTATE})
MOST_NAMELESS_ORPHANS: Final = 100
_PROBEABLE: Final = frozenset({CLIENT_SECRET_BASIC, CLIENT_SECRET_POST})


def new_registration(information: ClientInformation, spec_hash: str) -> Registration:
    return Registration(
        client_id=information.client_id,
        spec_hash=spec_hash,
        client_secret=information.client_secret,
        client_id_issued_at=information.client_id_issued_at,
        client_secret_expires_at=information.client_secret_expires_at,
        # One without the other manages nothing (C-014).
        registration_access_token=information.registration_access_token
        if information.registration_client_uri
        else None,
        registration_client_uri=information.registration_client_uri
        if information.registration_access_token
        else None,
        metadata=information.metadata,
    )


def new_record(resource: ResourceFacts, provider: ProviderSnapshot, now: datetime) -> Record:
    return Record(resource.identity, provider, began_at=now, retain=resource.retain)


def judged(registration: Registration, policy: ClientPolicy | None) -> Registration:
    """Note whether what an answer put in force is within the provider's clientPolicy."""
    admitted = not violations_of_answer(policy, registration.metadata)
    return replace(registration, admitted=admitted)


def merged(
    registration: Registration, information: ClientInformation, used: SecretStr
) -> Registration:
    """Take over what an answer to a read or an update says; `used` is the token that worked.

    What is missing is unchanged (OIDCR §4.3; Hydra leaves out all three). The token that worked
    stays beside a new one until that has worked.
    """
    token = information.registration_access_token or used
    return replace(
        registration,
        client_secret=information.client_secret or registration.client_secret,
        client_id_issued_at=information.client_id_issued_at or registration.client_id_issued_at,
        client_secret_expires_at=registration.client_secret_expires_at
        if information.client_secret_expires_at is None
        else information.client_secret_expires_at,
        registration_access_token=token,
        previous_registration_access_token=None if token == used else used,
        registration_client_uri=information.registration_client_uri
        or registration.registration_client_uri,
        metadata=information.metadata,
        uncertain=False,
    )


def is_elsewhere(desired: Desired, observed: Observed, place: ProviderSnapshot) -> bool:
    """Whether the provider of a registration is another than the one that is wanted."""
    if observed.usable is not None:
        there = observed.usable.snapshot
        return (there.key, there.issuer) != (place.key, place.issuer)
    # A client that names none stays where it is, whatever the default is by now.
    stays = observed.stored.provider.key if observed.stored else place.key
    return place.key != (desired.provider or stays)


def is_adopted(desired: Desired, registration: Registration) -> bool:
    """Whether the client was there before us, and is not one that has taken its place."""
    return desired.adopt is not None and registration.client_id == desired.adopt.client_id


def lacks_secret(desired: Desired, registration: Registration) -> bool:
    """Whether nobody has told us the secret of a client that was adopted."""
    needed = effective_auth_method(registration) in AUTH_METHODS_WITH_SECRET
    return desired.adopt is not None and needed and registration.client_secret is None


def answered(record: Record, registration: Registration) -> Record:
    """Return the record after a registration was answered: it is the one in force."""
    intent, former = record.intent, record.registration
    retires = intent is not None and intent.retires and former is not None
    retiring = (Retiring(record.provider, former),) if retires else ()
    return replace(
        record,
        provider=record.registering_at,
        intent=None,
        registration=registration,
        unanswered=0,
        refusal=None,
        rotation_refusal=None,
        retiring=(*record.retiring, *retiring),
    )


def reinstated(record: Record) -> Record:
    """Return the record with the registration in force again that was about to retire."""
    latest = record.retiring[-1] if record.retiring else None
    if latest is None or latest.registration is None or latest.not_before is not None:
        return record
    return replace(
        record,
        provider=latest.provider,
        registration=latest.registration,
        retiring=record.retiring[:-1],
    )


def dated(before: Registration, after: Registration, now: datetime) -> Registration:
    """Note when a secret came that was not there before."""
    if after.client_secret == before.client_secret:
        return after
    return replace(after, secret_issued_at=now)


def renewed(
    before: Registration, after: Registration, provider: ProviderSnapshot, now: datetime
) -> Registration:
    """Return an updated registration; a secret that was due to expire may have a successor.

    A server with the extension lets the one before live to its own end.
    """
    after, end = dated(before, after, now), before.client_secret_expires_at or 0
    if after.client_secret == before.client_secret or not provider.rotates_secrets:
        return after
    if end <= now.timestamp():
        return after
    return replace(
        after,
        previous_client_secret=before.client_secret,
        previous_client_secret_expires_at=end,
    )


def with_keys_in_force(record: Record, body: bytes, request: str, now: datetime) -> Record:
    """Return the record after an update was answered; `request` is what another key answers."""
    keys = in_force(record.keys, body, now)
    after = replace(record, keys=keys)
    if record.registration is None or not has_switched_key(record, after):
        return after
    answered_request = request or record.registration.rotation_request
    registration = replace(record.registration, rotated_at=now, rotation_request=answered_request)
    return replace(after, registration=registration)


def has_switched_key(before: Record, after: Record) -> bool:
    """Whether another key is in use, and not the first one."""
    was = before.keys.current if before.keys else None
    is_now = after.keys.current if after.keys else None
    return was is not None and is_now is not None and was.kid != is_now.kid


def overtaken(record: Record) -> Record:
    """Return the record as another request finds it: an unanswered change leaves a doubt."""
    if (
        record.registration is None
        or record.intent is None
        or record.intent.kind not in _CHANGES_CREDENTIALS
    ):
        return record
    return replace(record, registration=replace(record.registration, uncertain=True))


def is_uncertain(observed: Observed) -> bool:
    """Whether a request without an answer may have changed token, method or secret.

    Then neither a refused token nor refused credentials prove that the client is gone. A
    provider that honours the key keeps what it gave until the answer to an update is used.
    """
    stored = observed.stored
    if stored is None or stored.registration is None or stored.provider.idempotent:
        return False
    return stored.registration.uncertain or (
        stored.intent is not None and stored.intent.kind in _CHANGES_CREDENTIALS
    )


def has_secret(registration: Registration) -> bool:
    """Whether the client authenticates with a secret; some servers show others one too."""
    return (
        registration.client_secret is not None
        and effective_auth_method(registration) in AUTH_METHODS_WITH_SECRET
    )


def can_be_probed(provider: ProviderSnapshot, registration: Registration) -> bool:
    return (
        provider.token_endpoint is not None
        and registration.client_secret is not None
        and effective_auth_method(registration) in _PROBEABLE
    )


def changed_members(
    wanted: Mapping[str, JsonValue], returned: Mapping[str, JsonValue]
) -> tuple[Difference, ...]:
    """Return what is in force otherwise than asked; what is not echoed is not known to differ.

    Several servers store members that they never return, or drop them silently (C-012).
    """
    return tuple(
        difference
        for difference in differences(wanted, returned)
        if difference.kind is DifferenceKind.CHANGED
    )


def refused_members(wanted: Mapping[str, JsonValue], registration: Registration) -> tuple[str, ...]:
    changed = changed_members(wanted, registration.metadata)
    return tuple(each.member for each in changed if each.member in _DECISIVE)


def drift_since(
    wanted: Mapping[str, JsonValue],
    recorded: Mapping[str, JsonValue],
    returned: Mapping[str, JsonValue],
) -> tuple[str, ...]:
    """Return the members that differ now and did not when the provider answered last.

    What the provider has always put in force in place of the wish is its decision; updating
    again and again would not change it.
    """
    accepted = changed_members(wanted, recorded)
    return tuple(
        difference.member
        for difference in changed_members(wanted, returned)
        if difference not in accepted
    )


def with_orphan(record: Record | None, orphan: Orphan | None) -> tuple[Orphan, ...]:
    """Return the orphans on record and this one.

    All that have a name stay. Of the nameless, that nobody can look up, the latest will do: an
    outage of a day must not fill the record.
    """
    known = record.orphans if record else ()
    return bounded((*known, orphan) if orphan else known)


def bounded(every: tuple[Orphan, ...]) -> tuple[Orphan, ...]:
    """Return the orphans without the oldest of too many that have no name."""
    nameless = [each for each in every if each.client_id is None]
    dropped = nameless[:-MOST_NAMELESS_ORPHANS]
    return tuple(each for each in every if each not in dropped)
