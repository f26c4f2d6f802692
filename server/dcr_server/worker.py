"""One of several processes that answer clients; started by the supervisor, ends with it."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, values

from dcr_server.answering import answer, serving_tls
from dcr_server.app import create_app
from dcr_server.http_server import HttpServer, leave_on_signals
from dcr_server.opening import open_server
from dcr_server.worker_brief import WorkerBrief

log = structlog.get_logger()

READY: Final = b"ready\n"
METRICS_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"


def read_brief() -> WorkerBrief:
    return WorkerBrief.from_line(sys.stdin.buffer.readline())


async def serve_as_worker(brief: WorkerBrief) -> None:
    """Answer clients until SIGTERM, SIGINT, or until the supervisor is gone.

    Raises ConfigurationError, UnusableStorage or StorageUnavailable.
    """
    _count_under(brief.number)
    listener = socket.socket(fileno=brief.listener)
    tls = serving_tls(brief.settings)
    async with open_server(brief.settings, CollectorRegistry()) as server:
        # What the one before it left behind.
        server.metrics.in_flight.set(0)
        http_server = HttpServer(create_app(server), tls)
        leave_on_signals(http_server, server.departure, brief.notice)
        async with _leaving_with_supervisor(http_server.leave) as supervisor:
            log.info("worker_ready", worker=brief.number, pid=os.getpid())
            sys.stdout.buffer.write(READY)
            sys.stdout.buffer.flush()
            await answer(http_server, listener, tls)
    if supervisor.gone:
        _remove_counters(brief.number)
    log.info("worker_stopped", worker=brief.number)


def _count_under(number: int) -> None:
    """Name the files of counters by the worker's number instead of its process id.

    So a worker that is started again goes on counting, and files do not grow in number.
    """
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]  # it has no types


def _remove_counters(number: int) -> None:
    """Do what the supervisor cannot do any more; the last worker removes the folder."""
    directory = Path(os.environ[METRICS_DIRECTORY])
    with contextlib.suppress(OSError):
        for file in directory.glob(f"*_{number}.db"):
            file.unlink()
        directory.rmdir()


@dataclass(slots=True)
class _Supervisor:
    gone: bool = False


@contextlib.asynccontextmanager
async def _leaving_with_supervisor(leave: Callable[[], None]) -> AsyncIterator[_Supervisor]:
    """Watch standard input: it ends when the supervisor does, however that comes to pass."""
    supervisor = _Supervisor()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )

    async def watch() -> None:
        await reader.read()
        supervisor.gone = True
        log.warning("supervisor_gone", detail="this worker ends too")
        leave()

    watching = asyncio.create_task(watch())
    try:
        yield supervisor
    finally:
        watching.cancel()
        transport.close()
