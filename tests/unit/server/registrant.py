"""Somebody who registers clients at the real application, as tests need them."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from dcr_protocol.json_document import JsonValue
from dcr_server.app import create_app
from dcr_server.fetching import Fetcher
from dcr_server.policies import Policy
from dcr_server.routing import Application
from dcr_server.server import Server
from dcr_server.signing_keys import SigningAlgorithm
from dcr_server.storage.opening import PATIENCE
from tests.fakes.dcr_server_app import ISSUER, Mint, minting_for, running_server

MACHINE: Mapping[str, JsonValue] = {"grant_types": ["client_credentials"], "scope": "a b"}
EVERYTHING = Policy(
    grant_types=("authorization_code", "refresh_token", "client_credentials", "implicit"),
    response_types=("code", "id_token", "token id_token"),
    token_endpoint_auth_methods=(
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "none",
    ),
    redirect_uris=("*",),
    scopes=("*",),
)


@dataclass
class ManualClock:
    seconds: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass(frozen=True)
class Registered:
    """What a response showed, by the words of the RFCs."""

    document: dict[str, JsonValue]

    def __getitem__(self, member: str) -> str:
        return str(self.document[member])

    @property
    def uri(self) -> str:
        return self["registration_client_uri"]

    @property
    def token(self) -> str:
        return self["registration_access_token"]

    @property
    def basic(self) -> tuple[str, str]:
        return self["client_id"], self["client_secret"]


@dataclass(frozen=True)
class Registrant:
    server: Server
    app: Application
    http: httpx.AsyncClient
    clock: ManualClock
    mint: Mint
    initial_access_token: str

    async def post(
        self,
        body: Mapping[str, JsonValue] | bytes = MACHINE,
        *,
        token: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post(
            "/connect/register",
            content=content,
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {token or self.initial_access_token}",
                **_header_names(headers),
            },
        )

    async def register(self, body: Mapping[str, JsonValue] = MACHINE, **headers: str) -> Registered:
        response = await self.post(body, **headers)
        assert response.status_code == 201, response.text
        return Registered(response.json())

    async def read(self, uri: str, token: str) -> httpx.Response:
        return await self.http.get(uri, headers=bearer(token))

    async def put(
        self,
        client: Registered,
        body: Mapping[str, JsonValue] = MACHINE,
        *,
        token: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        return await self.http.put(
            client.uri,
            json={"client_id": client["client_id"], **body},
            headers={**bearer(token or client.token), **_header_names(headers)},
        )

    async def delete(self, uri: str, token: str) -> httpx.Response:
        return await self.http.delete(uri, headers=bearer(token))

    async def get_token(self, basic: tuple[str, str], **form: str) -> httpx.Response:
        return await self.http.post(
            "/token", data={"grant_type": "client_credentials", **form}, auth=basic
        )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _header_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@contextlib.asynccontextmanager
async def registrant_at(
    folder: Path,
    *,
    policies: Mapping[str, Policy] | None = None,
    issuer: str = ISSUER,
    fetcher: Fetcher | None = None,
    signing_algorithm: SigningAlgorithm = "ES256",
    statement_issuers: Mapping[str, Mapping[str, object]] | None = None,
    busy_timeout: float = PATIENCE,
    database: str | None = None,
) -> AsyncIterator[Registrant]:
    clock = ManualClock()
    policies = {"default": EVERYTHING} if policies is None else policies
    async with running_server(
        folder,
        policies=policies,
        issuer=issuer,
        clock=clock,
        busy_timeout=busy_timeout,
        fetcher=fetcher,
        signing_algorithm=signing_algorithm,
        statement_issuers=statement_issuers,
        database=database,
    ) as server:
        app = create_app(server)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=issuer) as http:
            mint = minting_for(server)
            token = (await mint(next(iter(policies), "none"))).get_secret_value()
            yield Registrant(server, app, http, clock, mint, token)
