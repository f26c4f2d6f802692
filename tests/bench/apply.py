"""How long from the create request to Ready, one client at a time, measured by watching."""

import time

from tests.bench.report import Report, markdown, percentile, write_json
from tests.bench.system import OAUTH_CLIENT, is_ready, running_system
from tests.bench.watching import Watched, watched

CLIENTS = 100
WARM_UP = 5
_SECONDS = 30.0
_TITLES = {"secret": "create → Secret", "ready": "create → Ready"}


def run() -> Report:
    with (
        running_system() as system,
        watched(system.admin, OAUTH_CLIENT, is_ready) as ready,
        watched(system.admin, "v1/Secret", lambda secret: "client_id" in secret["data"]) as secrets,
    ):
        measured: dict[str, list[float]] = {title: [] for title in _TITLES}
        for number in range(WARM_UP + CLIENTS):
            name = f"client-{number:04}"
            began = time.perf_counter()
            system.create_client(name)
            seen = {"secret": _when(secrets, name), "ready": _when(ready, name)}
            if number >= WARM_UP:
                for title, at in seen.items():
                    measured[title].append((at - began) * 1e3)
    return _report(measured)


def _when(sightings: Watched, name: str) -> float:
    return sightings.wait_for(name, seconds=_SECONDS).at


def _report(measured: dict[str, list[float]]) -> Report:
    write_json("apply", {"clients": CLIENTS, "milliseconds": measured})
    rows = [
        (_TITLES[title], *(f"{percentile(values, percent):.0f}" for percent in (50, 95, 100)))
        for title, values in measured.items()
    ]
    header = (f"{CLIENTS} clients, one at a time", "p50 ms", "p95 ms", "max ms")
    return Report(markdown(header, rows))
