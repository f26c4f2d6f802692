"""How paths and methods become an ASGI application; which they are, `app` and `admin.app` say."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from dcr_server.error_responses import HANDLERS, LastResort
from dcr_server.exchange import Exchanges
from dcr_server.metrics import RequestMetrics
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


def resource_at(server: Server, path: str, **endpoints: Endpoint) -> Route:
    """One route per path, so that a 405 lists all of its methods."""
    return Route(path, _Resource(server, endpoints), methods=[*endpoints])


def application(
    server: Server,
    routes: Sequence[BaseRoute],
    metrics: RequestMetrics | None,
    *middleware: Middleware,
) -> Starlette:
    """Put around the routes what every request goes through; without metrics none is counted."""
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(
                Exchanges,
                departure=server.departure,
                request_ids=server.request_ids,
                metrics=metrics,
                timer=time.perf_counter,
            ),
            Middleware(LastResort),
            *middleware,
        ],
        exception_handlers={**HANDLERS},
    )
    # A redirect would be built from the Host header.
    app.router.redirect_slashes = False
    return app
