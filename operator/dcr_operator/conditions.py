"""Conditions of an OAuthClient, computed once from how a pass ended. Pure.

metav1.Condition: `lastTransitionTime` moves only with `status`. Reconciling and Stalled
(kstatus) are present only while True.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import JsonValue

from dcr_operator.kube import JsonObject, text
from dcr_operator.plan_wanted import wanted_content
from dcr_operator.reason_rows import ROW_OF
from dcr_operator.reasons import ConditionType, Reason
from dcr_operator.registration_facts import is_elsewhere
from dcr_operator.resources import ConditionStatus
from dcr_operator.secret_content import SecretContent, is_published
from dcr_operator.state import Desired, Observed, ProviderUnusable, ProviderUsable, Wish
from dcr_operator.steps import Done, End, Stop, Wait

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class Aspect:
    """A condition before it is compared with the one that stands."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str


def client_conditions(wish: Wish, observed: Observed, end: End) -> tuple[Aspect, ...]:
    aspects = [
        _ready(end),
        _provider_ready(observed, end),
        _registered(wish, observed, end),
        _secret_published(wish, observed, end),
    ]
    if isinstance(end, Wait):
        aspects.append(Aspect(ConditionType.RECONCILING, TRUE, end.reason, end.message))
    if isinstance(end, Stop):
        aspects.append(Aspect(ConditionType.STALLED, TRUE, end.reason, end.message))
    return tuple(aspects)


def _ready(end: End) -> Aspect:
    status = TRUE if isinstance(end, Done) else FALSE
    return Aspect(ConditionType.READY, status, end.reason, end.message)


def _blamed(kind: ConditionType, end: End) -> Aspect | None:
    """Return the condition that the reason of the end belongs to, if it is this one."""
    if isinstance(end, Done) or ROW_OF[end.reason].condition is not kind:
        return None
    # A creation without an answer is neither there nor not there.
    status = UNKNOWN if end.reason is Reason.CREATION_OUTCOME_UNKNOWN else FALSE
    return Aspect(kind, status, end.reason, end.message)


def _provider_ready(observed: Observed, end: End) -> Aspect:
    kind = ConditionType.PROVIDER_READY
    blamed = _blamed(kind, end)
    if blamed is not None:
        return blamed
    match observed.provider:
        case ProviderUsable(snapshot):
            answers = f"{snapshot.connection.provider} answers and allows this namespace"
            return Aspect(kind, TRUE, Reason.PROVIDER_READY, answers)
        case ProviderUnusable(reason, message):
            # The client may be Ready all the same: its credentials are out and valid.
            return Aspect(kind, FALSE, reason, message)
        case None:
            return _not_reached(kind)


def _registered(wish: Wish, observed: Observed, end: End) -> Aspect:
    kind = ConditionType.REGISTERED
    blamed = _blamed(kind, end)
    if blamed is not None:
        return blamed
    registration = observed.registration
    if (
        not isinstance(wish, Desired)
        or registration is None
        or registration.spec_hash != wish.spec_hash
        or observed.stored is None
        or is_elsewhere(wish, observed, observed.stored.provider)
        or observed.attempt is not None
        or observed.intent is not None
    ):
        return _not_reached(kind)
    issuer = observed.stored.provider.issuer
    return Aspect(
        kind, TRUE, Reason.REGISTERED, f"{registration.shown_id} is registered at {issuer}"
    )


def _secret_published(wish: Wish, observed: Observed, end: End) -> Aspect:
    kind = ConditionType.SECRET_PUBLISHED
    blamed = _blamed(kind, end)
    if blamed is not None:
        return blamed
    content = wanted_content(wish, observed) if isinstance(wish, Desired) else None
    secret = observed.secret
    if (
        not isinstance(content, SecretContent)
        or secret is None
        or not secret.ours
        or not is_published(secret, content, observed.resource.key.name)
    ):
        return _not_reached(kind)
    return Aspect(
        kind, TRUE, Reason.SECRET_PUBLISHED, f"the Secret {secret.name} holds what was registered"
    )


def _not_reached(kind: ConditionType) -> Aspect:
    return Aspect(kind, UNKNOWN, Reason.PROGRESSING, "not reached; Ready says what it waits for")


def steadied(
    aspects: Sequence[Aspect], end: End, previous: Sequence[Mapping[str, JsonValue]]
) -> tuple[Aspect, ...]:
    """Keep the first words about an outage that does not concern a client that is Ready.

    They vary from try to try, and a steady object is not written to.
    """
    if not isinstance(end, Done):
        return tuple(aspects)
    words = {
        (text(each, "type"), text(each, "status"), text(each, "reason")): text(each, "message")
        for each in previous
    }
    return tuple(
        replace(aspect, message=words.get(_identity(aspect)) or aspect.message)
        if aspect.status is FALSE
        else aspect
        for aspect in aspects
    )


def _identity(aspect: Aspect) -> tuple[str, str, str]:
    return (aspect.type.value, aspect.status.value, aspect.reason.value)


def standing_conditions(
    aspects: Sequence[Aspect],
    previous: Sequence[Mapping[str, JsonValue]],
    generation: int,
    now: datetime,
) -> list[JsonValue]:
    """Return the list for status: a condition that keeps its status keeps its time."""
    times = {
        (text(each, "type"), text(each, "status")): text(each, "lastTransitionTime")
        for each in previous
    }
    return [
        {
            "type": aspect.type.value,
            "status": aspect.status.value,
            "observedGeneration": generation,
            "lastTransitionTime": times.get((aspect.type.value, aspect.status.value))
            or timestamp(now),
            "reason": aspect.reason.value,
            "message": aspect.message,
        }
        for aspect in aspects
    ]


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def conditions_of(status: JsonObject) -> list[JsonObject]:
    conditions = status.get("conditions")
    if not isinstance(conditions, list):
        return []
    return [each for each in conditions if isinstance(each, dict)]


def condition_of(status: JsonObject, kind: ConditionType) -> JsonObject:
    """Return the condition of this type, or an empty object."""
    return next((each for each in conditions_of(status) if each.get("type") == kind.value), {})
