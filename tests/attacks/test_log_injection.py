"""One event is one line of JSON, whatever a request holds; no line holds a credential."""

import base64
import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import pytest

from tests.attacks.listening import Listening, request
from tests.processes.dcr_server import DcrServer, DcrServerSettings, running_dcr_server
from tests.unit.server.registrant import MACHINE, Registered, bearer

FORGED = '{"event": "client_deleted", "level": "info", "forged": true}'
INJECTIONS = {
    "a line": f"x\n{FORGED}\n",
    "a line of Windows": f"x\r\n{FORGED}\r\n",
    "a carriage return": f"x\r{FORGED}\r",
    "the end of a string": 'x", "forged": true, "y": "',
    "NUL": f"x\0{FORGED}",
    "terminal escapes": "\x1b[2J\x1b[1;1H\x1b]0;owned\x07",
    "C1 controls": "\x9b2J\x85",
    "line separators": f"x\u2028{FORGED}\u2029{FORGED}",
    "backspaces": "x" + "\b" * 80 + FORGED,
    "right to left": "\u202egnol\u202c",
    "half a surrogate pair": "x\udc80y",
    "format strings": "%s%s%n {0.__class__} ${jndi:ldap://127.0.0.1/x}",
}


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass
class Logging:
    """A server as people run it, and what it wrote to standard error so far."""

    server: DcrServer
    http: httpx.Client
    listening: Listening
    form: str
    initial_access_token: str
    seen: int = 0

    def written(self) -> str:
        log = self.server.settings.directory / "dcr-server.log"
        return log.read_bytes().decode("utf-8", errors="strict")

    def unseen(self) -> list[str]:
        """Give the lines since this was last called."""
        lines = self.written().removesuffix("\n").split("\n")
        new, self.seen = lines[self.seen :], len(lines)
        return new

    def post(self, body: object, token: str | None = None, **headers: str) -> httpx.Response:
        return self.http.post(
            "/connect/register",
            content=json.dumps(body),
            headers={
                "Content-Type": "application/json",
                **bearer(token or self.initial_access_token),
                **headers,
            },
        )


@pytest.fixture(scope="module", params=["json", "text"])
def logging_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Logging]:
    folder = tmp_path_factory.mktemp("logging")
    settings = DcrServerSettings(
        folder, extra={"DCR_SERVER_LOG_FORMAT": request.param, "DCR_SERVER_LOG_LEVEL": "debug"}
    )
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running_dcr_server(settings))
        http = stack.enter_context(httpx.Client(base_url=server.issuer, trust_env=False))
        token = server.mint_initial_access_token()
        yield Logging(server, http, Listening(settings.port), request.param, token)


@pytest.fixture(params=[*INJECTIONS.values()], ids=[*INJECTIONS])
def injection(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_metadata_forges_no_line(logging_server: Logging, injection: str) -> None:
    for member in ("client_name", "scope", "token_endpoint_auth_method", "client_uri", "tos_uri"):
        logging_server.post({**MACHINE, member: injection})
    for member in ("redirect_uris", "grant_types", "contacts"):
        logging_server.post({**MACHINE, member: [injection]})
    logging_server.post({**MACHINE, injection: injection})
    logging_server.post({**MACHINE, f"client_name#{injection}": "x"})
    _check(logging_server)


async def test_paths_and_fields_forge_no_line(logging_server: Logging, injection: str) -> None:
    encoded = quote(injection, safe="", errors="surrogateescape")
    client = Registered(logging_server.post(MACHINE).json())
    for line in (f"GET /connect/register/{encoded}", f"GET /{encoded}", f"GET /jwks?{encoded}"):
        head = request(f"{line} HTTP/1.1", "Authorization: Bearer dcr_rat_x")
        await logging_server.listening.exchange(head)
    for field in ("scope=x&resource", "scope", "grant_type", "scope=x&client_id"):
        body = f"{field}={encoded}"
        if "grant_type" not in field:
            body += "&grant_type=client_credentials"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        logging_server.http.post("/token", content=body, headers=form, auth=client.basic)
    _check(logging_server)


async def test_headers_and_methods_forge_no_line(logging_server: Logging, injection: str) -> None:
    raw = injection.encode("utf-8", "surrogateescape").decode("latin-1")
    for header in ("X-Request-Id", "Idempotency-Key", "User-Agent", "Host", "X-Forwarded-For"):
        for path in ("/nope", "/connect/register/x"):
            head = request(f"GET {path} HTTP/1.1", f"{header}: {raw}")
            await logging_server.listening.exchange(head)
    await logging_server.listening.exchange(request(f"{raw} / HTTP/1.1"))
    await logging_server.listening.exchange(request(f"GET /{raw} HTTP/1.1"))
    _check(logging_server)


async def test_no_line_holds_a_credential(logging_server: Logging) -> None:
    key = "dcr_key_0123456789"
    client = Registered(logging_server.post(MACHINE, **{"Idempotency-Key": key}).json())
    answer = logging_server.http.post(
        "/token", data={"grant_type": "client_credentials"}, auth=client.basic
    )
    access_token = answer.json()["access_token"]
    credentials = [
        logging_server.initial_access_token,
        client.token,
        client["client_secret"],
        access_token,
        key,
    ]
    for credential in credentials:
        await _use_everywhere(logging_server, client, credential)
    logging_server.http.delete(client.uri, headers=bearer(client.token))
    _check(logging_server)
    written = logging_server.written()
    for credential in credentials:
        assert credential not in written
        assert base64.b64encode(credential.encode()).decode() not in written


async def _use_everywhere(to: Logging, client: Registered, credential: str) -> None:
    for value in (credential, f"Bearer {credential}", f"Basic {credential}"):
        head = request("GET /connect/register/x HTTP/1.1", f"Authorization: {value}")
        await to.listening.exchange(head)
    await to.listening.exchange(request(f"GET /jwks?access_token={credential} HTTP/1.1"))
    to.post(MACHINE, token=f"{credential}x")
    to.post({**MACHINE, "client_secret": credential, "registration_access_token": credential})
    update = {**MACHINE, "client_id": client["client_id"], "client_secret": f"{credential}x"}
    to.http.put(client.uri, json=update, headers=bearer(client.token))
    form = {"grant_type": "client_credentials", "client_secret": credential}
    to.http.post("/token", data=form, auth=client.basic)
    to.http.post("/token", data={"grant_type": "client_credentials"}, auth=(credential, credential))
    to.http.post("/token", data={**form, "client_id": client["client_id"]})


def _check(server: Logging) -> None:
    lines = server.unseen()
    assert lines
    for line in lines:
        # Nothing that a terminal, an editor or a log shipper takes for a line or a command.
        assert line.isprintable()
        if server.form == "text":
            assert TIME.match(line), line
            continue
        entry = json.loads(line)
        assert {"event", "level", "timestamp"} <= entry.keys()
        assert "forged" not in entry
        assert entry["event"] not in {"internal_error", "x"}
        assert entry["event"] != "client_deleted" or "client_id" in entry
