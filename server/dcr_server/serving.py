"""The composition root of `dcr-server serve`: settings become adapters, adapters applications."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from dcr_server.admin.app import Metrics, create_admin_app
from dcr_server.admin.listener import serving_administrators
from dcr_server.app import create_app
from dcr_server.configuration import admin_token, check_issuer_is_safe, required
from dcr_server.development import development_issuer
from dcr_server.http_server import HttpServer, leave_on_signals
from dcr_server.listening import admin_listener, bind, bound_address, open_for_connections
from dcr_server.opening import open_server
from dcr_server.server_metrics import ServerMetrics
from dcr_server.settings import Settings
from dcr_server.tls import ReloadingTls, TlsFiles

# How long the end is announced by readiness and by closing connections after their answer.
_SECONDS_OF_NOTICE: Final = 3.0

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


async def serve(settings: Settings, *, development: bool) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished.

    Raises ConfigurationError, UnusableStorage or StorageUnavailable before it listens.
    """
    with contextlib.ExitStack() as sockets:
        tls = serving_tls(settings)
        listener = sockets.enter_context(contextlib.closing(bind(settings.listen)))
        settings = _complete(settings, listener, development=development)
        for_administrators = admin_listener(settings)
        if for_administrators:
            sockets.enter_context(contextlib.closing(for_administrators))
        # Whoever tries it out does not want to wait for others to notice that it leaves.
        notice = 0.0 if development else _SECONDS_OF_NOTICE
        await _serve_alone(Serving(settings, listener, for_administrators, tls, notice))


def _complete(settings: Settings, listener: socket.socket, *, development: bool) -> Settings:
    """Fill in the issuer of --dev, and refuse what is missing or wrong."""
    admin_token(settings)
    if development and settings.issuer is None:
        port = bound_address(listener, settings.listen).port
        settings = settings.model_copy(update={"issuer": development_issuer(settings, port)})
    required(settings, ["issuer", "database"])
    if not development:
        check_issuer_is_safe(settings)
    return settings


async def _serve_alone(serving: Serving) -> None:
    registry = CollectorRegistry()
    async with open_server(serving.settings, registry) as server:
        app = create_admin_app(
            server,
            admin_token(serving.settings),
            Metrics(ServerMetrics(registry), [registry]),
        )
        async with serving_administrators(
            app, serving.settings, serving.admin_listener, serving.tls
        ):
            http_server = HttpServer(create_app(server), serving.tls)
            leave_on_signals(http_server, server.departure, serving.notice)
            open_listener(serving)
            await answer(http_server, serving.listener, serving.tls)
    log.info("stopped")


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
