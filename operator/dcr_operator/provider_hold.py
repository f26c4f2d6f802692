"""A provider in use cannot be deleted: our finalizer is on it while clients need it.

Put on when the first client holds the provider, and taken off when the last one went. A client
that comes in between is not lost either: it is unregistered by what its record says.
"""

from collections.abc import Collection
from typing import Final

from dcr_operator.kube import OAUTH_CLIENTS, JsonObject, Key, object_meta
from dcr_operator.ports import Context
from dcr_operator.provider_users import holders_among
from dcr_operator.reasons import Reason
from dcr_operator.state import PROVIDER_FINALIZER, ProviderUnusable

_NAMED: Final = 3  # clients


async def hold_or_release(key: Key, document: JsonObject, context: Context) -> None:
    """See to it that the finalizer of a provider that is to stay is there while it is needed."""
    finalizers, use = object_meta(document).finalizers, context.provider_use
    held = PROVIDER_FINALIZER in finalizers
    if not held and use.holders_of(key):
        await _set_finalizers(key, document, (*finalizers, PROVIDER_FINALIZER), context)
    # That nobody has been seen yet is no reason: after a start the watches fill slowly.
    if held and use.was_left(key):
        await _let_go(key, document, context)


async def release_deleted(
    key: Key, document: JsonObject, context: Context
) -> ProviderUnusable | None:
    """Let a provider go that is being deleted; returns why it has to stay."""
    if PROVIDER_FINALIZER not in object_meta(document).finalizers:
        return None
    holders = context.provider_use.holders_of(key) or await _holders(key, context)
    if holders:
        return ProviderUnusable(Reason.IN_USE, _why(holders))
    await _let_go(key, document, context)
    return None


async def _holders(key: Key, context: Context) -> tuple[Key, ...]:
    """Ask the API server: a watch may lag, and this is for good."""
    namespaces = (key.namespace,) if key.namespace else context.served_namespaces or (None,)
    clients = [
        client
        for namespace in namespaces
        for client in await context.kubernetes.list(OAUTH_CLIENTS, namespace)
    ]
    return holders_among(clients, key)


def _why(holders: Collection[Key]) -> str:
    named = ", ".join(f"{each.namespace}/{each.name}" for each in sorted(holders)[:_NAMED])
    more = " and others" if len(holders) > _NAMED else ""
    return (
        f"it is being deleted, and {named}{more} must be unregistered here first. Delete them, or"
        " set their spec.deletionPolicy: Retain to leave their clients at the provider."
    )


async def _let_go(key: Key, document: JsonObject, context: Context) -> None:
    kept = tuple(each for each in object_meta(document).finalizers if each != PROVIDER_FINALIZER)
    await _set_finalizers(key, document, kept, context)


async def _set_finalizers(
    key: Key, document: JsonObject, finalizers: tuple[str, ...], context: Context
) -> None:
    """Patch exactly the version that was read; raises ApiConflict when it is another by now."""
    version = object_meta(document).resource_version
    operations: list[JsonObject] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        # "add" replaces what is there (RFC 6902 §4.1), and makes what is not.
        {"op": "add", "path": "/metadata/finalizers", "value": list(finalizers)},
    ]
    await context.kubernetes.json_patch(key.resource, key.namespace or None, key.name, operations)
