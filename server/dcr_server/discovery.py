"""Discovery: RFC 8414, OpenID Connect Discovery 1.0. It promises what is served, no more."""

from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.server_metadata import (
    AuthorizationServerMetadata,
    discovery_document,
    openid_configuration_document,
)
from dcr_protocol.vocabulary import SUBJECT_TYPES
from dcr_server.client_assertions import SIGNING_ALGORITHMS
from dcr_server.client_authentication import AUTH_METHODS
from dcr_server.responses import public
from dcr_server.server import Server
from dcr_server.token_endpoint import GRANT_TYPES


async def authorization_server_metadata(_request: Request, server: Server) -> Response:
    return public(discovery_document(_metadata(server)))


async def openid_configuration(_request: Request, server: Server) -> Response:
    return public(openid_configuration_document(_metadata(server)))


async def jwks(_request: Request, server: Server) -> Response:
    return public(server.signing_keys.jwks(server.now()))


def _metadata(server: Server) -> AuthorizationServerMetadata:
    return AuthorizationServerMetadata(
        issuer=server.urls.issuer,
        token_endpoint=server.urls.token_endpoint,
        registration_endpoint=server.urls.registration_endpoint,
        introspection_endpoint=server.urls.introspection_endpoint,
        revocation_endpoint=server.urls.revocation_endpoint,
        jwks_uri=server.urls.jwks_uri,
        # S-183: an absent member has a default, so each is there, also where it is empty.
        grant_types_supported=GRANT_TYPES,
        response_types_supported=(),
        response_modes_supported=(),
        # All three endpoints know clients in the same way.
        token_endpoint_auth_methods_supported=AUTH_METHODS,
        # What may be registered (S-185); sector identifiers are checked.
        subject_types_supported=SUBJECT_TYPES,
        token_endpoint_auth_signing_alg_values_supported=SIGNING_ALGORITHMS,
        introspection_endpoint_auth_methods_supported=AUTH_METHODS,
        introspection_endpoint_auth_signing_alg_values_supported=SIGNING_ALGORITHMS,
        revocation_endpoint_auth_methods_supported=AUTH_METHODS,
        revocation_endpoint_auth_signing_alg_values_supported=SIGNING_ALGORITHMS,
        scopes_supported=_scopes(server) or None,
        registration_idempotency_supported=True,
        registration_client_secret_rotation_supported=True,
    )


def _scopes(server: Server) -> tuple[str, ...]:
    named = {scope for policy in server.policies.values() for scope in policy.scopes}
    return tuple(sorted(scope for scope in named if not scope.endswith("*")))
