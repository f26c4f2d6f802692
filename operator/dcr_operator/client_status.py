"""The status of an OAuthClient: what is written, and only when it differs. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from dcr_operator.client_keys import next_key_due
from dcr_operator.conditions import (
    client_conditions,
    conditions_of,
    standing_conditions,
    steadied,
    timestamp,
)
from dcr_operator.kube import JsonObject
from dcr_operator.plan_rotation import why_never_rotated
from dcr_operator.rollout_restart import kept
from dcr_operator.rotation_schedule import moment, next_rotation, overlap_end
from dcr_operator.secret_content import effective_auth_method
from dcr_operator.state import (
    Desired,
    Observed,
    Record,
    RecordUnreadable,
    Registration,
    Retiring,
    TenantSecret,
    Wish,
)
from dcr_operator.steps import End
from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.differences import DifferenceKind, differences
from dcr_protocol.vocabulary import AUTH_METHODS_WITH_SECRET

_LONGEST_MEMBER: Final = 2048
# Whoever may read the resource could use it to register: a statement is a credential.
_NEVER_SHOWN: Final = frozenset({"software_statement"})
_SHOWN: Final = frozenset(ClientMetadata.model_fields) - _NEVER_SHOWN


def client_status(
    wish: Wish, observed: Observed, end: End, *, previous: JsonObject, now: datetime
) -> JsonObject:
    """Return the whole status as it is to be."""
    generation = observed.resource.generation
    aspects = steadied(client_conditions(wish, observed, end), end, conditions_of(previous))
    status: JsonObject = {
        "observedGeneration": generation,
        "conditions": standing_conditions(aspects, conditions_of(previous), generation, now),
        **(
            {"providerRef": _provider_ref(observed), **_facts(wish, observed)}
            if _was_seen(observed)
            else _kept(previous)
        ),
    }
    return {name: value for name, value in status.items() if value not in (None, "", [], {})}


def _was_seen(observed: Observed) -> bool:
    lost = observed.record is None and observed.resource.client_id is not None
    unreadable = isinstance(observed.record, RecordUnreadable)
    return observed.provider is not None and not lost and not unreadable


def _kept(previous: JsonObject) -> JsonObject:
    """Return what was known before: not having looked is no reason to forget."""
    return {
        name: value
        for name, value in previous.items()
        if name not in ("observedGeneration", "conditions", "operatorClass")
    }


def _provider_ref(observed: Observed) -> JsonObject | None:
    """Return where the client is registered, or where it is to be."""
    stored = observed.stored
    at_work = stored is not None and (stored.registration or stored.intent)
    key = stored.provider.key if stored is not None and at_work else observed.provider_key
    return None if key is None else {"kind": key.kind, "name": key.name}


def _facts(wish: Wish, observed: Observed) -> JsonObject:
    stored, registration = observed.stored, observed.registration
    if stored is None or registration is None:
        return {}
    tenants_text = stored.provider.connection.hardened
    facts: JsonObject = {
        "clientId": registration.client_id,
        "issuer": stored.provider.issuer,
        "registrationClientUri": registration.registration_client_uri,
        "secretName": _published_name(observed),
        "clientIdIssuedAt": _timestamp(moment(registration.client_id_issued_at)),
        "clientSecretExpiresAt": _secret_expiry(registration),
        "previousCredentialsValidUntil": _previous_end(stored, registration),
        "lastRotationTime": _timestamp(registration.rotated_at),
        "lastHandledRotateAt": registration.rotation_request,
        # What a namespaced provider says is a tenant's text.
        "registeredMetadata": {} if tenants_text else shown_metadata(registration.metadata),
    }
    if isinstance(wish, Desired):
        facts["drift"] = _drift(wish, registration)
        facts["rolloutRestarts"] = _restarts(wish, observed)
        facts["nextRotationTime"] = _next_rotation(wish, observed, registration)
    return facts


def _restarts(desired: Desired, observed: Observed) -> list[JsonValue]:
    found: list[JsonValue] = []
    for each in kept(desired, observed.restarted):
        entry: JsonObject = {
            "kind": each.workload.kind,
            "name": each.workload.name,
            "contentHash": each.content_hash,
            "message": each.message,
        }
        found.append({name: value for name, value in entry.items() if value})
    return found


def _published_name(observed: Observed) -> str | None:
    """Return which Secret holds the credentials; the old one until the new one is written."""
    for secret in (observed.secret, observed.previous_secret):
        if isinstance(secret, TenantSecret) and secret.ours:
            return secret.name
    return observed.resource.published_secret


def _secret_expiry(registration: Registration) -> str | None:
    if effective_auth_method(registration) not in AUTH_METHODS_WITH_SECRET:
        return None
    return _timestamp(moment(registration.client_secret_expires_at))


def _previous_end(record: Record, registration: Registration) -> str | None:
    """Return until when all that was replaced works: the first of them to end."""
    keys = record.keys.retired if record.keys else ()
    ends = [_retiring_end(each) for each in record.retiring]
    ends += [overlap_end(registration), *(each.until for each in keys)]
    return _timestamp(min((each for each in ends if each), default=None))


def _retiring_end(retiring: Retiring) -> datetime | None:
    """Its provider may let the secret expire before the client goes.

    One without an answer is there like the others: a start sees that something is to go.
    """
    former = retiring.registration
    expiry = moment(former.client_secret_expires_at) if former else None
    ends = (retiring.not_before, expiry if retiring.not_before else None)
    return min((each for each in ends if each), default=None)


def _next_rotation(desired: Desired, observed: Observed, registration: Registration) -> str | None:
    stored = observed.stored
    keys = stored.keys if stored else None
    if desired.client_keys is not None:
        return _timestamp(next_key_due(desired.client_keys, keys)) if keys else None
    # Of the record when the provider does not answer: an outage changes nothing that is planned.
    known = observed.usable.snapshot if observed.usable else stored.provider if stored else None
    if known is None or why_never_rotated(desired, known, registration) is not None:
        return None
    return _timestamp(next_rotation(desired.rotation, registration))


def _timestamp(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)


def shown_metadata(metadata: Mapping[str, JsonValue]) -> JsonObject:
    """Return the members that RFC 7591 and its relatives define, within reason."""
    return {
        name: value
        for name, value in metadata.items()
        if name.partition("#")[0] in _SHOWN and len(str(value)) <= _LONGEST_MEMBER
    }


def _drift(desired: Desired, registration: Registration) -> list[JsonValue]:
    words = {
        DifferenceKind.CHANGED: "the provider put another value in force",
        DifferenceKind.NOT_RETURNED: "the provider does not say whether it is in force",
    }
    return [
        {"member": each.member, "message": words[each.kind]}
        for each in differences(desired.metadata, registration.metadata)
    ]


def status_patch(status: JsonObject, previous: JsonObject) -> JsonObject:
    """Return the merge patch from one to the other, empty when nothing changes."""
    patch: JsonObject = {
        name: value for name, value in status.items() if previous.get(name) != value
    }
    gone: JsonObject = {name: None for name in previous if name not in status}
    for name, value in patch.items():
        before = previous.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            # RFC 7396: members of an object stay unless they are null.
            patch[name] = {**{member: None for member in before if member not in value}, **value}
    return patch | gone
