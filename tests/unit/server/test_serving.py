"""`dcr-server serve` as a real process: where it listens, how it ends, what survives."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from dcr_server.cli import main
from tests.processes.certificates import make_server_certificate
from tests.processes.child_process import ChildProcess, start
from tests.processes.dcr_server import DcrServerSettings, running_dcr_server, start_dcr_server
from tests.unit.server.registrant import MACHINE, bearer

_PROGRAM = str(Path(sys.executable).with_name("dcr-server"))


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[tuple[ChildProcess, str]]:
    process = start(
        "dcr-server",
        [_PROGRAM, "serve", "--dev"],
        log=tmp_path / "log",
        environment={
            "DCR_SERVER_LISTEN": "127.0.0.1:0",
            "DCR_SERVER_ADMIN_LISTEN": "127.0.0.1:0",
            "DCR_SERVER_DATABASE": f"sqlite:///{tmp_path}/test.db",
        },
    )
    url = process.wait_until_listening()
    process.wait_until_ready(f"{url}/readyz")
    yield process, url
    process.stop()


def test_port_0_is_picked_and_is_the_issuer(dev: tuple[ChildProcess, str]) -> None:
    _, url = dev
    document = httpx.get(f"{url}/.well-known/openid-configuration").json()
    assert document["issuer"] == url
    assert not url.endswith(":0")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(
    dev: tuple[ChildProcess, str], number: signal.Signals
) -> None:
    process, _ = dev
    os.kill(process.pid, number)
    assert process.popen.wait(15) == 0
    assert json.loads(process.log_text().splitlines()[-1])["event"] == "stopped"


def test_every_log_line_is_json_without_credentials(tmp_path: Path) -> None:
    with running_dcr_server(DcrServerSettings(tmp_path)) as server:
        token = server.mint_initial_access_token()
        client = _register(server.issuer, token)
        httpx.post(f"{server.issuer}/connect/register", headers=bearer("dcr_iat_guessed"))
        httpx.post(
            f"{server.issuer}/token",
            data={"grant_type": "client_credentials"},
            auth=(client["client_id"], client["client_secret"]),
        )
        log = server.process.log_text()
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events == ["admin_listening", "listening", "client_registered", "refused"]
    shown = (token, client["client_secret"], client["registration_access_token"], "guessed")
    assert not [secret for secret in shown if secret in log]


def test_a_large_body_is_answered_and_the_connection_goes_on(
    dev: tuple[ChildProcess, str],
) -> None:
    _, url = dev
    token = _mint(dev[0].log.parent)
    with httpx.Client() as http:
        for _ in range(3):
            response = http.post(
                f"{url}/connect/register",
                content=b"x" * 1_000_000,
                headers={**bearer(token), "Content-Type": "application/json"},
            )
            assert response.status_code == 400
        assert http.get(f"{url}/healthz").status_code == 200


def test_it_serves_tls(tmp_path: Path) -> None:
    certificate = make_server_certificate(tmp_path / "tls", "127.0.0.1")
    settings = DcrServerSettings(tmp_path, certificate=certificate)
    with running_dcr_server(settings) as server:
        assert server.issuer.startswith("https://")
        assert server.process.wait_until_listening() == server.issuer


def test_what_was_answered_201_survives_kill_9(tmp_path: Path) -> None:
    settings = DcrServerSettings(tmp_path)
    server = start_dcr_server(settings)
    token = server.mint_initial_access_token()
    answered = asyncio.run(_register_until_killed(server.issuer, token, server.kill_9))
    assert len(answered) >= 50
    with running_dcr_server(settings) as again, httpx.Client() as http:
        for client in answered:
            read = http.get(
                client["registration_client_uri"],
                headers=bearer(client["registration_access_token"]),
            )
            assert read.status_code == 200, client["client_id"]
        # The database is whole: it takes new ones.
        _register(again.issuer, token)


async def _register_until_killed(
    issuer: str, token: str, kill: Callable[[], None]
) -> list[dict[str, str]]:
    answered: list[dict[str, str]] = []

    async def write(http: httpx.AsyncClient) -> None:
        while True:
            response = await http.post(
                f"{issuer}/connect/register", json=dict(MACHINE), headers=bearer(token)
            )
            answered.append(response.json())
            if len(answered) == 50:
                kill()

    async with httpx.AsyncClient() as http:
        writers = [write(http) for _ in range(8)]
        results = await asyncio.gather(*writers, return_exceptions=True)
    assert all(isinstance(result, httpx.TransportError) for result in results)
    return answered


def _register(issuer: str, token: str) -> dict[str, str]:
    response = httpx.post(f"{issuer}/connect/register", json=dict(MACHINE), headers=bearer(token))
    assert response.status_code == 201, response.text
    return dict(response.json())


def _mint(directory: Path) -> str:
    database = f"sqlite:///{directory}/test.db"
    result = CliRunner().invoke(
        main, ["token", "create", "--policy", "default", "--database", database]
    )
    return result.stdout.strip()
