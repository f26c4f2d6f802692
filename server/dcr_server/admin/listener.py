"""Runs the admin application beside the one that answers clients."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import structlog
from starlette.types import ASGIApp

from dcr_server.configuration import admin_token
from dcr_server.http_server import HttpServer
from dcr_server.listening import bound_address
from dcr_server.settings import Settings, is_loopback_host
from dcr_server.tls import ReloadingTls

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def serving_administrators(
    app: ASGIApp, settings: Settings, listener: socket.socket | None, tls: ReloadingTls | None
) -> AsyncIterator[None]:
    """Serve while the context is open. Beyond loopback with the server's certificate, if any."""
    if listener is None or settings.admin_listen is None:
        yield
        return
    if is_loopback_host(settings.admin_listen.host):
        tls = None
    http_server = HttpServer(app, tls)
    serving = asyncio.create_task(http_server.serve(sockets=[listener]))
    _tell(settings, listener, encrypted=tls is not None)
    try:
        yield
    finally:
        http_server.leave()
        await serving


def _tell(settings: Settings, listener: socket.socket, *, encrypted: bool) -> None:
    address = settings.admin_listen
    if address is None:
        return
    token = admin_token(settings)
    log.info(
        "admin_listening",
        url=f"{'https' if encrypted else 'http'}://{bound_address(listener, address)}",
        admin_api="on" if token else "off, DCR_SERVER_ADMIN_TOKEN is not set",
    )
    if token and not encrypted and not is_loopback_host(address.host):
        log.warning(
            "admin_token_in_the_clear",
            detail="the admin listener has no TLS: set DCR_SERVER_TLS_CERT_FILE or use loopback",
        )
