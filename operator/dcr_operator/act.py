"""act: execute one step, return what is known afterwards. No decisions beyond which step it is.

Each answer of the API server is the freshest observation there is, so what a step wrote is
carried on instead of being read again.
"""

from dataclasses import replace
from typing import assert_never

from dcr_operator.act_adoption import take_over
from dcr_operator.act_registration import (
    StepImpossibleError,
    connection_of,
    probe,
    read,
    register,
    unregister,
    update,
)
from dcr_operator.act_restart import restart_workloads
from dcr_operator.act_retirement import prepare_retirement
from dcr_operator.act_rotation import prepare_rotation, rotate
from dcr_operator.act_secret import change_secret
from dcr_operator.announcing import announce
from dcr_operator.kube import OAUTH_CLIENTS, JsonObject, object_meta
from dcr_operator.observe import observe_namespace
from dcr_operator.ports import Context
from dcr_operator.record_store import delete_record, write_record
from dcr_operator.referenced_secrets import read_initial_access_token
from dcr_operator.registration_facts import reinstated, with_orphan
from dcr_operator.retirement import focused, unfocused
from dcr_operator.state import (
    FINALIZER,
    Desired,
    Observed,
    Wish,
)
from dcr_operator.steps import (
    AddFinalizer,
    Adopt,
    CloseRecord,
    ConfirmAdoption,
    DeleteRecord,
    DeleteSecret,
    Effect,
    EndOverlap,
    FetchAdoption,
    FetchInitialAccessToken,
    KeepClientSecret,
    MakeKeyPair,
    NameSecret,
    NoteResource,
    ObserveNamespace,
    ObserveRetiring,
    Probe,
    Publish,
    ReadRegistration,
    RefreshRecord,
    Register,
    ReleaseSecret,
    RemoveFinalizer,
    RestartWorkloads,
    Retire,
    Rotate,
    ScheduleRetirement,
    SetAside,
    TakePlace,
    Unregister,
    Update,
)
from dcr_operator.uninterrupted import uninterrupted


# One case for each step, so that mypy reports a forgotten one.
async def act(  # noqa: C901, PLR0911, PLR0912
    step: Effect, wish: Wish, observed: Observed, context: Context
) -> Observed:
    match step:
        case AddFinalizer():
            return await _add_finalizer(observed, context)
        case TakePlace(provider, limit):
            place = context.provider_use.take_place(provider, observed.resource.key, limit)
            return replace(observed, place=place)
        case FetchInitialAccessToken():
            return await _fetch_initial_access_token(step, observed, context)
        case Register() | Update() | Rotate() | ReadRegistration() | Unregister():
            return await uninterrupted(_ask_provider(step, wish, observed, context))
        case MakeKeyPair() | EndOverlap():
            return await prepare_rotation(step, observed, context)
        case Probe():
            return await probe(observed, context)
        case RefreshRecord() | NoteResource():
            return await _bring_record_up_to_date(step, observed, context)
        case Publish() | DeleteSecret() | ReleaseSecret() | NameSecret():
            return await change_secret(step, observed, context)
        case RestartWorkloads():
            return await restart_workloads(step, observed, context)
        case CloseRecord():
            return await _close_record(step, observed, context)
        case DeleteRecord():
            return await delete_record(observed, context)
        case RemoveFinalizer():
            return await _remove_finalizer(step, observed, context)
        case ObserveNamespace():
            return await observe_namespace(observed, context)
        case FetchAdoption() | Adopt() | ConfirmAdoption() | KeepClientSecret():
            return await take_over(step, observed, context)
        case SetAside() | ScheduleRetirement() | ObserveRetiring():
            return await prepare_retirement(step, observed, context)
        case Retire():
            return await _retire(step, wish, observed, context)
        case _:
            assert_never(step)


async def _ask_provider(
    step: Register | Update | Rotate | ReadRegistration | Unregister,
    wish: Wish,
    observed: Observed,
    context: Context,
) -> Observed:
    match step:
        case Register():
            return await register(step, observed, context)
        case Update():
            return await update(step, observed, context)
        case Rotate():
            return await rotate(step, observed, context)
        case Unregister():
            return await unregister(step, observed, context)
        case ReadRegistration():
            if not isinstance(wish, Desired):
                raise StepImpossibleError
            return await read(wish, observed, context)


async def _retire(step: Retire, wish: Wish, observed: Observed, context: Context) -> Observed:
    known = next((each for each in observed.retirements if each.index == step.index), None)
    if known is None:
        raise StepImpossibleError
    after = await act(step.step, wish, focused(observed, known), context)
    return unfocused(observed, after, known)


async def _add_finalizer(observed: Observed, context: Context) -> Observed:
    existing = observed.resource.finalizers
    add: JsonObject = (
        {"op": "add", "path": "/metadata/finalizers/-", "value": FINALIZER}
        if existing
        else {"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]}
    )
    return await _patch_resource(add, observed, context)


async def _remove_finalizer(
    step: RemoveFinalizer, observed: Observed, context: Context
) -> Observed:
    if step.announce is not None:
        announce(observed, context, *step.announce)
    if observed.resource.gone:
        return replace(observed, resource=replace(observed.resource, finalizers=()))
    kept = [name for name in observed.resource.finalizers if name != FINALIZER]
    return await _patch_resource(
        {"op": "replace", "path": "/metadata/finalizers", "value": list(kept)}, observed, context
    )


async def _patch_resource(operation: JsonObject, observed: Observed, context: Context) -> Observed:
    """Patch exactly the version that was observed, which makes the observation a live one."""
    resource = observed.resource
    test: JsonObject = {
        "op": "test",
        "path": "/metadata/resourceVersion",
        "value": resource.resource_version,
    }
    answer = await context.kubernetes.json_patch(
        OAUTH_CLIENTS, resource.key.namespace, resource.key.name, [test, operation]
    )
    meta = object_meta(answer)
    now = replace(resource, resource_version=meta.resource_version, finalizers=meta.finalizers)
    return replace(observed, resource=now)


async def _fetch_initial_access_token(
    step: FetchInitialAccessToken, observed: Observed, context: Context
) -> Observed:
    token = await read_initial_access_token(step.ref, context)
    return replace(observed, initial_access_token=token)


async def _bring_record_up_to_date(
    step: RefreshRecord | NoteResource, observed: Observed, context: Context
) -> Observed:
    if isinstance(step, RefreshRecord):
        return await _refresh_record(observed, context)
    return await _note_resource(observed, context)


async def _refresh_record(observed: Observed, context: Context) -> Observed:
    record, usable = observed.stored, observed.usable
    if record is None or usable is None:
        raise StepImpossibleError
    registration = record.registration
    if registration is not None:
        # The planner has judged it by the policy of today.
        registration = replace(registration, admitted=True)
    refreshed = replace(record, provider=usable.snapshot.essential(), registration=registration)
    return await write_record(observed, refreshed, context)


async def _note_resource(observed: Observed, context: Context) -> Observed:
    record, resource = observed.stored, observed.resource
    if record is None:
        raise StepImpossibleError
    gone_at = context.now() if resource.gone else None
    noted = replace(record, retain=resource.retain, gone_at=gone_at)
    return await write_record(observed, noted, context)


async def _close_record(step: CloseRecord, observed: Observed, context: Context) -> Observed:
    record = observed.stored
    if record is None:
        raise StepImpossibleError
    orphans = with_orphan(record, step.orphan)
    closed = replace(record, intent=None, registration=None, orphans=orphans, refusal=step.refusal)
    if step.refusal is not None:
        # The one that it was to replace was never replaced in the Secret.
        closed = reinstated(closed)
    observed = await write_record(observed, closed, context)
    if step.orphan is not None:
        context.metrics.possible_orphan(connection_of(observed, closed).provider)
    if step.announce is not None:
        announce(observed, context, *step.announce)
    return replace(observed, attempt=None, probe=None)
