"""The ASGI application: which path has which methods, and nothing else."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from dcr_server import client_configuration, discovery, health, registration, token_endpoint
from dcr_server.cross_origin import CrossOrigin
from dcr_server.error_responses import HANDLERS, LastResort
from dcr_server.server import Server

Endpoint = Callable[[Request, Server], Awaitable[Response]]


class _Resource:
    """What is behind one path. As an ASGI application, since a function gets wrapped twice."""

    def __init__(self, server: Server, endpoints: Mapping[str, Endpoint]) -> None:
        self._server = server
        # Starlette answers HEAD with GET; the body is cut off when it is sent.
        self._endpoints = (
            {**endpoints, "HEAD": endpoints["GET"]} if "GET" in endpoints else endpoints
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self._endpoints[request.method](request, self._server)
        await response(scope, receive, send)


def create_app(server: Server) -> Starlette:
    def resource(path: str, **endpoints: Endpoint) -> Route:
        """One route per path, so that a 405 lists all of its methods."""
        return Route(path, _Resource(server, endpoints), methods=[*endpoints])

    path = server.urls.path
    app = Starlette(
        routes=[
            resource(f"{path}/connect/register", POST=registration.register),
            resource(
                f"{path}/connect/register/{{client_id}}",
                GET=client_configuration.read,
                PUT=client_configuration.update,
                DELETE=client_configuration.delete,
            ),
            resource(
                f"{path}/connect/register/{{client_id}}/secret",
                POST=client_configuration.rotate_secret,
            ),
            resource(f"{path}/token", POST=token_endpoint.issue_token),
            resource(f"{path}/jwks", GET=discovery.jwks),
            # RFC 8414 §3.1 puts the path of the issuer behind, DISC §4.1 before (S-181).
            resource(
                f"/.well-known/oauth-authorization-server{path}",
                GET=discovery.authorization_server_metadata,
            ),
            resource(
                f"{path}/.well-known/openid-configuration", GET=discovery.openid_configuration
            ),
            resource("/healthz", GET=health.healthz),
            resource("/readyz", GET=health.readyz),
        ],
        middleware=_middleware(server),
        exception_handlers={**HANDLERS},
    )
    # A redirect would be built from the Host header.
    app.router.redirect_slashes = False
    return app


def _middleware(server: Server) -> list[Middleware]:
    last_resort = Middleware(LastResort, departure=server.departure)
    if not server.cors_allowed_origins:
        return [last_resort]
    return [last_resort, Middleware(CrossOrigin, origins=server.cors_allowed_origins)]
