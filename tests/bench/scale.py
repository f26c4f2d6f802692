"""What a million stored clients cost: registrations per second, memory, the time to start."""

import os
import time
from contextlib import ExitStack

from tests.bench.contenders import ours, scratch_folder
from tests.bench.load import CONNECTIONS, wrk_program
from tests.bench.report import Figure, Report, markdown, write_json
from tests.bench.rounds import in_turns
from tests.bench.stored_clients import copy_with_clients
from tests.processes.dcr_server import DcrServer, DcrServerSettings, start_dcr_server

_EMPTY = "dcr-server, empty at first"
_MIB = 1024 * 1024


def clients() -> int:
    """Read BENCH_CLIENTS."""
    return int(os.environ.get("BENCH_CLIENTS", "1000000"))


def run() -> Report:
    wrk_program()
    stored = clients()
    full = f"dcr-server, {stored:,} clients stored at first"
    seconds: dict[str, float] = {}
    idle: dict[str, int] = {}
    with scratch_folder("scale") as scratch, ExitStack() as stopping:
        (scratch / "full").mkdir()
        copy_with_clients(stored, scratch / "full" / "dcr-server.db")
        servers: dict[str, DcrServer] = {}
        for title, folder in ((_EMPTY, "empty"), (full, "full")):
            began = time.perf_counter()
            servers[title] = start_dcr_server(DcrServerSettings(scratch / folder))
            stopping.callback(servers[title].process.stop)
            seconds[title] = time.perf_counter() - began
            idle[title] = servers[title].process.resident_bytes()
        turns = in_turns(
            {title: ours(each, scratch).registering() for title, each in servers.items()}
        )
        loaded = {title: each.process.resident_bytes() for title, each in servers.items()}
    measured = {"seconds_to_ready": seconds, "idle_bytes": idle, "loaded_bytes": loaded}
    rounds = {"connections": CONNECTIONS, "rounds": turns.document()}
    write_json("scale", {"clients": stored, **measured, **rounds})
    header = ("one process", "start to ready, s", "MiB idle", "MiB after the load")
    rows = [
        (title, f"{seconds[title]:.2f}", f"{idle[title] / _MIB:.0f}", f"{loaded[title] / _MIB:.0f}")
        for title in servers
    ]
    most = max(idle[full], loaded[full]) / _MIB
    return Report(
        f"{turns.table('registration')}\n\n{markdown(header, rows)}",
        (
            Figure(f"registrations/s, {stored:,} clients to empty", turns.ratio(full, _EMPTY), 0.9),
            Figure("resident memory, idle", idle[_EMPTY] / _MIB, 80, at_least=False, unit="MiB"),
            Figure(f"resident memory, {stored:,} clients", most, 120, at_least=False, unit="MiB"),
            Figure(
                f"start to ready, {stored:,} clients", seconds[full], 2, at_least=False, unit="s"
            ),
        ),
    )
