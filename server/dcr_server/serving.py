"""The composition root of `dcr-server serve`: settings become adapters, adapters an application."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Final

import structlog
import uvicorn
from prometheus_client import CollectorRegistry

from dcr_server.access_tokens import open_signer
from dcr_server.app import create_app
from dcr_server.configuration import (
    ConfigurationError,
    check_issuer_is_safe,
    encryption_key,
    required,
)
from dcr_server.development import development_issuer
from dcr_server.encryption import Sealer, WrongEncryptionKey
from dcr_server.http_protocol import BoundedHttpProtocol
from dcr_server.metrics import RequestMetrics
from dcr_server.request_ids import RequestIds
from dcr_server.server import Departure, Server, Urls
from dcr_server.settings import Address, Settings
from dcr_server.storage.opening import open_database
from dcr_server.storage.protocol import Storage
from dcr_server.tls import ReloadingTls, TlsFiles
from dcr_server.tokens import system_clock, system_entropy

_BACKLOG: Final = 2048
_SECONDS_TO_FINISH_REQUESTS: Final = 10
_SECONDS_TO_KEEP_ALIVE: Final = 75
# How long the end is announced by readiness and by closing connections after their answer.
_SECONDS_OF_NOTICE: Final = 3.0

_GARBAGE_COLLECTION: Final = (10_000, 20, 50)

log = structlog.get_logger()


async def serve(settings: Settings, *, development: bool) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished.

    Raises ConfigurationError, UnusableStorage or StorageUnavailable before it listens.
    """
    tls = serving_tls(settings)
    listener = _listen(settings.listen)
    with contextlib.closing(listener):
        port = int(listener.getsockname()[1])
        if development and settings.issuer is None:
            settings = settings.model_copy(update={"issuer": development_issuer(settings, port)})
        required(settings, ["issuer", "database"])
        if not development:
            check_issuer_is_safe(settings)
        async with _server(settings) as server:
            # Whoever tries it out does not want to wait for others to notice that it leaves.
            notice = 0.0 if development else _SECONDS_OF_NOTICE
            await _run(server, settings, listener, tls, notice=notice)


@contextlib.asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[Storage]:
    """Raises UnusableStorage or StorageUnavailable."""
    required(settings, ["database"])
    storage = await open_database(settings.database or "")
    try:
        yield storage
    finally:
        await storage.close()


@contextlib.asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[Server]:
    sealer = Sealer(encryption_key(settings), system_entropy)
    async with open_storage(settings) as storage:
        try:
            signer = await open_signer(storage.signing_keys, sealer, now=int(system_clock()))
        except WrongEncryptionKey:
            raise ConfigurationError(
                "DCR_SERVER_ENCRYPTION_KEY is not the key that the database was made with: "
                "give that one, its signing keys cannot be read otherwise"
            ) from None
        urls = Urls.of(settings.issuer or "")
        yield Server(
            urls=urls,
            policies=settings.policies,
            storage=storage,
            signer=signer,
            entropy=system_entropy,
            clock=system_clock,
            departure=Departure(),
            cors_allowed_origins=settings.cors_allowed_origins,
            request_ids=RequestIds(system_entropy),
            metrics=RequestMetrics(CollectorRegistry(), settings.policies, urls.path),
            open_registration=settings.open_registration,
            trusted_proxies=settings.trusted_proxies,
            failed_authentication_rate=settings.failed_authentication_rate,
        )


async def _run(
    server: Server,
    settings: Settings,
    listener: socket.socket,
    tls: ReloadingTls | None,
    *,
    notice: float,
) -> None:
    http_server = _HttpServer(_uvicorn_config(server, tls))
    _leave_on_signals(http_server, server.departure, notice)
    # What exists now stays, and what a request makes is freed by its reference counts: the
    # collector is there for the rare cycle.
    gc.freeze()
    gc.set_threshold(*_GARBAGE_COLLECTION)
    following = asyncio.create_task(tls.follow()) if tls else None
    _open_for_connections(listener, settings.listen)
    address = settings.listen._replace(port=int(listener.getsockname()[1]))
    scheme = "https" if tls else "http"
    log.info("listening", url=f"{scheme}://{address}", issuer=server.urls.issuer)
    if not server.policies:
        log.warning("no_policies", detail="nobody may register, see dcr-server config init")
    try:
        await http_server.serve(sockets=[listener])
    finally:
        if following:
            following.cancel()
    log.info("stopped")


def _uvicorn_config(server: Server, tls: ReloadingTls | None) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(server),
        loop="none",
        http=BoundedHttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_SECONDS_TO_KEEP_ALIVE,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH_REQUESTS,
        ssl_context_factory=None if tls is None else lambda _config, _default: tls.context,
    )


def serving_tls(settings: Settings) -> ReloadingTls | None:
    """Raises ConfigurationError for files that cannot be served."""
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    return ReloadingTls(TlsFiles(settings.tls_cert_file, settings.tls_key_file))


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _cannot_listen(address, error) from None
    return listener


def _open_for_connections(listener: socket.socket, address: Address) -> None:
    try:
        listener.listen(_BACKLOG)
    except OSError as error:
        # Another process may have bound the same port before either listened.
        raise _cannot_listen(address, error) from None


def _cannot_listen(address: Address, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"DCR_SERVER_LISTEN={address}: {error.strerror or error}")


class _HttpServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: they are ours from before the first connection on."""
        yield


def _leave_on_signals(http_server: uvicorn.Server, departure: Departure, notice: float) -> None:
    """Have SIGTERM announce the departure first; SIGINT, or SIGTERM again, ends it at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        http_server.should_exit = True

    def leave() -> None:
        if departure.announced or not notice:
            stop()
            return
        departure.announced = True
        log.info("leaving", seconds=notice)
        loop.call_later(notice, stop)

    loop.add_signal_handler(signal.SIGINT, stop)
    loop.add_signal_handler(signal.SIGTERM, leave)
