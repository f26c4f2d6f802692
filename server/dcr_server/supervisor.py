"""`serve --workers N`: starts the processes that answer clients, keeps them up, ends them.

    supervisor   binds, opens and migrates the database, serves administrators, collects metrics
    ├── worker 0   accepts from the socket that it inherits
    └── worker 1   likewise

A worker that ends by itself is started again, after a pause that grows. SIGTERM and SIGINT are
passed on through a pipe to each; a worker also ends when its pipe does, since the supervisor has
been killed then.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import Response

from dcr_server import health
from dcr_server.admin.app import Metrics, create_admin_app
from dcr_server.admin.listener import serving_administrators
from dcr_server.answering import Serving, following, open_listener
from dcr_server.cleaning import cleaning
from dcr_server.configuration import ConfigurationError, admin_token
from dcr_server.http_server import SECONDS_TO_FINISH_REQUESTS
from dcr_server.opening import open_server
from dcr_server.responses import no_store
from dcr_server.server import Departure, Server
from dcr_server.server_metrics import ServerMetrics
from dcr_server.worker import LEAVE, METRICS_DIRECTORY, READY, STOP
from dcr_server.worker_brief import WorkerBrief

# -P: nothing is imported from the folder that it happens to be started in.
_PROGRAM: Final = (sys.executable, "-P", "-m", "dcr_server", "worker")
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_SECONDS_THAT_COUNT_AS_UP: Final = 60.0
# Beyond the time that workers give themselves.
_SECONDS_OF_PATIENCE: Final = 5.0

log = structlog.get_logger()


async def supervise(serving: Serving) -> None:
    """Run until SIGTERM or SIGINT.

    Raises ConfigurationError, UnusableStorage or StorageUnavailable before it listens.
    """
    settings = serving.settings
    with _metrics_directory() as directory:
        counted, of_workers = CollectorRegistry(), CollectorRegistry()
        MultiProcessCollector(of_workers, path=directory)  # type: ignore[no-untyped-call]  # it has no types
        metrics = ServerMetrics(counted)
        async with open_server(settings, CollectorRegistry()) as server:
            workers = Workers(serving, directory, server.departure, metrics.worker_restarts.inc)
            app = create_admin_app(
                server,
                admin_token(settings),
                Metrics(metrics, [counted, of_workers]),
                workers.readyz,
            )
            async with (
                following(serving.tls),
                cleaning(server, metrics.removed),
                serving_administrators(app, settings, serving.admin_listener, serving.tls),
            ):
                workers.leave_on_signals()
                open_listener(serving)
                await workers.run()


def _metrics_directory() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="dcr-server-metrics-")
    except OSError as error:
        raise ConfigurationError(
            f"workers need a folder for their counters, set TMPDIR: {error.strerror}"
        ) from None


class Workers:
    def __init__(
        self,
        serving: Serving,
        metrics_directory: str,
        departure: Departure,
        restarted: Callable[[], None],
    ) -> None:
        self._serving = serving
        self._environment = {**os.environ, METRICS_DIRECTORY: metrics_directory}
        self._departure = departure
        self._restarted = restarted
        self._leaving = asyncio.Event()
        self._processes: dict[int, Process] = {}
        self._ready: set[int] = set()

    async def run(self) -> None:
        """Return when the last one has ended, after it was told to."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._serving.settings.workers):
                group.create_task(self._keep(number))

    async def readyz(self, request: Request, server: Server) -> Response:
        """Ready while a worker is."""
        if not self._ready and not self._departure.announced:
            return no_store({"status": "no worker is ready"}, HTTPStatus.SERVICE_UNAVAILABLE)
        return await health.readyz(request, server)

    def leave_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leave, number)

    def _leave(self, number: signal.Signals) -> None:
        """Pass it on; a worker makes of a second one what a server does of a second signal."""
        self._departure.announced = True
        self._leaving.set()
        # Theirs stay open until they have finished; ours would keep the port listening.
        self._serving.listener.close()
        for process in self._processes.values():
            _tell(process, LEAVE if number is signal.SIGTERM else STOP)
        patience = self._serving.notice + SECONDS_TO_FINISH_REQUESTS + _SECONDS_OF_PATIENCE
        asyncio.get_running_loop().call_later(patience, self._kill)

    def _kill(self) -> None:
        for number, process in self._processes.items():
            log.error("worker_killed", worker=number, pid=process.pid, detail="it did not end")
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    async def _keep(self, number: int) -> None:
        """Start it again when it ends by itself, after a pause that doubles."""
        pause = _FIRST_PAUSE
        while not self._leaving.is_set():
            began = time.monotonic()
            status: int | str
            try:
                status = await self._run_once(number)
            except OSError as error:
                status = str(error)
            if self._leaving.is_set():
                return
            if time.monotonic() - began > _SECONDS_THAT_COUNT_AS_UP:
                pause = _FIRST_PAUSE
            log.error("worker_ended", worker=number, status=status, seconds_until_restart=pause)
            self._restarted()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _run_once(self, number: int) -> int:
        """Return its exit status; a negative one is the signal that ended it."""
        listener = self._serving.listener.fileno()
        process = await asyncio.create_subprocess_exec(
            *_PROGRAM,
            stdin=PIPE,
            stdout=PIPE,
            env=self._environment,
            pass_fds=[listener],
            # A terminal's Ctrl-C comes to us, who pass it on.
            start_new_session=True,
        )
        self._processes[number] = process
        brief = WorkerBrief(self._serving.settings, number, listener, self._serving.notice)
        _tell(process, brief.to_line())
        if self._leaving.is_set():
            _tell(process, STOP)
        await self._wait_until_ready(process, number)
        status = await process.wait()
        self._ready.discard(number)
        del self._processes[number]
        return status

    async def _wait_until_ready(self, process: Process, number: int) -> None:
        """Or until it has ended."""
        if process.stdout and await process.stdout.readline() == READY:
            self._ready.add(number)


def _tell(process: Process, line: bytes) -> None:
    # It may end at any moment.
    with contextlib.suppress(ConnectionError, RuntimeError):
        if process.stdin:
            process.stdin.write(line)
