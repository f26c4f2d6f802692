"""From settings to what endpoints work with: storage, signer, metrics."""

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from dcr_server.access_tokens import open_signer
from dcr_server.configuration import ConfigurationError, encryption_key, required
from dcr_server.encryption import Sealer, WrongEncryptionKey
from dcr_server.fetching import Fetcher, fetch_tls
from dcr_server.metrics import RequestMetrics
from dcr_server.remote_keys import KeysUnavailable, RemoteKeys
from dcr_server.request_ids import RequestIds
from dcr_server.server import Departure, Server, Urls
from dcr_server.settings import Settings
from dcr_server.software_statements import SoftwareStatements
from dcr_server.storage.opening import open_database
from dcr_server.storage.protocol import Storage
from dcr_server.tokens import system_clock, system_entropy


@contextlib.asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[Storage]:
    """Raises UnusableStorage or StorageUnavailable."""
    required(settings, ["database"])
    storage = await open_database(settings.database or "")
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
    fetcher = Fetcher(tls, allowed_hosts=settings.fetch_allowed_hosts)
    remote_keys = RemoteKeys(fetcher.fetch_json, time.monotonic)
    urls = Urls.of(settings.issuer or "")
    audiences = (urls.issuer, urls.registration_endpoint)
    try:
        statements = SoftwareStatements(
            settings.statement_issuers, remote_keys, audiences=audiences
        )
    except KeysUnavailable as error:
        raise ConfigurationError(f"statement_issuers: jwks_file: {error}") from None
    return Outside(fetcher, remote_keys, statements)


@contextlib.asynccontextmanager
async def open_server(settings: Settings, registry: CollectorRegistry) -> AsyncIterator[Server]:
    """Raises ConfigurationError, UnusableStorage or StorageUnavailable."""
    sealer = Sealer(encryption_key(settings), system_entropy)
    outside = make_outside(settings)
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
            metrics=RequestMetrics(registry, settings.policies, urls.path),
            fetcher=outside.fetcher,
            remote_keys=outside.remote_keys,
            statements=outside.statements,
            open_registration=settings.open_registration,
            trusted_proxies=settings.trusted_proxies,
            failed_authentication_rate=settings.failed_authentication_rate,
        )
