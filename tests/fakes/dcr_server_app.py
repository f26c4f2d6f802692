"""The real server for tests, without sockets: the real application on a real database.

async with running_app(tmp_path) as (app, mint_initial_access_token):
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER)
    token = await mint_initial_access_token(max_uses=1)
"""

import contextlib
import functools
import os
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from dcr_server.app import create_app
from dcr_server.encryption import Sealer
from dcr_server.fetching import Fetcher
from dcr_server.metrics import RequestMetrics
from dcr_server.minting import TokenRequest, mint_initial_access_token
from dcr_server.policies import DEVELOPMENT_POLICY, Policy, development_policies
from dcr_server.records import Owner
from dcr_server.remote_keys import RemoteKeys
from dcr_server.request_ids import RequestIds
from dcr_server.routing import Application
from dcr_server.server import Departure, Server, Urls
from dcr_server.signing_keys import SigningAlgorithm, open_signing_keys
from dcr_server.software_statements import SoftwareStatements
from dcr_server.statement_issuers import StatementIssuer
from dcr_server.storage.opening import PATIENCE, open_database
from dcr_server.storage.protocol import Storage
from dcr_server.tokens import Clock, Entropy, system_entropy

ISSUER = "https://auth.test"
ENCRYPTION_KEY = bytes(32)


class Mint(Protocol):
    async def __call__(
        self,
        policy: str = DEVELOPMENT_POLICY,
        *,
        subject: str = "",
        max_uses: int | None = None,
        lifetime: int | None = None,
    ) -> SecretStr: ...


@functools.cache
def _no_authorities() -> ssl.SSLContext:
    """Those of the system take a while to read; a test that fetches brings its own."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _statements(
    given: Mapping[str, Mapping[str, object]], remote_keys: RemoteKeys, urls: Urls
) -> SoftwareStatements:
    issuers = {name: StatementIssuer.model_validate(issuer) for name, issuer in given.items()}
    audiences = (urls.issuer, urls.registration_endpoint)
    return SoftwareStatements(issuers, remote_keys, audiences=audiences)


async def _nowhere(_host: str, _port: int) -> Sequence[str]:
    return ()


@contextlib.asynccontextmanager
async def running_server(
    folder: Path,
    *,
    issuer: str = ISSUER,
    policies: Mapping[str, Policy] | None = None,
    clock: Clock = time.time,
    entropy: Entropy = system_entropy,
    busy_timeout: float = PATIENCE,
    cors_allowed_origins: tuple[str, ...] = (),
    fetcher: Fetcher | None = None,
    statement_issuers: Mapping[str, Mapping[str, object]] | None = None,
    signing_algorithm: SigningAlgorithm = "ES256",
    database: str | None = None,
) -> AsyncIterator[Server]:
    """What the endpoints work with; the database stays in the folder, or where the URL says."""
    url = database or f"sqlite:///{folder / 'dcr-server.db'}"
    async with _opened(url, busy_timeout) as storage:
        sealer = Sealer(ENCRYPTION_KEY, entropy)
        urls = Urls.of(issuer)
        fetcher = fetcher or Fetcher(_no_authorities(), resolve=_nowhere)
        remote_keys = RemoteKeys(fetcher.fetch_json, time.monotonic)
        policies = development_policies() if policies is None else policies
        signing_keys = await open_signing_keys(
            storage.signing_keys, sealer, algorithm=signing_algorithm, now=int(clock())
        )
        yield Server(
            urls=urls,
            policies=policies,
            storage=storage,
            signing_keys=signing_keys,
            entropy=entropy,
            clock=clock,
            departure=Departure(),
            cors_allowed_origins=cors_allowed_origins,
            request_ids=RequestIds(os.urandom),
            metrics=RequestMetrics(CollectorRegistry(), policies, urls.path),
            fetcher=fetcher,
            remote_keys=remote_keys,
            statements=_statements(statement_issuers or {}, remote_keys, urls),
        )


@contextlib.asynccontextmanager
async def _opened(url: str, patience: float) -> AsyncIterator[Storage]:
    storage = await open_database(url, patience=patience)
    try:
        yield storage
    finally:
        await storage.close()


@contextlib.asynccontextmanager
async def running_app(
    folder: Path,
    *,
    issuer: str = ISSUER,
    policies: Mapping[str, Policy] | None = None,
    clock: Clock = time.time,
) -> AsyncIterator[tuple[Application, Mint]]:
    async with running_server(folder, issuer=issuer, policies=policies, clock=clock) as server:
        yield create_app(server), minting_for(server)


def minting_for(server: Server) -> Mint:
    async def mint(
        policy: str = DEVELOPMENT_POLICY,
        *,
        subject: str = "",
        max_uses: int | None = None,
        lifetime: int | None = None,
    ) -> SecretStr:
        return await mint_initial_access_token(
            TokenRequest(owner=Owner(policy, subject), max_uses=max_uses, lifetime=lifetime),
            server.storage.initial_access_tokens,
            server.entropy,
            now=server.now(),
        )

    return mint
