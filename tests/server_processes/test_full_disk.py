"""A disk that is full under SQLite: 503 for what is written, and it heals without a restart."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.processes.dcr_server import DcrServer, DcrServerSettings, running_dcr_server

MACHINE = {"grant_types": ["client_credentials"]}
MOST_REGISTRATIONS = 2000
HEALED_AFTER = 20.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DcrServer]:
    extra = {"DCR_SERVER_LOG_LEVEL": "error"}
    with running_dcr_server(DcrServerSettings(tmp_path, extra=extra)) as server:
        yield server


@contextmanager
def no_file_can_grow(server: DcrServer) -> Iterator[None]:
    """Refuse the process what a full disk refuses: more bytes than there are."""
    sizes = [file.stat().st_size for file in server.settings.directory.iterdir()]
    before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (max(sizes), before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)


def test_what_is_refused_is_not_lost_and_what_was_kept_is_served(server: DcrServer) -> None:
    token = server.mint_initial_access_token()
    with httpx.Client(base_url=server.issuer, trust_env=False, timeout=30.0) as http:
        answers = [register(http, token)]
        with no_file_can_grow(server):
            # What readiness writes is smaller than a registration, so it may still fit.
            while http.get("/readyz").status_code == httpx.codes.OK:
                answers.append(register(http, token))
                assert len(answers) < MOST_REGISTRATIONS, "the disk is never full"
            refused = answers[-1]
            assert refused.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert refused.headers["retry-after"] == "5"
            assert http.get("/healthz").status_code == httpx.codes.OK
            assert read(http, answers[0]) == httpx.codes.OK
        _wait_until_ready(http)
        answers.append(register(http, token))
        kept = [answer for answer in answers if answer.status_code == httpx.codes.CREATED]
        assert kept[-1] is answers[-1]
        assert {read(http, answer) for answer in kept} == {httpx.codes.OK}


def register(http: httpx.Client, token: str) -> httpx.Response:
    return http.post("/connect/register", json=MACHINE, headers=bearer(token))


def read(http: httpx.Client, answer: httpx.Response) -> int:
    shown = answer.json()
    return http.get(
        shown["registration_client_uri"], headers=bearer(shown["registration_access_token"])
    ).status_code


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _wait_until_ready(http: httpx.Client) -> None:
    deadline = time.monotonic() + HEALED_AFTER
    while http.get("/readyz").status_code != httpx.codes.OK:
        assert time.monotonic() < deadline, "does not heal"
