"""Load by wrk: it costs little CPU itself, so that a small machine measures the server."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = Path(__file__).with_name("register.lua")
_MARGIN_SECONDS = 30


class MissingLoadGeneratorError(Exception):
    """Raised with the line that says how to install it."""


@dataclass(frozen=True, slots=True)
class Load:
    url: str
    body: str
    initial_access_token: str


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of load measured."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int


def wrk_program() -> str:
    program = shutil.which("wrk")
    if program is None:
        raise MissingLoadGeneratorError(
            "wrk is missing: install it by your package manager, for instance apt-get install wrk"
        )
    return program


def run_round(load: Load, *, connections: int, seconds: int) -> Round:
    """Send registrations for some seconds over connections that stay open."""
    threads = ("-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=10s")
    done = subprocess.run(
        [wrk_program(), *threads, "-s", str(_SCRIPT), load.url],
        env={"BODY": load.body, "TOKEN": load.initial_access_token},
        capture_output=True,
        text=True,
        timeout=seconds + _MARGIN_SECONDS,
        check=True,
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    return Round(
        per_second=seen["requests"] / (seen["duration_us"] / 1e6),
        p50_ms=seen["p50_us"] / 1e3,
        p99_ms=seen["p99_us"] / 1e3,
        failed=seen["failed"],
    )
