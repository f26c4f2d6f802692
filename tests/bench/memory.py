"""Resident memory of operator and server, idle and with 1,000 clients, and how fast they came."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.bench.report import Report, markdown, write_json
from tests.bench.system import OAUTH_CLIENT, System, is_ready, running_system
from tests.bench.watching import watched

CLIENTS = 1_000
_CREATORS = 8
_SECONDS = 300.0
_SETTLE_SECONDS = 10.0
_MIB = 1024 * 1024


def run() -> Report:
    with running_system() as system:
        idle = _resident(system)
        seconds = _create_all(system)
        loaded = _resident(system)
    write_json(
        "memory",
        {"clients": CLIENTS, "seconds_to_ready": seconds, "idle": idle, "loaded": loaded},
    )
    rows = [
        (program, f"{idle[program] / _MIB:.0f}", f"{loaded[program] / _MIB:.0f}")
        for program in idle
    ]
    header = ("resident memory, MiB", "idle", f"{CLIENTS:,} clients")
    rate = f"{CLIENTS:,} clients created at once were Ready after {seconds:.1f} s"
    return Report(f"{markdown(header, rows)}\n\n{rate}: {CLIENTS / seconds:.0f}/s")


def _resident(system: System) -> dict[str, int]:
    # What is freed after a burst goes back to the system a little later.
    time.sleep(_SETTLE_SECONDS)
    return {
        "dcr-operator": system.operator.process.resident_bytes(),
        "dcr-server": system.server.process.resident_bytes(),
    }


def _create_all(system: System) -> float:
    names = [f"client-{number:04}" for number in range(CLIENTS)]
    with watched(system.admin, OAUTH_CLIENT, is_ready) as ready:
        began = time.perf_counter()
        with ThreadPoolExecutor(_CREATORS) as creators:
            list(creators.map(system.create_client, names))
        sightings = [ready.next(seconds=_SECONDS) for _ in names]
    return max(seen.at for seen in sightings) - began
