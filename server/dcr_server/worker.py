"""One of several processes that answer clients; started by the supervisor, ends with it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, values

from dcr_server.answering import answer, serving_tls
from dcr_server.app import create_app
from dcr_server.http_server import HttpServer, announce_departure
from dcr_server.opening import open_server
from dcr_server.worker_brief import WorkerBrief

log = structlog.get_logger()

READY: Final = b"ready\n"
LEAVE: Final = b"leave\n"
"""What the supervisor writes when it gets SIGTERM; STOP when it gets SIGINT."""
STOP: Final = b"stop\n"
METRICS_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"


def read_brief() -> WorkerBrief:
    # Unbuffered: what comes after the line is read later, by another reader.
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as stdin:
        return WorkerBrief.from_line(stdin.readline())


async def serve_as_worker(brief: WorkerBrief) -> None:
    """Answer clients until the supervisor says that it is enough, or is gone.

    Signals are its business: a service manager sends them to all processes at once, and what it
    passes on would look like a second one.

    Raises ConfigurationError, UnusableStorage or StorageUnavailable.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    _count_under(brief.number)
    listener = socket.socket(fileno=brief.listener)
    tls = serving_tls(brief.settings)
    async with open_server(brief.settings, CollectorRegistry()) as server:
        # What the one before it left behind.
        server.metrics.in_flight.set(0)
        http_server = HttpServer(create_app(server), tls)
        announce = partial(announce_departure, http_server, server.departure, brief.notice)
        async with _listening_to_supervisor(announce, http_server.leave) as supervisor:
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
async def _listening_to_supervisor(
    announce: Callable[[], None], leave: Callable[[], None]
) -> AsyncIterator[_Supervisor]:
    """Read standard input: it ends when the supervisor does, however that comes to pass."""
    supervisor = _Supervisor()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )

    async def watch() -> None:
        while line := await reader.readline():
            (announce if line == LEAVE else leave)()
        supervisor.gone = True
        log.warning("supervisor_gone", detail="this worker ends too")
        leave()

    watching = asyncio.create_task(watch())
    try:
        yield supervisor
    finally:
        watching.cancel()
        transport.close()
