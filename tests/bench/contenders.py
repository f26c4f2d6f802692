"""The servers that are compared, and the requests that each is sent."""

import base64
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from dcr_protocol.json_document import JsonValue
from tests.bench.load import CONNECTIONS, Load
from tests.bench.report import FOLDER
from tests.processes.child_process import start
from tests.processes.dcr_server import DcrServer
from tests.processes.free_port import free_port
from tests.processes.oidc_provider import OidcProvider

OURS = "dcr-server (SQLite, durable)"
OIDC_PROVIDER = "oidc-provider (memory, Node 22)"
REFERENCE = "reference handler (SQLite, durable)"
PEER_TOKEN = "bench"
# More than connections, so that one is free whenever a request is due.
CLIENTS = 4 * CONNECTIONS

# An ordinary web client; the same for all.
WEB_CLIENT: Mapping[str, JsonValue] = {
    "client_name": "bench",
    "redirect_uris": ["https://dashboard.example.com/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "client_secret_basic",
}
MACHINE_CLIENT: Mapping[str, JsonValue] = {
    "client_name": "bench",
    "redirect_uris": [],
    "grant_types": ["client_credentials"],
    "response_types": [],
    "token_endpoint_auth_method": "client_secret_basic",
}


@dataclass(frozen=True, slots=True)
class Contender:
    """A server with registration, by its own discovery document."""

    registration_endpoint: str
    token_endpoint: str
    initial_access_token: str
    scratch: Path

    def registering(self) -> Load:
        environment = {"BODY": json.dumps(WEB_CLIENT), "TOKEN": self.initial_access_token}
        return Load("register", self.registration_endpoint, lambda: environment)

    def reading(self) -> Load:
        return Load("read", self.registration_endpoint, self._clients_that_manage)

    def updating(self) -> Load:
        return Load("update", self.registration_endpoint, self._clients_that_manage)

    def issuing_tokens(self) -> Load:
        return Load("token", self.token_endpoint, self._clients_with_secrets)

    def _clients_that_manage(self) -> Mapping[str, str]:
        lines = []
        for client in self._register(WEB_CLIENT):
            path = urlsplit(client["registration_client_uri"]).path
            authorization = f"Bearer {client['registration_access_token']}"
            body = json.dumps({"client_id": client["client_id"], **WEB_CLIENT})
            lines.append(f"{path}\t{authorization}\t{client['client_id']}\t{body}\n")
        return self._file(lines)

    def _clients_with_secrets(self) -> Mapping[str, str]:
        lines = []
        for client in self._register(MACHINE_CLIENT):
            pair = f"{client['client_id']}:{client['client_secret']}".encode("ascii")
            path = urlsplit(self.token_endpoint).path
            lines.append(f"{path}\tBasic {base64.b64encode(pair).decode('ascii')}\n")
        return self._file(lines)

    def _register(self, metadata: Mapping[str, JsonValue]) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.initial_access_token}"}
        with httpx.Client(trust_env=False, headers=headers, timeout=30) as http:
            answers = [http.post(self.registration_endpoint, json=metadata) for _ in range(CLIENTS)]
        return [answer.raise_for_status().json() for answer in answers]

    def _file(self, lines: list[str]) -> Mapping[str, str]:
        file = self.scratch / f"clients-{urlsplit(self.registration_endpoint).port}"
        file.write_text("".join(lines), encoding="ascii")
        return {"CLIENTS": str(file)}


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """Beside the sources, not in /tmp, which may be memory: durable means a disk."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=f"{name}-") as scratch:
        yield Path(scratch).absolute()


def ours(server: DcrServer, scratch: Path) -> Contender:
    return _discovered(server.issuer, server.mint_initial_access_token(), scratch)


def oidc_provider(provider: OidcProvider, scratch: Path) -> Contender:
    return _discovered(provider.issuer, PEER_TOKEN, scratch)


@contextmanager
def running_reference(scratch: Path) -> Iterator[Contender]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = start(
        "reference",
        [
            *(sys.executable, "-m", "tests.bench.reference_handler"),
            *(str(scratch / "reference.db"), str(port)),
        ],
        log=scratch / "reference.log",
    )
    try:
        process.wait_until_ready(url)
        yield Contender(f"{url}/connect/register", f"{url}/token", PEER_TOKEN, scratch)
    finally:
        if process.running:
            process.stop()


def _discovered(issuer: str, initial_access_token: str, scratch: Path) -> Contender:
    document = httpx.get(f"{issuer}/.well-known/openid-configuration", trust_env=False).json()
    return Contender(
        document["registration_endpoint"],
        document["token_endpoint"],
        initial_access_token,
        scratch,
    )
