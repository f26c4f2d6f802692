"""How a server leaves: told by SIGTERM, said by readiness, without an answer lost."""

import asyncio
import base64
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.processes.child_process import ChildProcess, start
from tests.unit.server.registrant import MACHINE, Registrant, bearer

_PROGRAM = str(Path(sys.executable).with_name("dcr-server"))
_TOKEN = "f" * 64
_POLICY = """policies:
  machines:
    grant_types: [client_credentials]
    token_endpoint_auth_methods: [client_secret_basic]
    scopes: ["*"]
"""


@dataclass
class Running:
    """A server without --dev, as it runs in a cluster."""

    process: ChildProcess
    url: str

    def terminate(self) -> None:
        """Send SIGTERM to every process, as a service manager does."""
        workers = re.findall(r'"pid":(\d+),"event":"worker_ready"', self.process.log_text())
        for pid in (*map(int, workers), self.process.pid):
            os.kill(pid, signal.SIGTERM)


@pytest.fixture
def production(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    (tmp_path / "config.yaml").write_text(_POLICY)
    (tmp_path / "token").write_text(_TOKEN)
    environment = {
        "DCR_SERVER_CONFIG": str(tmp_path / "config.yaml"),
        "DCR_SERVER_LISTEN": "127.0.0.1:0",
        "DCR_SERVER_ADMIN_LISTEN": "127.0.0.1:0",
        "DCR_SERVER_WORKERS": getattr(request, "param", "1"),
        "DCR_SERVER_ISSUER": "http://127.0.0.1:1",
        "DCR_SERVER_DATABASE": f"sqlite:///{tmp_path}/test.db",
        "DCR_SERVER_ENCRYPTION_KEY": base64.b64encode(bytes(32)).decode(),
    }
    minting = [_PROGRAM, "token", "create", "--policy", "machines"]
    token_file = f"--token-file={tmp_path}/token"
    made = start("mint", [*minting, token_file], log=tmp_path / "mint.log", environment=environment)
    assert made.popen.wait(15) == 0
    process = start(
        "dcr-server", [_PROGRAM, "serve"], log=tmp_path / "log", environment=environment
    )
    url = process.wait_until_listening()
    process.wait_until_ready(f"{url}/readyz")
    yield Running(process, url)
    process.stop()


@dataclass
class Traffic:
    """What a Service sends: nothing any more once readiness has failed."""

    answered: Counter[int] = field(default_factory=Counter)
    lost: list[Exception] = field(default_factory=list)
    closed: int = 0
    redirected: bool = False

    def note(self, response: httpx.Response) -> None:
        self.answered[response.status_code] += 1
        self.closed += response.headers.get("connection") == "close"

    @property
    def total(self) -> int:
        return self.answered.total()


_CLIENTS = 16
_REQUESTS_BEFORE_THE_SIGNAL = 150
_MOST_REQUESTS = 20_000


@pytest.mark.timeout(90)
@pytest.mark.parametrize("production", ["1", "2"], indirect=True, ids=["alone", "two workers"])
def test_nothing_that_was_sent_before_readiness_failed_is_lost(production: Running) -> None:
    traffic = Traffic()
    asyncio.run(_send_until_redirected(production, traffic))
    assert traffic.lost == []
    # Registered, read, given a token; not one 503 or 500 among them.
    assert traffic.answered.keys() == {200, 201}
    assert traffic.total >= _REQUESTS_BEFORE_THE_SIGNAL
    # Some were answered while it was leaving, each on a connection that then ended.
    assert 0 < traffic.closed < traffic.total
    assert production.process.popen.wait(30) == 0


async def _send_until_redirected(server: Running, traffic: Traffic) -> None:
    told = False

    async def use() -> None:
        nonlocal told
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            while not traffic.redirected and traffic.total < _MOST_REQUESTS:
                try:
                    await _live(server.url, http, traffic)
                except httpx.TransportError as error:
                    traffic.lost.append(error)
                    return
                if traffic.total >= _REQUESTS_BEFORE_THE_SIGNAL and not told:
                    told = True
                    server.terminate()

    async def follow_readiness() -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            while (await http.get(f"{server.url}/readyz")).status_code == 200:
                pass
        traffic.redirected = True

    await asyncio.gather(follow_readiness(), *(use() for _ in range(_CLIENTS)))


async def _live(url: str, http: httpx.AsyncClient, traffic: Traffic) -> None:
    """Register, read, get a token, on connections that are kept while the server keeps them."""
    registered = await http.post(
        f"{url}/connect/register", json=dict(MACHINE), headers=bearer(_TOKEN)
    )
    traffic.note(registered)
    client = registered.json()
    if traffic.redirected:
        return
    path = f"{url}/connect/register/{client['client_id']}"
    traffic.note(await http.get(path, headers=bearer(client["registration_access_token"])))
    if traffic.redirected:
        return
    form = {"grant_type": "client_credentials"}
    basic = (client["client_id"], client["client_secret"])
    traffic.note(await http.post(f"{url}/token", data=form, auth=basic))


@pytest.mark.timeout(30)
def test_a_signal_right_after_listening_is_not_lost(tmp_path: Path) -> None:
    for attempt in range(3):
        process = start(
            "dcr-server",
            [_PROGRAM, "serve", "--dev"],
            log=tmp_path / f"log {attempt}",
            environment={
                "DCR_SERVER_LISTEN": "127.0.0.1:0",
                "DCR_SERVER_ADMIN_LISTEN": "127.0.0.1:0",
                "DCR_SERVER_DATABASE": f"sqlite:///{tmp_path}/test.db",
            },
        )
        process.wait_until_listening()
        os.kill(process.pid, signal.SIGTERM)
        assert process.popen.wait(10) == 0


def test_a_second_signal_ends_it_at_once(production: Running) -> None:
    os.kill(production.process.pid, signal.SIGTERM)
    with httpx.Client(trust_env=False) as http:
        while http.get(f"{production.url}/readyz").status_code == 200:
            pass
    os.kill(production.process.pid, signal.SIGTERM)
    assert production.process.popen.wait(2) == 0


async def test_while_it_leaves_every_answer_closes_its_connection(registrant: Registrant) -> None:
    assert (await registrant.http.get("/readyz")).status_code == 200
    registrant.server.departure.announced = True
    ready = await registrant.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "leaving"})
    created = await registrant.post()
    assert created.status_code == 201
    assert [ready.headers["connection"], created.headers["connection"]] == ["close", "close"]
