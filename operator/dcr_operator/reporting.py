"""report: status once per pass and only when it differs, Events on transitions, metrics."""

from dcr_operator.announcing import announce
from dcr_operator.client_status import client_status, status_patch
from dcr_operator.conditions import (
    FALSE,
    TRUE,
    Aspect,
    condition_of,
    conditions_of,
    standing_conditions,
)
from dcr_operator.kube import (
    OAUTH_CLIENTS,
    RESOURCES_BY_KIND,
    ApiError,
    ApiNotFound,
    JsonObject,
    Key,
    member,
    object_meta,
    text,
)
from dcr_operator.operator_class import STATUS_MEMBER
from dcr_operator.ports import Context, EventType, Regarding
from dcr_operator.reasons import ConditionType, Reason
from dcr_operator.reconcile_request import handled
from dcr_operator.state import Observed, Unwanted, Wish
from dcr_operator.steps import Done, End, Stop, Wait


async def report(
    wish: Wish, observed: Observed, end: End, *, document: JsonObject, context: Context
) -> None:
    if isinstance(wish, Unwanted) and isinstance(end, Done):
        # The object is gone, or waits for the finalizers of others.
        context.metrics.client_gone(str(observed.resource.key))
        context.resync.forget(observed.resource.uid)
        return
    previous = member(document, "status")
    status = client_status(wish, observed, end, previous=previous, now=context.now())
    if context.operator_class:
        status[STATUS_MEMBER] = context.operator_class
    status |= handled(document, looked=end.reason is not Reason.SUSPENDED)
    patch = status_patch(status, previous)
    if patch:
        await _write(patch, observed, context)
    if _is_transition(previous, end):
        asked_for = isinstance(end, Done) or end.reason is Reason.SUSPENDED
        kind = EventType.NORMAL if asked_for else EventType.WARNING
        announce(observed, context, end.reason, end.message, event_type=kind)
    _measure(observed, end, context)


async def _write(patch: JsonObject, observed: Observed, context: Context) -> None:
    key = observed.resource.key
    try:
        await context.kubernetes.patch_status(
            OAUTH_CLIENTS, key.namespace, key.name, {"status": patch}
        )
    except ApiNotFound:
        return  # deleted meanwhile: its event is on the way


def _is_transition(previous: JsonObject, end: End) -> bool:
    """One Event for each change of reason, not one for each retry."""
    ready = condition_of(previous, ConditionType.READY)
    return text(ready, "reason") != end.reason.value


def _measure(observed: Observed, end: End, context: Context) -> None:
    registration = observed.registration
    stored, usable = observed.stored, observed.usable
    if usable is not None:
        provider = usable.snapshot.connection.provider
    else:
        provider = stored.provider.connection.provider if stored else ""
    # By key: what goes without a last pass is forgotten when its key finds nothing.
    client = str(observed.resource.key)
    if observed.intent is None or observed.intent.undone:
        context.metrics.intent_closed(client)
    else:
        context.metrics.intent_opened(client)
    context.metrics.client_seen(
        client,
        provider,
        ready=not isinstance(end, Wait | Stop),
        secret_expires_at=registration.client_secret_expires_at if registration else None,
    )


async def report_internal_error(key: Key, message: str, context: Context) -> None:
    """Say in status that the operator has failed, as far as that can still be said."""
    if key.kind not in RESOURCES_BY_KIND:
        return  # what is left of a resource has no status
    try:
        document = await context.kubernetes.get(key.resource, key.namespace or None, key.name)
        if document is None:
            return
        previous = member(document, "status")
        generation = object_meta(document).generation
        aspects = (
            Aspect(ConditionType.READY, FALSE, Reason.INTERNAL_ERROR, message),
            Aspect(ConditionType.RECONCILING, TRUE, Reason.INTERNAL_ERROR, message),
        )
        ours = standing_conditions(aspects, conditions_of(previous), generation, context.now())
        replaced = {aspect.type.value for aspect in aspects} | {ConditionType.STALLED.value}
        others = [each for each in conditions_of(previous) if each.get("type") not in replaced]
        patch: JsonObject = {"status": {"conditions": [*ours, *others]}}
        if patch["status"] != {"conditions": previous.get("conditions")}:
            await context.kubernetes.patch_status(
                key.resource, key.namespace or None, key.name, patch
            )
    except ApiError:
        return
    ready = condition_of(previous, ConditionType.READY)
    if text(ready, "reason") != Reason.INTERNAL_ERROR.value:
        meta = object_meta(document)
        regarding = Regarding(key, meta.uid, meta.resource_version)
        context.events.record(regarding, EventType.WARNING, Reason.INTERNAL_ERROR.value, message)
