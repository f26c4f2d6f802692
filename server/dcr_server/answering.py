"""What a process does that answers clients, alone or as one of several workers."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import structlog

from dcr_server.http_server import HttpServer
from dcr_server.listening import bound_address, open_for_connections
from dcr_server.settings import Settings
from dcr_server.tls import ReloadingTls, TlsFiles

_GARBAGE_COLLECTION: Final = (10_000, 20, 50)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Serving:
    """What is decided before anything starts: complete settings, bound sockets."""

    settings: Settings
    listener: socket.socket
    admin_listener: socket.socket | None
    tls: ReloadingTls | None
    notice: float
    """Seconds between SIGTERM and the end of listening."""


def open_listener(serving: Serving) -> None:
    """Let clients in, and say so."""
    settings = serving.settings
    open_for_connections(serving.listener, settings.listen)
    address = bound_address(serving.listener, settings.listen)
    scheme = "https" if serving.tls else "http"
    log.info("listening", url=f"{scheme}://{address}", issuer=settings.issuer)
    if not settings.policies:
        log.warning("no_policies", detail="nobody may register, see dcr-server config init")


async def answer(
    http_server: HttpServer, listener: socket.socket, tls: ReloadingTls | None
) -> None:
    """Answer clients until it is told to leave."""
    # What exists now stays, and what a request makes is freed by its reference counts: the
    # collector is there for the rare cycle.
    gc.freeze()
    gc.set_threshold(*_GARBAGE_COLLECTION)
    async with following(tls):
        await http_server.serve(sockets=[listener])


@contextlib.asynccontextmanager
async def following(tls: ReloadingTls | None) -> AsyncIterator[None]:
    """Reload certificates that change while the context is open."""
    task = asyncio.create_task(tls.follow()) if tls else None
    try:
        yield
    finally:
        if task:
            task.cancel()


def serving_tls(settings: Settings) -> ReloadingTls | None:
    """Raises ConfigurationError for files that cannot be served."""
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    return ReloadingTls(TlsFiles(settings.tls_cert_file, settings.tls_key_file))
