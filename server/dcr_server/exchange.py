"""One request and its answer, seen from outside: id, time, metrics, a log line.

Endpoints note what only they know on the Exchange in the scope; when the answer is out, it is
counted.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dcr_server.header_fields import HeaderFields
from dcr_server.metrics import RequestMetrics
from dcr_server.request_ids import CURRENT, HEADER, RequestIds
from dcr_server.server import Departure
from dcr_server.tokens import without_credentials

_KEY: Final = "dcr_server.exchange"
UNMATCHED: Final = "unmatched"
"""The route of a path that nobody serves; the path itself would be a label without end."""

Seconds = Callable[[], float]
Respond = Callable[[Request], Awaitable[Response | None]]
"""None: nobody is left to answer."""

log = structlog.get_logger()


@dataclass(slots=True)
class Exchange:
    request_id: str
    headers: HeaderFields
    status: int = 0
    """0: no answer was begun."""
    policy: str = ""
    """Name of the policy that governs; empty until somebody has authenticated."""
    error: str = ""
    """Code of the refusal that was answered."""
    storage_failed: bool = False

    @property
    def result(self) -> str:
        """One of few: `ok`, an error code, `disconnected`."""
        if self.status == 0:
            return "disconnected"
        return self.error or "ok"


def exchange_of(request: Request) -> Exchange:
    exchange: Exchange = request.scope[_KEY]
    return exchange


def governed_by(request: Request, policy: str) -> None:
    """Note the policy under which the requester has authenticated."""
    exchange_of(request).policy = policy


class Exchanges:
    """The ASGI application: has a request answered and sends the answer.

    While the server leaves, each answer closes its connection: the next request then goes to
    another process, instead of a socket that nobody reads any more.
    """

    def __init__(
        self,
        respond: Respond,
        *,
        departure: Departure,
        request_ids: RequestIds,
        metrics: RequestMetrics | None,
        timer: Seconds,
    ) -> None:
        self._respond = respond
        self._departure = departure
        self._request_ids = request_ids
        self._metrics = metrics
        self._timer = timer
        # To gather what nobody logs would cost as much as all the counting.
        self._tells = log.is_enabled_for(logging.DEBUG)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = HeaderFields(scope["headers"])
        exchange = Exchange(self._request_ids.of(headers.values(HEADER)), headers)
        scope[_KEY] = exchange
        outside = CURRENT.set(exchange.request_id)
        if self._metrics:
            self._metrics.in_flight.inc()
        began = self._timer()
        try:
            response = await self._respond(Request(scope, receive, send))
            if response is not None:
                await self._send(response, exchange, send)
        finally:
            seconds = self._timer() - began
            if self._metrics:
                _count(self._metrics, exchange, scope, seconds)
            if self._tells:
                _tell(exchange, scope, seconds)
            CURRENT.reset(outside)

    async def _send(self, response: Response, exchange: Exchange, send: Send) -> None:
        status, headers = response.status_code, response.raw_headers
        headers.append((HEADER, exchange.request_id.encode("ascii")))
        if self._departure.announced:
            headers.append((b"connection", b"close"))
        exchange.status = status
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})


def _count(metrics: RequestMetrics, exchange: Exchange, scope: Scope, seconds: float) -> None:
    metrics.in_flight.dec()
    route = scope.get("route")
    path = UNMATCHED if route is None else str(route.path)
    metrics.answered(scope["method"], path, exchange.status, seconds)
    metrics.operated(scope["method"], path, exchange.policy, exchange.result)
    if exchange.storage_failed:
        metrics.storage_failures.inc()


def _tell(exchange: Exchange, scope: Scope, seconds: float) -> None:
    log.debug(
        "request",
        method=scope["method"],
        path=without_credentials(scope["path"]),
        status=exchange.status,
        result=exchange.result,
        milliseconds=round(seconds * 1000, 3),
    )
