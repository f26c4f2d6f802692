"""The application of the admin listener: which path has which methods, and who may use them."""

import hmac
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.bearer import invalid_token
from dcr_server import health
from dcr_server.admin import audit, clients, initial_access_tokens
from dcr_server.requests import bearer_token_hash
from dcr_server.routing import Application, Endpoint, Resource, resource_at
from dcr_server.server import Server
from dcr_server.server_metrics import ServerMetrics, exposition
from dcr_server.tokens import hash_of

_EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"

PATHS: Final[Mapping[str, Mapping[str, Endpoint]]] = {
    "initial-access-tokens": {
        "GET": initial_access_tokens.listing,
        "POST": initial_access_tokens.create,
    },
    "initial-access-tokens/{token_id}": {"DELETE": initial_access_tokens.revoke},
    "clients": {"GET": clients.listing},
    "clients/{client_id}": {"GET": clients.show, "DELETE": clients.delete},
    "audit": {"GET": audit.listing},
}
"""Under /admin, by method; for who has the admin token."""


class Metrics:
    """The endpoint that Prometheus asks. No token: it tells numbers, on an address of its own."""

    def __init__(self, counted: ServerMetrics, registries: Sequence[CollectorRegistry]) -> None:
        self._counted = counted
        self._registries = registries

    async def __call__(self, _request: Request, server: Server) -> Response:
        await self._counted.look_at(server.storage)
        return Response(exposition(self._registries), media_type=_EXPOSITION)


def create_admin_app(
    server: Server,
    admin_token: SecretStr | None,
    metrics: Endpoint,
    readyz: Endpoint = health.readyz,
) -> Application:
    """Without an admin token nothing under /admin exists."""
    resource = partial(resource_at, server)
    routes = [
        resource("/metrics", GET=metrics),
        resource("/healthz", GET=health.healthz),
        resource("/readyz", GET=readyz),
    ]
    if admin_token is not None:
        routes += _administration(server, hash_of(admin_token.get_secret_value()))
    return Application(server, routes, None)


def _administration(server: Server, admin_token_hash: bytes) -> list[Resource]:
    return [
        resource_at(
            server,
            f"/admin/{path}",
            **{name: _guarded(endpoint, admin_token_hash) for name, endpoint in methods.items()},
        )
        for path, methods in PATHS.items()
    ]


def _guarded(endpoint: Endpoint, admin_token_hash: bytes) -> Endpoint:
    async def guarded(request: Request, server: Server) -> Response:
        _, presented = bearer_token_hash(request)
        if not hmac.compare_digest(presented, admin_token_hash):
            raise invalid_token("this is not the admin token")
        return await endpoint(request, server)

    return guarded
