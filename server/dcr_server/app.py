"""The ASGI application: which path has which methods, and nothing else."""

from functools import partial

from dcr_server import (
    client_configuration,
    discovery,
    health,
    introspection,
    openapi,
    registration,
    revocation,
    token_endpoint,
)
from dcr_server.rate_limits import limiting_failures
from dcr_server.routing import Application, Resource, resource_at
from dcr_server.server import Server


def create_app(server: Server) -> Application:
    return Application(server, _routes(server), server.metrics, origins=server.cors_allowed_origins)


def _routes(server: Server) -> list[Resource]:
    resource = partial(resource_at, server)
    limiting = partial(limiting_failures, rate=server.failed_authentication_rate)
    path = server.urls.path
    return [
        resource(f"{path}/connect/register", POST=limiting(registration.register)),
        resource(
            f"{path}/connect/register/{{client_id}}",
            GET=limiting(client_configuration.read),
            PUT=limiting(client_configuration.update),
            DELETE=limiting(client_configuration.delete),
        ),
        resource(
            f"{path}/connect/register/{{client_id}}/secret",
            POST=limiting(client_configuration.rotate_secret),
        ),
        resource(f"{path}/token", POST=limiting(token_endpoint.issue_token)),
        resource(f"{path}/introspect", POST=limiting(introspection.introspect)),
        resource(f"{path}/revoke", POST=limiting(revocation.revoke)),
        resource(f"{path}/jwks", GET=discovery.jwks),
        # RFC 8414 §3.1 puts the path of the issuer behind, DISC §4.1 before (S-181).
        resource(
            f"/.well-known/oauth-authorization-server{path}",
            GET=discovery.authorization_server_metadata,
        ),
        resource(f"{path}/.well-known/openid-configuration", GET=discovery.openid_configuration),
        resource("/healthz", GET=health.healthz),
        resource("/readyz", GET=health.readyz),
        resource("/openapi.json", GET=openapi.Description()),
    ]
