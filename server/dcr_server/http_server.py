"""uvicorn as we run it: our protocol, our signals, our logs."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from dcr_server.http_protocol import BoundedHttpProtocol
from dcr_server.server import Departure
from dcr_server.tls import ReloadingTls

_SECONDS_TO_KEEP_ALIVE: Final = 75
SECONDS_TO_FINISH_REQUESTS: Final = 10

log = structlog.get_logger()


class HttpServer(uvicorn.Server):
    """Serves until `should_exit`, then finishes what is under way."""

    def __init__(self, app: ASGIApp, tls: ReloadingTls | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                http=BoundedHttpProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_SECONDS_TO_KEEP_ALIVE,
                timeout_graceful_shutdown=SECONDS_TO_FINISH_REQUESTS,
                ssl_context_factory=None if tls is None else lambda _config, _default: tls.context,
            )
        )

    def leave(self) -> None:
        """Stop listening, finish what is under way."""
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: they are ours from before the first connection on."""
        yield


def announce_departure(http_server: HttpServer, departure: Departure, notice: float) -> None:
    """Announce it for so many seconds, then leave; a second time, leave at once."""
    if departure.announced or not notice:
        http_server.leave()
        return
    departure.announced = True
    log.info("leaving", seconds=notice)
    asyncio.get_running_loop().call_later(notice, http_server.leave)


def leave_on_signals(http_server: HttpServer, departure: Departure, notice: float) -> None:
    """Have SIGTERM announce the departure first; SIGINT, or SIGTERM again, ends it at once."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, http_server.leave)
    loop.add_signal_handler(signal.SIGTERM, announce_departure, http_server, departure, notice)
