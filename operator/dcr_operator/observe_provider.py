"""Gather what is known about a provider: the object, its CA, its discovery document."""

from dataclasses import replace

from dcr_operator.client_policy import ClientPolicy
from dcr_operator.kube import NAMESPACES, Key, object_meta
from dcr_operator.operator_class import serves_provider
from dcr_operator.outcomes import Discovered, DiscoveryOutcome, DiscoveryRefused, Unreachable
from dcr_operator.pem_certificates import certificates_in
from dcr_operator.ports import Context, ProviderConnection
from dcr_operator.provider_origins import OriginRefusedError, url_to_send_to
from dcr_operator.reasons import Reason
from dcr_operator.referenced_secrets import SecretKeyAbsent, read_secret_key
from dcr_operator.resources import (
    AnyProvider,
    ClusterOAuthProvider,
    InvalidSpecError,
    OAuthProvider,
    parse_provider,
)
from dcr_operator.state import (
    ProviderPolicy,
    ProviderSnapshot,
    ProviderState,
    ProviderUnusable,
    ProviderUsable,
    SecretKeyRef,
)
from dcr_operator.verdicts import told
from dcr_protocol.server_metadata import AuthorizationServerMetadata


async def observe_provider(key: Key, namespace: str, context: Context) -> ProviderState:
    """Return the provider as clients in `namespace` may use it."""
    if key.resource.namespaced and not context.namespaced_providers:
        return ProviderUnusable(
            Reason.PROVIDER_NOT_FOUND,
            "this operator serves no OAuthProvider: its administrator has switched them off. Name"
            " a ClusterOAuthProvider in spec.providerRef.",
        )
    return await _observe_served(key, namespace, context)


async def _observe_served(key: Key, namespace: str, context: Context) -> ProviderState:
    document = await context.references.get(key.resource, key.namespace or None, key.name)
    if document is None:
        return ProviderUnusable(
            Reason.PROVIDER_NOT_FOUND,
            f"there is no {key}. Create it, or correct spec.providerRef.",
        )
    if not serves_provider(document, context):
        # It came, or changed its class, after the pass began: it is used by its own operator.
        return ProviderUnusable(
            Reason.PROVIDER_NOT_FOUND, f"{key} belongs to the operator of another class."
        )
    try:
        provider = parse_provider(document)
    except InvalidSpecError as error:
        return ProviderUnusable(Reason.PROVIDER_UNAVAILABLE, f"{key} cannot be used: {error}")
    if isinstance(provider, ClusterOAuthProvider) and not await _allows(
        provider, namespace, context
    ):
        return ProviderUnusable(
            Reason.NAMESPACE_NOT_ALLOWED,
            f"{key} does not allow the namespace {namespace}. Ask its administrator to add it to"
            " spec.allowedNamespaces.",
        )
    state = await discover(key, provider, context)
    if isinstance(state, ProviderUsable) and provider.metadata.deletion_timestamp is not None:
        return replace(state, terminating=True)
    return state


async def _allows(provider: ClusterOAuthProvider, namespace: str, context: Context) -> bool:
    allowed = provider.spec.allowed_namespaces
    if allowed.allow_by_name(namespace):
        return True
    if allowed.selector is None:
        return False
    document = await context.references.get(NAMESPACES, None, namespace)
    return document is not None and allowed.allow(namespace, object_meta(document).labels)


async def discover(key: Key, provider: AnyProvider, context: Context) -> ProviderState:
    bundle = await _ca_bundle(key, provider, context)
    if isinstance(bundle, ProviderUnusable):
        return bundle
    connection = _connection(key, provider, bundle, context)
    outcome = await context.registrations.discover(connection)
    return _judge(provider, connection, outcome, key=key, context=context)


def _connection(
    key: Key, provider: AnyProvider, bundle: str | None, context: Context
) -> ProviderConnection:
    spec = provider.spec
    limits = spec.limits
    namespaced = isinstance(provider, OAuthProvider)
    return ProviderConnection(
        provider=key.path,
        issuer=spec.issuer,
        registration_endpoint=spec.registration_endpoint,
        backchannel_origin=provider.spec.backchannel_origin
        if isinstance(provider, ClusterOAuthProvider)
        else None,
        ca_bundle=bundle,
        allowed_origins=spec.allowed_origins,
        timeout=float(limits.timeout),
        max_concurrent=limits.max_concurrent,
        requests_per_second=float(limits.requests_per_second),
        burst=float(limits.burst or 2 * limits.requests_per_second),
        allow_loopback=context.allow_loopback,
        hardened=namespaced,
    )


def _judge(
    provider: AnyProvider,
    connection: ProviderConnection,
    outcome: DiscoveryOutcome,
    *,
    key: Key,
    context: Context,
) -> ProviderState:
    match outcome:
        case DiscoveryRefused(detail, ours):
            said = told(detail, connection, ours=ours)
            return ProviderUnusable(
                Reason.DISCOVERY_FAILED,
                f"{key} has no usable discovery document{said}. Compare"
                " spec.issuer of the provider with the issuer in the document.",
            )
        case Unreachable(detail, _, retry_after, ours):
            said = told(detail, connection, ours=ours)
            return ProviderUnusable(
                Reason.PROVIDER_UNAVAILABLE,
                f"{key} does not answer{said}. Look at the provider and at the network between.",
                retry_after,
                connection,
            )
        case Discovered(metadata):
            return _with_endpoint(provider, connection, metadata, key=key, context=context)


def _with_endpoint(
    provider: AnyProvider,
    connection: ProviderConnection,
    metadata: AuthorizationServerMetadata,
    *,
    key: Key,
    context: Context,
) -> ProviderState:
    endpoint = connection.registration_endpoint or metadata.registration_endpoint
    if endpoint is None:
        return ProviderUnusable(
            Reason.REGISTRATION_NOT_SUPPORTED,
            f"{key} names no registration endpoint in its discovery document. Turn dynamic"
            " client registration on there, or set spec.registrationEndpoint.",
        )
    try:
        url_to_send_to(connection, endpoint)
    except OriginRefusedError as error:
        return ProviderUnusable(
            Reason.DISCOVERY_FAILED,
            f"nothing is sent to the registration endpoint of {key}: {error}. If it is right, add"
            " its origin to spec.allowedOrigins of the provider.",
        )
    snapshot = ProviderSnapshot(
        key=key,
        connection=connection,
        registration_endpoint=endpoint,
        token_endpoint=metadata.token_endpoint,
        authorization_endpoint=metadata.authorization_endpoint,
        userinfo_endpoint=metadata.userinfo_endpoint,
        jwks_uri=metadata.jwks_uri,
        idempotent=bool(metadata.registration_idempotency_supported),
        rotates_secrets=bool(metadata.registration_client_secret_rotation_supported),
    )
    return ProviderUsable(snapshot, _policy(provider, context), _capabilities(metadata))


def _capabilities(metadata: AuthorizationServerMetadata) -> tuple[str, ...]:
    """Return what the provider announces beyond the RFCs, known by capability, not by vendor."""
    announced = {
        "Idempotency": metadata.registration_idempotency_supported,
        "SecretRotation": metadata.registration_client_secret_rotation_supported,
    }
    return tuple(name for name, supported in announced.items() if supported)


def _policy(provider: AnyProvider, context: Context) -> ProviderPolicy:
    spec = provider.spec
    every = spec.resync_every
    return ProviderPolicy(
        on_ambiguous_create=spec.on_ambiguous_create,
        on_vanished_client=spec.on_vanished_client,
        on_lost_registration_access_token=spec.on_lost_registration_access_token,
        resync_every=context.default_resync if every is None else float(every),
        initial_access_token=initial_access_token_ref(provider),
        client_policy=client_policy_of(provider),
    )


def client_policy_of(provider: AnyProvider) -> ClientPolicy | None:
    given = provider.spec.client_policy
    return None if given is None else ClientPolicy(**dict(given))


def initial_access_token_ref(provider: AnyProvider) -> SecretKeyRef | None:
    if isinstance(provider, OAuthProvider):
        local = provider.spec.initial_access_token
        if local is None:
            return None
        ref = local.secret_ref
        return SecretKeyRef(provider.metadata.namespace, ref.name, ref.key)
    token = provider.spec.initial_access_token
    if token is None:
        return None
    return SecretKeyRef(token.secret_ref.namespace, token.secret_ref.name, token.secret_ref.key)


async def _ca_bundle(
    key: Key, provider: AnyProvider, context: Context
) -> str | ProviderUnusable | None:
    ref = _ca_ref(provider)
    if ref is None:
        bundle = provider.spec.tls.ca_bundle if provider.spec.tls else None
        return None if bundle is None else certificates_in(bundle)
    value = await read_secret_key(ref, context)
    if isinstance(value, SecretKeyAbsent):
        return ProviderUnusable(
            Reason.CERTIFICATE_AUTHORITY_MISSING,
            f"{ref}, which {key} names in spec.tls.caRef, {value.why}. Mend it, or correct the"
            " reference.",
        )
    return certificates_in(value)


def _ca_ref(provider: AnyProvider) -> SecretKeyRef | None:
    if isinstance(provider, OAuthProvider):
        local = provider.spec.tls.ca_ref if provider.spec.tls else None
        return SecretKeyRef(provider.metadata.namespace, local.name, local.key) if local else None
    ref = provider.spec.tls.ca_ref if provider.spec.tls else None
    return SecretKeyRef(ref.namespace, ref.name, ref.key) if ref else None
