"""observe: gather everything about one OAuthClient into a frozen `Observed`, from live GETs."""

import asyncio
from base64 import b64decode
from dataclasses import replace
from datetime import datetime

from dcr_operator.conditions import condition_of
from dcr_operator.default_provider import default_provider
from dcr_operator.desired import desired_client
from dcr_operator.kube import (
    FIELD_MANAGER,
    NAMESPACES,
    SECRETS,
    ApiForbidden,
    JsonObject,
    Key,
    ObjectMeta,
    member,
    object_meta,
    text,
    texts,
)
from dcr_operator.observe_provider import observe_provider
from dcr_operator.ports import Context
from dcr_operator.reasons import ConditionType, Reason
from dcr_operator.reconcile_request import is_requested, rotation_requested_at
from dcr_operator.record import read_record_secret, record_name
from dcr_operator.referenced_secrets import read_software_statement
from dcr_operator.resource_gone import is_retained
from dcr_operator.resources import InvalidSpecError, parse_oauth_client
from dcr_operator.state import (
    Desired,
    IntentKind,
    NamespaceFacts,
    Observed,
    ProviderSnapshot,
    ProviderState,
    ProviderUnusable,
    ProviderUsable,
    RecordUnreadable,
    ResourceFacts,
    SoftwareStatementAbsent,
    SoftwareStatementFound,
    StoredRecord,
    TenantSecret,
    Undecipherable,
    Unwanted,
    Wish,
)
from dcr_operator.workloads import Restarted, Workload


def read_wish(document: JsonObject) -> Wish:
    try:
        return desired_client(parse_oauth_client(document))
    except InvalidSpecError as error:
        if object_meta(document).deletion_timestamp is None:
            return Undecipherable(str(error))
        return Unwanted(retain=is_retained(document))


def resource_facts(key: Key, document: JsonObject) -> ResourceFacts:
    meta, status = object_meta(document), member(document, "status")
    registered = condition_of(status, ConditionType.REGISTERED)
    return ResourceFacts(
        key=key,
        uid=meta.uid,
        generation=meta.generation,
        resource_version=meta.resource_version,
        finalizers=meta.finalizers,
        registered=text(registered, "status") == "True",
        published_secret=text(status, "secretName") or None,
        client_id=text(status, "clientId") or None,
        deleted_at=moment_of(meta.deletion_timestamp),
        retain=is_retained(document),
    )


async def observe(key: Key, document: JsonObject, wish: Wish, context: Context) -> Observed:
    resource = resource_facts(key, document)
    if isinstance(wish, Undecipherable):
        return Observed(resource, None)
    name = _secret_name(wish, document)
    named = wish.provider if isinstance(wish, Desired) else None
    record, secret, previous, provider, statement = await asyncio.gather(
        read_record(resource.uid, context),
        read_tenant_secret(resource, name, context),
        _previous_secret(resource, name, context),
        _state_of(named, key.namespace, context),
        _software_statement(wish, context),
    )
    place = f"{context.namespace}/{record_name(resource.uid)}"
    observed = Observed(resource, provider, named, record, place, secret, previous)
    observed = replace(
        observed,
        secret_name=name,
        software_statement=statement,
        restarted=restarted_workloads(document),
    )
    observed = await _with_further_secrets(observed, context)
    if isinstance(wish, Desired) and named is None:
        observed = await _with_unnamed_provider(observed, context)
    if isinstance(wish, Unwanted) and observed.stored is not None:
        # What is to be deleted is where the record says, whatever the spec says now.
        there = await provider_of_record(observed.stored.provider, key.namespace, context)
        return replace(observed, provider=there)
    observed = replace(
        observed,
        requested=is_requested(document),
        rotation_request=rotation_requested_at(document),
    )
    return replace(observed, read_is_due=_read_is_due(observed, context))


async def provider_of_record(
    then: ProviderSnapshot, namespace: str, context: Context
) -> ProviderState:
    state = await observe_provider(then.key, namespace, context)
    if isinstance(state, ProviderUsable) and state.snapshot.issuer != then.issuer:
        # Made anew under the same name: its tokens and its policy are not that provider's.
        return ProviderUnusable(
            Reason.PROVIDER_NOT_FOUND,
            f"{then.key} is another issuer's by now: {state.snapshot.issuer}.",
        )
    return state


def _secret_name(wish: Wish, document: JsonObject) -> str:
    if isinstance(wish, Desired):
        return wish.secret.name
    named = text(member(member(document, "spec"), "secret"), "name")
    return named or object_meta(document).name


async def _state_of(provider: Key | None, namespace: str, context: Context) -> ProviderState | None:
    return None if provider is None else await observe_provider(provider, namespace, context)


async def _with_unnamed_provider(observed: Observed, context: Context) -> Observed:
    """Add the provider of a client that names none: the one on record, else the default."""
    stored = observed.stored
    if stored is not None and (stored.registration is not None or stored.intent is not None):
        key = stored.provider.key
    else:
        found = await default_provider(context)
        if isinstance(found, ProviderUnusable):
            return replace(observed, provider=found)
        key = found
    state = await observe_provider(key, observed.resource.key.namespace, context)
    return replace(observed, provider=state, provider_key=key)


def restarted_workloads(document: JsonObject) -> tuple[Restarted, ...]:
    """Return what status says of spec.rolloutRestart."""
    entries = member(document, "status").get("rolloutRestarts")
    return tuple(
        Restarted(
            Workload(text(each, "kind"), text(each, "name")),
            text(each, "contentHash") or None,
            text(each, "message"),
        )
        for each in (entries if isinstance(entries, list) else ())
        if isinstance(each, dict)
    )


async def _software_statement(
    wish: Wish, context: Context
) -> SoftwareStatementFound | SoftwareStatementAbsent | None:
    if not isinstance(wish, Desired) or wish.software_statement is None:
        return None
    return await read_software_statement(wish.software_statement, context)


def _read_is_due(observed: Observed, context: Context) -> bool:
    usable = observed.usable
    if observed.registration is None or usable is None:
        return False
    # What was in doubt when status was written last is looked at again (RFC 7592 §2.1).
    in_doubt = not observed.resource.registered and observed.resource.published_secret is not None
    left_open = observed.intent is not None and observed.intent.kind is IntentKind.DELETE
    every = usable.policy.resync_every
    due = every > 0 and context.resync.is_due(observed.resource.uid, every, context.now())
    return in_doubt or left_open or due or observed.requested


def moment_of(timestamp: str | None) -> datetime | None:
    """Read a time of Kubernetes (RFC 3339)."""
    return None if timestamp is None else datetime.fromisoformat(timestamp)


async def observe_namespace(observed: Observed, context: Context) -> Observed:
    """Read the namespace live: the watch may be late, and an orphan depends on it."""
    document = await context.kubernetes.get(NAMESPACES, None, observed.resource.key.namespace)
    deleted = None if document is None else object_meta(document).deletion_timestamp
    return replace(observed, namespace=NamespaceFacts(moment_of(deleted)))


async def read_record(uid: str, context: Context) -> StoredRecord | RecordUnreadable | None:
    secret = await context.kubernetes.get(SECRETS, context.namespace, record_name(uid))
    return None if secret is None else read_record_secret(secret)


async def read_tenant_secret(
    resource: ResourceFacts, name: str, context: Context
) -> TenantSecret | None:
    """Return the Secret of that name, if there is one.

    Our Role in a namespace that is being deleted may go before what is in it. The Secret then goes
    with the namespace, and the resource must not wait for what nobody may read any more.
    """
    try:
        secret = await context.kubernetes.get(SECRETS, resource.key.namespace, name)
    except ApiForbidden:
        if resource.deleted_at is None or not await _is_terminating(resource.key, context):
            raise
        return None
    return None if secret is None else tenant_secret(secret, resource.uid)


async def _is_terminating(key: Key, context: Context) -> bool:
    document = await context.kubernetes.get(NAMESPACES, None, key.namespace)
    return document is None or object_meta(document).deletion_timestamp is not None


async def _previous_secret(
    resource: ResourceFacts, name: str, context: Context
) -> TenantSecret | None:
    if resource.published_secret is None or resource.published_secret == name:
        return None
    return await read_tenant_secret(resource, resource.published_secret, context)


async def _with_further_secrets(observed: Observed, context: Context) -> Observed:
    """Add what may be under names that never got into status."""
    resource = observed.resource
    known = {observed.secret_name, resource.published_secret}
    names = [each for each in (observed.stored.secrets if observed.stored else ()) if each]
    others = sorted({*names} - known)
    found = [await read_tenant_secret(resource, name, context) for name in others]
    secrets = tuple(each for each in found if each is not None and each.ours)
    if observed.previous_secret is None and secrets:
        first, *further = secrets
        return replace(observed, previous_secret=first, further_secrets=tuple(further))
    return replace(observed, further_secrets=secrets)


def tenant_secret(secret: JsonObject, uid: str) -> TenantSecret:
    meta = object_meta(secret)
    return TenantSecret(
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        ours=_is_ours(meta, uid),
        data={key: _decoded(value) for key, value in texts(secret, "data").items()},
        labels=meta.labels,
        annotations=meta.annotations,
        type=text(secret, "type") or "Opaque",
        terminating=meta.deletion_timestamp is not None,
        owned=owned_fields(secret),
    )


def _is_ours(meta: ObjectMeta, uid: str) -> bool:
    # By uid: a resource made anew under the same name does not inherit.
    return any(owner.controller and owner.uid == uid for owner in meta.owners)


def _decoded(value: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except ValueError:
        return b""


def owned_fields(secret: JsonObject) -> frozenset[tuple[str, str]]:
    """Return (section, key) of what our field manager set, as the API server keeps the books."""
    entries = member(secret, "metadata").get("managedFields")
    owned: set[tuple[str, str]] = set()
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("manager") == FIELD_MANAGER:
            fields = member(entry, "fieldsV1")
            of_metadata = member(fields, "f:metadata")
            for section, keys in (
                ("data", member(fields, "f:data")),
                ("labels", member(of_metadata, "f:labels")),
                ("annotations", member(of_metadata, "f:annotations")),
            ):
                owned |= {(section, key.removeprefix("f:")) for key in keys if key != "."}
    return frozenset(owned)
