"""Load by wrk: it costs little CPU itself, so that a small machine measures the server."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 16
_SCRIPTS = Path(__file__).with_name("wrk")
_MARGIN_SECONDS = 30


class MissingLoadGeneratorError(Exception):
    """Raised with the line that says how to install it."""


@dataclass(frozen=True, slots=True)
class Load:
    """Which requests are sent where. What the script reads is made anew before each round."""

    script: str
    url: str
    environment: Callable[[], Mapping[str, str]]


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


def run_round(load: Load, *, seconds: int, connections: int = CONNECTIONS) -> Round:
    """Send requests for some seconds over connections that stay open."""
    given = load.environment()
    threads = ("-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=10s")
    done = subprocess.run(
        [wrk_program(), *threads, "-s", str(_SCRIPTS / f"{load.script}.lua"), load.url],
        env={"SCRIPTS": str(_SCRIPTS), **given},
        capture_output=True,
        text=True,
        timeout=seconds + _MARGIN_SECONDS,
        check=True,
    )
    # A script that fails says so, and wrk goes on.
    if done.stderr.strip():
        raise RuntimeError(f"wrk, {load.script}: {done.stderr.strip().splitlines()[0]}")
    seen = json.loads(done.stdout.splitlines()[-1])
    return Round(
        per_second=seen["requests"] / (seen["duration_us"] / 1e6),
        p50_ms=seen["p50_us"] / 1e3,
        p99_ms=seen["p99_us"] / 1e3,
        failed=seen["failed"],
    )
