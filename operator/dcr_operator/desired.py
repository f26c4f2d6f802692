"""What a resource asks for: from the OAuthClient to the exact body of the request. Pure."""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from pydantic import JsonValue

from dcr_operator.client_keys import KeysWish
from dcr_operator.kube import CLUSTER_OAUTH_PROVIDERS, Key
from dcr_operator.resources import DeletionPolicy, OAuthClient, RotationStrategy
from dcr_operator.rotation_schedule import Rotation
from dcr_operator.secret_form import SecretForm
from dcr_operator.secret_presets import PRESETS
from dcr_operator.state import SHORTEST_OVERLAP, AdoptionWish, Desired, SecretKeyRef, Unwanted
from dcr_operator.workloads import Workload
from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.client_update import update_request_document
from dcr_protocol.errors import InvalidClientMetadata
from dcr_protocol.grants import complete_grants
from dcr_protocol.vocabulary import DEFAULT_APPLICATION_TYPE, DEFAULT_AUTH_METHOD


def desired_client(client: OAuthClient) -> Desired | Unwanted:
    if client.metadata.deletion_timestamp is not None:
        return Unwanted(retain=client.spec.deletion_policy is DeletionPolicy.RETAIN)
    spec = client.spec
    metadata = explicit(spec.client_metadata).to_wire()
    request = canonical_json(metadata)
    rotation = wanted_rotation(client)
    return Desired(
        provider=provider_key(client),
        metadata=metadata,
        request=request,
        spec_hash=_hash(request),
        secret=secret_form(client),
        suspended=client.spec.suspend,
        software_statement=_software_statement(client),
        adopt=_adoption(client),
        overlap=_overlap(client),
        restarts=tuple(Workload(each.kind.value, each.name) for each in spec.rollout_restart),
        rotation=rotation,
        client_keys=_wanted_keys(client),
    )


def with_metadata(desired: Desired, metadata: Mapping[str, JsonValue]) -> Desired:
    """Return the wish for other metadata, with the request that follows from them."""
    request = canonical_json(metadata)
    return replace(desired, metadata=metadata, request=request, spec_hash=_hash(request))


def _hash(request: bytes) -> str:
    return hashlib.sha256(request).hexdigest()


def _software_statement(client: OAuthClient) -> SecretKeyRef | None:
    ref = client.spec.software_statement_ref
    return None if ref is None else SecretKeyRef(client.metadata.namespace, ref.name, ref.key)


def _adoption(client: OAuthClient) -> AdoptionWish | None:
    adopt = client.spec.adopt
    return None if adopt is None else AdoptionWish(adopt.client_id, adopt.registration_ref.name)


def secret_form(client: OAuthClient) -> SecretForm:
    spec = client.spec.secret
    return SecretForm(
        name=client.secret_name,
        # Those of a preset are in domains that a spec may not use.
        labels={**spec.labels, **PRESETS[spec.preset].labels},
        annotations=spec.annotations,
        type=spec.type.value,
        preset=spec.preset,
        keys=spec.keys,
        template=spec.template,
        client_keys=client.spec.client_keys is not None,
        client_name=client.metadata.name,
    )


def _wanted_keys(client: OAuthClient) -> KeysWish | None:
    spec = client.spec.client_keys
    if spec is None:
        return None
    return KeysWish(
        spec.algorithm.value, _length(spec.rotate_every), timedelta(seconds=spec.overlap)
    )


def wanted_rotation(client: OAuthClient) -> Rotation:
    spec = client.spec.rotation
    if spec is None:
        return Rotation()
    return Rotation(
        every=_length(spec.every),
        before_expiry=_length(spec.before_expiry),
        overlap=timedelta(seconds=spec.overlap),
        reregister=spec.strategy is RotationStrategy.REREGISTER,
    )


def _overlap(client: OAuthClient) -> timedelta:
    """Return how long a registration that was replaced stays: mounts lag by minutes."""
    spec = client.spec.rotation
    return max(SHORTEST_OVERLAP, timedelta(seconds=spec.overlap)) if spec else SHORTEST_OVERLAP


def _length(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def provider_key(client: OAuthClient) -> Key | None:
    """Return the provider that the client names; None stands for the default."""
    ref = client.spec.provider_ref
    if ref is None:
        return None
    cluster_scoped = ref.kind.value == CLUSTER_OAUTH_PROVIDERS.kind
    return Key(ref.kind.value, "" if cluster_scoped else client.metadata.namespace, ref.name)


def explicit(metadata: ClientMetadata) -> ClientMetadata:
    """Set what servers have different defaults for (C-005).

    Grants and response types are completed as our server completes them (RFC 7591 §2.1). What
    contradicts, or is not known to it, goes as it was written: the provider decides.
    """
    grant_types, response_types = metadata.grant_types, metadata.response_types
    with contextlib.suppress(InvalidClientMetadata):
        grant_types, response_types = complete_grants(grant_types, response_types)
    return metadata.model_copy(
        update={
            "application_type": metadata.application_type or DEFAULT_APPLICATION_TYPE,
            "token_endpoint_auth_method": metadata.token_endpoint_auth_method
            or DEFAULT_AUTH_METHOD,
            "grant_types": grant_types,
            "response_types": response_types,
        }
    )


def update_body(desired: Desired, client_id: str) -> bytes:
    """Return the body of an update: what is wanted and the client_id, nothing that came back.

    RFC 7592 §2.2: an update replaces the whole client metadata, so a member that is left out is
    a member removed. Deviation from C-026: sending everything back is harmful at Keycloak.
    """
    return canonical_json(update_request_document(client_id, desired.metadata))


def canonical_json(document: Mapping[str, JsonValue]) -> bytes:
    """Return the same bytes for the same document, in whatever order it was written."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
