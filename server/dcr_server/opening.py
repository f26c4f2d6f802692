"""From settings to what endpoints work with: storage, signer, metrics."""

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry

from dcr_server.configuration import ConfigurationError, required
from dcr_server.encryption import Sealer, WrongEncryptionKey
from dcr_server.encryption_settings import sealer_of, wrong_encryption_key
from dcr_server.fetching import Fetcher, fetch_tls
from dcr_server.metrics import RequestMetrics
from dcr_server.remote_keys import KeysUnavailable, RemoteKeys
from dcr_server.request_ids import RequestIds
from dcr_server.server import ADMIN_HOST, Departure, Server, Urls
from dcr_server.settings import Settings, is_loopback_host
from dcr_server.signing_keys import SigningKeys, open_signing_keys
from dcr_server.software_statements import SoftwareStatements
from dcr_server.storage.opening import open_database
from dcr_server.storage.protocol import Storage
from dcr_server.tokens import system_clock, system_entropy

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def open_storage(settings: Settings, *, migrate: bool = True) -> AsyncIterator[Storage]:
    """Without migrating, a database of another version is refused.

    Raises UnusableStorage or StorageUnavailable.
    """
    required(settings, ["database"])
    storage = await open_database(settings.database or "", migrate=migrate)
    try:
        yield storage
    finally:
        await storage.close()


@dataclass(frozen=True, slots=True)
class Outside:
    """What the server has of others: documents by URL, their keys, what they vouch for."""

    fetcher: Fetcher
    remote_keys: RemoteKeys
    statements: SoftwareStatements


def make_outside(settings: Settings) -> Outside:
    """Raises ConfigurationError for files without authorities or keys."""
    try:
        tls = fetch_tls(settings.fetch_ca_file)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"DCR_SERVER_FETCH_CA_FILE={settings.fetch_ca_file}: {error}"
        ) from None
    # A place of its own for each purpose: strangers who keep one busy hold up nobody else.
    for_sectors, for_clients, for_issuers = (
        Fetcher(tls, allowed_hosts=settings.fetch_allowed_hosts) for _ in range(3)
    )
    issuers_keys = RemoteKeys(for_issuers.fetch_json, time.monotonic)
    urls = Urls.of(settings.issuer or "")
    audiences = (urls.issuer, urls.registration_endpoint)
    try:
        statements = SoftwareStatements(
            settings.statement_issuers, issuers_keys, audiences=audiences
        )
    except KeysUnavailable as error:
        raise ConfigurationError(f"statement_issuers: jwks_file: {error}") from None
    return Outside(for_sectors, RemoteKeys(for_clients.fetch_json, time.monotonic), statements)


@contextlib.asynccontextmanager
async def open_server(settings: Settings, registry: CollectorRegistry) -> AsyncIterator[Server]:
    """Raises ConfigurationError, UnusableStorage or StorageUnavailable."""
    sealer = sealer_of(settings)
    outside = make_outside(settings)
    async with open_storage(settings) as storage:
        signing_keys = await _signing_keys(settings, storage, sealer)
        urls = Urls.of(settings.issuer or "")
        async with signing_keys.followed():
            yield Server(
                urls=urls,
                policies=settings.policies,
                storage=storage,
                signing_keys=signing_keys,
                fetcher=outside.fetcher,
                remote_keys=outside.remote_keys,
                statements=outside.statements,
                entropy=system_entropy,
                clock=system_clock,
                departure=Departure(),
                cors_allowed_origins=settings.cors_allowed_origins,
                request_ids=RequestIds(system_entropy),
                metrics=RequestMetrics(registry, settings.policies, urls.path),
                open_registration=settings.open_registration,
                trusted_proxies=settings.trusted_proxies,
                failed_authentication_rate=settings.failed_authentication_rate,
                audit_retention=settings.audit_retention,
                admin_url=admin_url(settings),
            )


def admin_url(settings: Settings) -> str | None:
    """Say where the admin listener is, as far as everybody may know who asks for a description."""
    address = settings.admin_listen
    if address is None:
        return None
    if is_loopback_host(address.host):
        return f"http://{address}"
    scheme = "https" if settings.serves_tls else "http"
    return f"{scheme}://{ADMIN_HOST}:{address.port}"


async def _signing_keys(settings: Settings, storage: Storage, sealer: Sealer) -> SigningKeys:
    now = int(system_clock())
    try:
        keys = await open_signing_keys(
            storage.signing_keys, sealer, algorithm=settings.signing_algorithm, now=now
        )
    except WrongEncryptionKey:
        raise wrong_encryption_key() from None
    if keys.newest.algorithm != settings.signing_algorithm:
        log.warning(
            "signing_algorithm_not_in_use",
            setting=settings.signing_algorithm,
            in_use=keys.newest.algorithm,
            detail="dcr-server keys rotate makes a key for it",
        )
    return keys
