"""The tenant Secret: create what does not exist, apply what is ours, touch nothing else."""

from base64 import b64encode
from dataclasses import replace
from typing import assert_never

from dcr_operator.act_registration import StepImpossibleError
from dcr_operator.kube import (
    SECRETS,
    ApiAlreadyExists,
    ApiConflict,
    ApiError,
    ApiNotFound,
    ApiUnavailable,
    JsonObject,
)
from dcr_operator.observe import read_tenant_secret, tenant_secret
from dcr_operator.ports import Context
from dcr_operator.record_store import write_record
from dcr_operator.secret_content import SecretContent, secret_body, stale_fields
from dcr_operator.secret_files import QUOTINGS
from dcr_operator.state import Observed, TenantSecret
from dcr_operator.steps import DeleteSecret, NameSecret, Publish, ReleaseSecret
from dcr_protocol.response_errors import clean_text


async def change_secret(
    step: Publish | DeleteSecret | ReleaseSecret | NameSecret,
    observed: Observed,
    context: Context,
) -> Observed:
    match step:
        case Publish(content):
            return await _publish(content, observed, context)
        case DeleteSecret(secret):
            return await _delete_secret(secret, observed, context)
        case NameSecret(names):
            return await _name_secret(names, observed, context)
        case ReleaseSecret(secret):
            return await _release_secret(secret, observed, context)
        case _:
            assert_never(step)


async def _name_secret(names: tuple[str, ...], observed: Observed, context: Context) -> Observed:
    record = observed.stored
    if record is None:
        raise StepImpossibleError
    return await write_record(observed, replace(record, secrets=names), context)


async def _publish(content: SecretContent, observed: Observed, context: Context) -> Observed:
    """Write the Secret, or learn why not: the planner sees what is there then."""
    try:
        answer = await _write(content, observed, context)
    except (ApiAlreadyExists, ApiConflict, ApiNotFound):
        live = await read_tenant_secret(observed.resource, content.form.name, context)
        return replace(observed, secret=live)
    except ApiUnavailable:
        raise
    except ApiError as error:
        # Quota, admission, validation: said by the cluster, not a fault of ours.
        return replace(observed, secret_refused=_without_values(error.message, content))
    secret = tenant_secret(answer, observed.resource.uid)
    created = observed.secret is None
    return replace(observed, secret=secret, published=True, secret_created=created)


def _without_values(message: str, content: SecretContent) -> str:
    """Return what an admission webhook said, in case it quotes what it was shown."""
    for credential in content.credentials:
        whole = [
            b64encode(text).decode()
            for text in content.data.values()
            if credential.encode() in text
        ]
        for shown in (*whole, *(quote(credential) for quote in QUOTINGS.values()), credential):
            message = message.replace(shown, "…")
    return clean_text(message)


async def _write(content: SecretContent, observed: Observed, context: Context) -> JsonObject:
    resource, secret = observed.resource, observed.secret
    body = secret_body(resource, content)
    if secret is not None and secret.type != content.form.type:
        # The type of a Secret cannot be changed.
        await _delete(secret, observed, context)
        secret = None
    if secret is None:
        # The first write is a create: one that exists is not ours.
        return await context.kubernetes.create(SECRETS, resource.key.namespace, body)
    await _remove_stale(secret, content, observed, context)
    metadata: JsonObject = {**_metadata(body), "uid": secret.uid}
    return await context.kubernetes.apply(
        SECRETS, resource.key.namespace, {**body, "metadata": metadata}
    )


def _metadata(body: JsonObject) -> JsonObject:
    metadata = body["metadata"]
    return metadata if isinstance(metadata, dict) else {}


async def _remove_stale(
    secret: TenantSecret, content: SecretContent, observed: Observed, context: Context
) -> None:
    """Remove what we wrote and no longer want.

    Leaving it out of an apply is not enough: the create that came first owns it too.
    """
    resource = observed.resource
    stale = stale_fields(secret, content, resource.key.name)
    if not stale:
        return
    pointers = [f"/{_SECTIONS[section]}/{_escaped(key)}" for section, key in stale]
    # Removing what another has removed meanwhile would be refused as invalid.
    version = {"op": "test", "path": "/metadata/resourceVersion", "value": secret.resource_version}
    operations: list[JsonObject] = [{**version}]
    operations += [{"op": "remove", "path": pointer} for pointer in pointers]
    await context.kubernetes.json_patch(SECRETS, resource.key.namespace, secret.name, operations)


_SECTIONS = {"data": "data", "labels": "metadata/labels", "annotations": "metadata/annotations"}


def _escaped(key: str) -> str:
    # RFC 6901 §3
    return key.replace("~", "~0").replace("/", "~1")


async def _delete_secret(secret: TenantSecret, observed: Observed, context: Context) -> Observed:
    await _delete(secret, observed, context)
    if observed.secret is not None and observed.secret.uid == secret.uid:
        return replace(observed, secret=None)
    further = observed.further_secrets
    following = further[0] if further else None
    return replace(observed, previous_secret=following, further_secrets=further[1:])


async def _delete(secret: TenantSecret, observed: Observed, context: Context) -> None:
    await context.kubernetes.delete(
        SECRETS, observed.resource.key.namespace, secret.name, uid=secret.uid
    )


async def _release_secret(secret: TenantSecret, observed: Observed, context: Context) -> Observed:
    """Take our ownerReference off, so that the Secret outlives the resource."""
    namespace = observed.resource.key.namespace
    document = await context.kubernetes.get(SECRETS, namespace, secret.name)
    if document is None:
        return _released(secret, None, observed)
    owners = _metadata(document).get("ownerReferences")
    kept = [
        owner
        for owner in (owners if isinstance(owners, list) else [])
        if not (isinstance(owner, dict) and owner.get("uid") == observed.resource.uid)
    ]
    operations: list[JsonObject] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": _version(document)},
        {"op": "replace", "path": "/metadata/ownerReferences", "value": list(kept)},
    ]
    answer = await context.kubernetes.json_patch(SECRETS, namespace, secret.name, operations)
    return _released(secret, tenant_secret(answer, observed.resource.uid), observed)


def _released(before: TenantSecret, now: TenantSecret | None, observed: Observed) -> Observed:
    if observed.secret is not None and observed.secret.name == before.name:
        return replace(observed, secret=now)
    return replace(observed, previous_secret=now)


def _version(document: JsonObject) -> str:
    return str(_metadata(document).get("resourceVersion", ""))
