"""The composition root of `dcr-server serve`: settings become adapters, adapters applications."""

import contextlib
import socket
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from dcr_server.admin.app import Metrics, create_admin_app
from dcr_server.admin.listener import serving_administrators
from dcr_server.answering import Serving, answer, open_listener, serving_tls
from dcr_server.app import create_app
from dcr_server.cleaning import cleaning
from dcr_server.configuration import admin_token, check_issuer_is_safe, required
from dcr_server.development import development_issuer
from dcr_server.http_server import HttpServer, leave_on_signals
from dcr_server.listening import admin_listener, bind, bound_address
from dcr_server.opening import open_server
from dcr_server.server_metrics import ServerMetrics
from dcr_server.settings import Settings
from dcr_server.supervisor import supervise

# How long the end is announced by readiness and by closing connections after their answer.
_SECONDS_OF_NOTICE: Final = 3.0

log = structlog.get_logger()


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
        serving = Serving(settings, listener, for_administrators, tls, notice)
        await (supervise(serving) if settings.workers > 1 else _serve_alone(serving))
    log.info("stopped")


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
        metrics = ServerMetrics(registry)
        token = admin_token(serving.settings)
        app = create_admin_app(server, token, Metrics(metrics, [registry]))
        async with (
            cleaning(server, metrics.removed),
            serving_administrators(app, serving.settings, serving.admin_listener, serving.tls),
        ):
            http_server = HttpServer(create_app(server), serving.tls)
            leave_on_signals(http_server, server.departure, serving.notice)
            open_listener(serving)
            await answer(http_server, serving.listener, serving.tls)
