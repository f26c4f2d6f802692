"""Liveness and readiness."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from dcr_server.responses import no_store
from dcr_server.server import Server


async def healthz(_request: Request, _server: Server) -> Response:
    return no_store({"status": "ok"})


async def readyz(_request: Request, server: Server) -> Response:
    """Ready when the storage is; an outage is rendered like that of every endpoint."""
    if server.departure.announced:
        return no_store({"status": "leaving"}, HTTPStatus.SERVICE_UNAVAILABLE)
    await server.storage.check()
    return no_store({"status": "ok"})
