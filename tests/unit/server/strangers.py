"""Requests from chosen addresses to the real application, with open registration or without."""

import contextlib
import dataclasses
import ipaddress
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from dcr_protocol.json_document import JsonValue
from dcr_server.app import create_app
from dcr_server.policies import OpenRegistration, Policy
from dcr_server.rates import Rate
from dcr_server.server import Server
from tests.fakes.dcr_server_app import ISSUER, Mint, minting_for, running_server
from tests.unit.server.registrant import EVERYTHING, MACHINE, ManualClock

OPEN = OpenRegistration(policy="strangers", rate=Rate(3, 60))
POLICIES = {
    "strangers": Policy(
        grant_types=("client_credentials",),
        token_endpoint_auth_methods=("client_secret_basic",),
        scopes=("a",),
    ),
    "default": EVERYTHING,
}
ADDRESS = "203.0.113.5"
PROXY = "10.0.0.1"
PROXIES = (ipaddress.ip_network("10.0.0.0/8"),)


@dataclass(frozen=True)
class Door:
    """The application, seen from anywhere."""

    server: Server
    clock: ManualClock
    mint: Mint

    async def send(
        self,
        method: str,
        path: str,
        *,
        address: str = ADDRESS,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
    ) -> httpx.Response:
        transport = httpx.ASGITransport(create_app(self.server), client=(address, 47011))
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
            return await http.request(method, path, headers=headers, content=content)

    async def post(
        self,
        body: Mapping[str, JsonValue] = MACHINE,
        *,
        address: str = ADDRESS,
        path: str = "/connect/register",
        **headers: str,
    ) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.send(
            "POST",
            path,
            address=address,
            headers={"Content-Type": "application/json", **names},
            content=json.dumps(body).encode(),
        )


@contextlib.asynccontextmanager
async def door_at(
    folder: Path,
    *,
    opened: OpenRegistration | None = OPEN,
    policies: Mapping[str, Policy] = POLICIES,
    failed_authentication_rate: Rate | None = None,
) -> AsyncIterator[Door]:
    clock = ManualClock()
    async with running_server(folder, policies=policies, clock=clock) as server:
        opened_server = dataclasses.replace(
            server,
            open_registration=opened,
            trusted_proxies=PROXIES,
            failed_authentication_rate=failed_authentication_rate,
        )
        yield Door(opened_server, clock, minting_for(server))
