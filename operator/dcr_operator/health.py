"""/healthz, /readyz and /metrics on one port, for leaders and those who stand by.

Live: the event loop turns, no pass takes forever, no watch is silent. Ready: standing
by, or leading with every watch open.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from dcr_operator.metrics import Metrics

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_UNAVAILABLE = 503

# A check says what is wrong, or nothing.
Check = Callable[[], str | None]


@dataclass(slots=True)
class HealthServer:
    """Serves as soon as it is started, before anything leads or watches."""

    address: tuple[str, int]
    metrics: Metrics
    live: list[Check] = field(default_factory=list)
    ready: list[Check] = field(default_factory=list)
    _runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen and return the real URL; raises OSError when the port is taken."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        host, port = self.address
        await web.TCPSite(self._runner, host, port).start()
        bound = self._runner.addresses[0]
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        return f"http://{shown}:{bound[1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _verdict(self.live)

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _verdict(self.ready)

    async def _metrics(self, _request: web.Request) -> web.Response:
        headers = {"Content-Type": _METRICS_TYPE}
        return web.Response(body=self.metrics.exposition(), headers=headers)


def _verdict(checks: list[Check]) -> web.Response:
    problems = [problem for check in checks if (problem := check()) is not None]
    if problems:
        return web.Response(status=_UNAVAILABLE, text="\n".join(problems) + "\n")
    return web.Response(text="ok\n")
