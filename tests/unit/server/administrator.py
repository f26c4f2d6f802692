"""Somebody who runs the server, at the real admin application of a registrant's server."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from dcr_server.admin.app import Metrics, create_admin_app
from dcr_server.server_metrics import ServerMetrics
from tests.unit.server.registrant import Registrant, bearer, registrant_at

TOKEN = "admin-token-" + "x" * 32


@dataclass(frozen=True)
class Administrator:
    registrant: Registrant
    http: httpx.AsyncClient

    async def get(self, path: str, **parameters: str | int) -> httpx.Response:
        return await self.http.get(f"/admin/{path}", params=parameters, headers=bearer(TOKEN))

    async def delete(self, path: str) -> httpx.Response:
        return await self.http.delete(f"/admin/{path}", headers=bearer(TOKEN))

    async def post(self, path: str, body: object) -> httpx.Response:
        return await self.http.post(f"/admin/{path}", json=body, headers=bearer(TOKEN))


@contextlib.asynccontextmanager
async def administrator_at(
    folder: Path, *, token: str | None = TOKEN, database: str | None = None
) -> AsyncIterator[Administrator]:
    async with registrant_at(folder, database=database) as registrant:
        registry = CollectorRegistry()
        app = create_admin_app(
            registrant.server,
            SecretStr(token) if token else None,
            Metrics(ServerMetrics(registry), [registry, registrant.server.metrics.registry]),
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://admin.test") as http:
            yield Administrator(registrant, http)
