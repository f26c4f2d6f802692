"""One pass over one provider: whether it answers and has what registering takes."""

from typing import Final

from dcr_operator.client_status import status_patch
from dcr_operator.conditions import condition_of
from dcr_operator.kube import ApiNotFound, JsonObject, Key, member, object_meta, text
from dcr_operator.observe_provider import discover
from dcr_operator.operator_class import NOT_SERVED, serves_provider
from dcr_operator.ports import Context, EventType, Regarding, Result
from dcr_operator.provider_hold import hold_or_release, release_deleted
from dcr_operator.provider_status import (
    DIGEST_MEMBER,
    endpoints_digest,
    provider_status,
    ready_aspect,
)
from dcr_operator.reasons import ConditionType, Reason
from dcr_operator.reconcile_client import patience
from dcr_operator.referenced_secrets import read_initial_access_token
from dcr_operator.resources import InvalidSpecError, parse_provider
from dcr_operator.state import (
    InitialAccessTokenAbsent,
    ProviderState,
    ProviderUnusable,
)

# Discovery documents are kept for ten minutes.
LOOK_AGAIN: Final = 600.0


async def reconcile_provider(key: Key, context: Context) -> Result:
    document = await context.kubernetes.get(key.resource, key.namespace or None, key.name)
    if document is None:
        return Result(Reason.DELETING.value)
    if not serves_provider(document, context):
        return Result(NOT_SERVED)
    if object_meta(document).deletion_timestamp is not None:
        return await _end(key, document, context)
    await hold_or_release(key, document, context)
    state = await _observe(key, document, context)
    await _report(key, document, state, context)
    if isinstance(state, ProviderUnusable):
        return Result(state.reason.value, patience(state.retry_after), failed=True)
    before = text(member(document, "status"), DIGEST_MEMBER) or None
    context.provider_use.discovered(key, endpoints_digest(state.snapshot), before)
    return Result(Reason.READY.value, LOOK_AGAIN, provider=state.snapshot.connection.provider)


async def _end(key: Key, document: JsonObject, context: Context) -> Result:
    in_use = await release_deleted(key, document, context)
    if in_use is None:
        return Result(Reason.DELETING.value)
    await _report(key, document, in_use, context)
    return Result(in_use.reason.value, LOOK_AGAIN)


async def _observe(key: Key, document: JsonObject, context: Context) -> ProviderState:
    try:
        provider = parse_provider(document)
    except InvalidSpecError as error:
        return ProviderUnusable(Reason.INVALID_SPEC, str(error))
    state = await discover(key, provider, context)
    if isinstance(state, ProviderUnusable):
        return state
    token = await read_initial_access_token(state.policy.initial_access_token, context)
    if isinstance(token, InitialAccessTokenAbsent):
        return ProviderUnusable(Reason.INITIAL_ACCESS_TOKEN_MISSING, token.message)
    return state


async def _report(key: Key, document: JsonObject, state: ProviderState, context: Context) -> None:
    meta, previous = object_meta(document), member(document, "status")
    status = provider_status(
        state,
        generation=meta.generation,
        clients=context.provider_use.clients_of(key),
        previous=previous,
        now=context.now(),
    )
    patch = status_patch(status, previous)
    if patch:
        try:
            await context.kubernetes.patch_status(
                key.resource, key.namespace or None, key.name, {"status": patch}
            )
        except ApiNotFound:
            return
    aspect = ready_aspect(state)
    if text(condition_of(previous, ConditionType.READY), "reason") != aspect.reason.value:
        kind = EventType.WARNING if isinstance(state, ProviderUnusable) else EventType.NORMAL
        regarding = Regarding(key, meta.uid, meta.resource_version)
        context.events.record(regarding, kind, aspect.reason.value, aspect.message)
