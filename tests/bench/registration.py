"""Registrations per second: our server, durable, beside oidc-provider in memory, in turns."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import httpx

from tests.bench.load import Load, Round, run_round, wrk_program
from tests.bench.report import FOLDER, markdown, median, write_json
from tests.processes.dcr_server import DcrServerSettings, running_dcr_server
from tests.processes.oidc_provider import running_oidc_provider

CONNECTIONS = 16
ROUNDS = 5
ROUND_SECONDS = 6
WARM_UP_SECONDS = 3
_TOKEN = "bench"
# An ordinary web client; the same for both.
_BODY = json.dumps(
    {
        "client_name": "bench",
        "redirect_uris": ["https://dashboard.example.com/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
    }
)


def run() -> str:
    wrk_program()
    rounds: dict[str, list[Round]] = {}
    with _servers() as loads:
        for load in loads.values():
            run_round(load, connections=CONNECTIONS, seconds=WARM_UP_SECONDS)
        for _ in range(ROUNDS):
            for title, load in loads.items():
                measured = run_round(load, connections=CONNECTIONS, seconds=ROUND_SECONDS)
                rounds.setdefault(title, []).append(measured)
    write_json(
        "registration",
        {
            "connections": CONNECTIONS,
            "seconds_per_round": ROUND_SECONDS,
            "rounds": {title: [asdict(one) for one in seen] for title, seen in rounds.items()},
        },
    )
    return _table(rounds)


@contextmanager
def _servers() -> Iterator[Mapping[str, Load]]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Beside the sources, not in /tmp, which may be memory: durable means a disk.
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="registration-") as scratch:
        directory = Path(scratch).absolute()
        with (
            running_dcr_server(DcrServerSettings(directory)) as ours,
            running_oidc_provider(directory, initial_access_token=_TOKEN) as peer,
        ):
            token = ours.mint_initial_access_token()
            yield {
                "dcr-server (SQLite, durable)": _load(ours.issuer, token),
                "oidc-provider (memory, Node 22)": _load(peer.issuer, _TOKEN),
            }


def _load(issuer: str, token: str) -> Load:
    discovered = httpx.get(f"{issuer}/.well-known/openid-configuration", trust_env=False).json()
    load = Load(discovered["registration_endpoint"], _BODY, token)
    answer = httpx.post(
        load.url,
        content=_BODY,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        trust_env=False,
    )
    answer.raise_for_status()
    return load


def _table(rounds: Mapping[str, list[Round]]) -> str:
    rows = [
        (
            title,
            f"{median([one.per_second for one in seen]):,.0f}",
            f"{median([one.p50_ms for one in seen]):.1f}",
            f"{median([one.p99_ms for one in seen]):.1f}",
            sum(one.failed for one in seen),
        )
        for title, seen in rounds.items()
    ]
    header = ("registration, 16 connections", "per second", "p50 ms", "p99 ms", "failed")
    return markdown(header, rows)
