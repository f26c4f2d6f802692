"""Thousands of clients at once: rate, writes, memory, a restart, an edit in the herd, the end.

The load generator, the API server, etcd, the server and the operator share the machine's cores:
the table says how much of them each took for a client.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import httpx

from tests.bench.exposition import Counters, read_counters, total
from tests.bench.kubernetes_load import Call, send_all
from tests.bench.processor_time import processor_seconds
from tests.bench.report import Figure, Report, markdown, percentile, write_json
from tests.bench.same_writes import clients_per_second, example
from tests.bench.system import (
    API_VERSION,
    NAMESPACE,
    OAUTH_CLIENT,
    System,
    is_ready,
    oauth_client,
    restarted,
    running_system,
)
from tests.bench.watching import watched
from tests.cluster.client import JsonObject
from tests.processes.dcr_server import run_cli

_CEILING_SECRETS = 3_000
_EDITS = 40
_EDITED = "edited in the herd"
_WRITES = frozenset({"POST", "PUT", "PATCH", "APPLY", "DELETE"})
_RESOURCES = frozenset({"oauthclients", "clusteroauthproviders", "secrets", "events"})
_RESYNC = "60s"
_LONGEST = 1800.0
_QUIET_SECONDS = 3.0
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Herd:
    """What one size of the herd measured."""

    clients: int
    create_seconds: float
    without_operator: float  # clients per second of the same writes
    writes_per_client: Mapping[str, float]
    cpu_ms_per_client: Mapping[str, float]
    peak_mib: float
    restart_seconds: float
    restart_writes: float
    restart_requests: Mapping[str, float]
    edit_ms: list[float]
    delete_seconds: float
    left_at_provider: int


def sizes() -> list[int]:
    """Read BENCH_HERD: how many clients at once, several sizes to compare."""
    return [int(size) for size in os.environ.get("BENCH_HERD", "1000 10000").split()]


def run() -> Report:
    herds: list[Herd] = []
    ceiling = 0.0
    for size in sizes():
        with running_system() as system:
            ceiling = max(ceiling, _ceiling(system))
            herds.append(_measure(system, size))
    write_json("herd", {"ceiling_per_second": ceiling, "herds": [asdict(each) for each in herds]})
    return Report("\n\n".join(_tables(herds, ceiling)), tuple(_figures(herds)))


def _ceiling(system: System) -> float:
    """Secret creates a second that the API server itself takes, when nothing else runs."""
    path = system.admin.path("v1/Secret", "default")
    secrets = (
        Call("POST", path, {"metadata": {"name": f"ceiling-{number}"}, "data": {"a": "YQ=="}})
        for number in range(_CEILING_SECRETS)
    )
    seconds = send_all(system.admin.access, secrets)
    system.admin.request("DELETE", path)
    return _CEILING_SECRETS / seconds


def _measure(system: System, size: int) -> Herd:
    before, used = _written(system), processor_seconds(system.processes)
    create_seconds = _create(system, size)
    _wait_until_quiet(system)
    after, spent = _written(system), processor_seconds(system.processes)
    _say(f"{size:,} clients Ready after {create_seconds:.1f} s")
    peaks = [system.operator.process.peak_resident_bytes()]
    of = example(system, _name(0))
    began = time.perf_counter()
    with restarted(system) as again:
        restart_seconds = _wait_until_quiet(again) - began
        restart_writes = _of_objects(_written(again)) - _of_objects(after)
        requests = _provider_requests(again)
        _say(f"quiet {restart_seconds:.1f} s after a restart")
        edit_ms = _edit_during_resync(again, size)
        delete_seconds = _delete(again, size)
        _say(f"deleted after {delete_seconds:.1f} s")
        peaks.append(again.operator.process.peak_resident_bytes())
        left = _registered(again)
    without = clients_per_second(system, of)  # the operator has been stopped
    _say(f"the same writes without the operator: {without:.0f} clients/s")
    return Herd(
        clients=size,
        create_seconds=create_seconds,
        without_operator=without,
        writes_per_client={what: (after[what] - before.get(what, 0)) / size for what in after},
        cpu_ms_per_client={name: (spent[name] - used[name]) / size * 1e3 for name in spent},
        peak_mib=max(peaks) / _MIB,
        restart_seconds=restart_seconds,
        restart_writes=restart_writes,
        restart_requests=requests,
        edit_ms=edit_ms,
        delete_seconds=delete_seconds,
        left_at_provider=left,
    )


def _create(system: System, size: int) -> float:
    path = system.admin.path(OAUTH_CLIENT, NAMESPACE)
    with watched(system.admin, OAUTH_CLIENT, is_ready) as ready:
        began = time.perf_counter()
        send_all(
            system.admin.access,
            (Call("POST", path, oauth_client(_name(number))) for number in range(size)),
        )
        last = max(ready.next(seconds=_LONGEST).at for _ in range(size))
    return last - began


def _name(number: int) -> str:
    return f"client-{number:05}"


def _edit_during_resync(system: System, size: int) -> list[float]:
    """Edit one after the other, while the whole herd is read at the provider again and again."""
    main = (f"{API_VERSION}/ClusterOAuthProvider", None, "main")
    system.admin.patch(*main, {"spec": {"resyncEvery": _RESYNC}})
    milliseconds = []
    with watched(system.admin, OAUTH_CLIENT, _is_edited) as edited:
        for number in range(0, size, max(1, size // _EDITS)):
            patch = {"spec": {"clientMetadata": {"clientName": _EDITED}}}
            began = time.perf_counter()
            system.admin.patch(OAUTH_CLIENT, NAMESPACE, _name(number), patch)
            seen = edited.wait_for(_name(number), seconds=60.0)
            milliseconds.append((seen.at - began) * 1e3)
    system.admin.patch(*main, {"spec": {"resyncEvery": "0s"}})
    return milliseconds


def _is_edited(client: JsonObject) -> bool:
    registered = client.get("status", {}).get("registeredMetadata", {})
    return bool(registered.get("client_name") == _EDITED)


def _delete(system: System, size: int) -> float:
    path = system.admin.path(OAUTH_CLIENT, NAMESPACE)
    began = time.perf_counter()
    # One by one: the API server works on the deletion of a collection for minutes.
    every = (Call("DELETE", f"{path}/{_name(number)}") for number in range(size))
    send_all(system.admin.access, every)
    while system.admin.request("GET", path, query={"limit": "1"})["items"]:
        if time.perf_counter() - began > _LONGEST:
            raise TimeoutError("clients are left in deletion")
        time.sleep(0.1)
    return time.perf_counter() - began


def _registered(system: System) -> int:
    listed = json.loads(run_cli(system.server.settings, "client", "list", "--output", "json"))
    return len(listed)


def _wait_until_quiet(system: System) -> float:
    """Return when the last pass ended, once none has been made for some seconds."""
    passes, last = _passes(system), time.perf_counter()
    while time.perf_counter() - last < _QUIET_SECONDS:
        time.sleep(0.1)
        now = _passes(system)
        if now != passes:
            passes, last = now, time.perf_counter()
    return last


def _operator_counters(system: System) -> Counters:
    return read_counters(httpx.get(f"{system.operator.url}/metrics", trust_env=False).text)


def _passes(system: System) -> float:
    return total(_operator_counters(system), "controller_runtime_reconcile_total")


def _provider_requests(system: System) -> dict[str, float]:
    counters = _operator_counters(system)
    name = "dcr_provider_requests_seconds_count"
    operations = {dict(labels)["operation"] for each, labels in counters if each == name}
    return {each: total(counters, name, operation=each) for each in sorted(operations)}


def _written(system: System) -> dict[str, float]:
    """Writes of the operator's kinds by resource and verb, as the API server counts them."""
    counters = read_counters(system.admin.text("/metrics"))
    found: dict[str, float] = {}
    for (name, labels), value in counters.items():
        said = dict(labels)
        counted = name == "apiserver_request_total" and said["verb"] in _WRITES
        if counted and said["resource"] in _RESOURCES:
            what = "/".join(filter(None, (said["resource"], said["subresource"])))
            key = f"{said['verb']} {what}"
            found[key] = found.get(key, 0) + value
    return found


def _of_objects(written: Mapping[str, float]) -> float:
    """Leave out Events: those that were still to be told when the operator stopped come late."""
    return sum(count for what, count in written.items() if "events" not in what)


def _say(progress: str) -> None:
    print(f"herd: {progress}", file=sys.stderr, flush=True)


def _tables(herds: list[Herd], ceiling: float) -> list[str]:
    rows = [
        (
            f"{each.clients:,}",
            f"{each.clients / each.create_seconds:.0f}",
            f"{each.without_operator:.0f}",
            f"{_share(each, ceiling):.0%}",
            f"{each.peak_mib:.0f}",
            f"{each.restart_seconds:.1f}",
            f"{each.restart_writes:.0f}",
            f"{percentile(each.edit_ms, 50):.0f}, {percentile(each.edit_ms, 95):.0f}",
            f"{each.clients / each.delete_seconds:.0f}",
            each.left_at_provider,
        )
        for each in herds
    ]
    header = (
        "clients at once",
        "Ready per second",
        "the same writes without an operator, per second",
        f"of the API server's own {ceiling:,.0f} writes/s",
        "operator MiB at most",
        "quiet after a restart, s",
        "writes of a restart",
        "edit in a resync p50, p95 ms",
        "deleted per second",
        "left at the provider",
    )
    return [
        markdown(header, rows),
        _per_client("CPU ms per client", [each.cpu_ms_per_client for each in herds], herds),
        _per_client("writes per client", [each.writes_per_client for each in herds], herds),
    ]


def _per_client(title: str, seen: list[Mapping[str, float]], herds: list[Herd]) -> str:
    names = sorted({name for each in seen for name in each})
    rows = [(name, *(f"{each.get(name, 0):.2f}" for each in seen)) for name in names]
    return markdown((title, *(f"{each.clients:,}" for each in herds)), rows)


def _share(herd: Herd, ceiling: float) -> float:
    """How much of what the API server can write was written while the herd came."""
    writes = sum(herd.writes_per_client.values())
    return writes * herd.clients / herd.create_seconds / ceiling


def _figures(herds: list[Herd]) -> Iterator[Figure]:
    for each in herds:
        of = f"{each.clients:,} clients"
        ready, gone = each.clients / each.create_seconds, each.clients / each.delete_seconds
        most = each.without_operator
        yield Figure(f"{of} at once, Ready", ready, 100, unit="/s", ceiling=most)
        yield Figure(f"{of}, of the same writes without an operator", ready / most, 0.6)
        yield Figure(f"{of}, deleted", gone, 100, unit="/s")
        yield Figure(f"{of}, left", each.left_at_provider, 0, at_least=False, unit="clients")
        yield Figure(f"{of}, restart", each.restart_seconds, 10, at_least=False, unit="s")
        yield Figure(f"{of}, restart", each.restart_writes, 0, at_least=False, unit="writes")
        yield Figure(f"{of}, memory", each.peak_mib, 200, at_least=False, unit="MiB")
        edit = percentile(each.edit_ms, 95)
        yield Figure(f"{of}, edit in a resync, p95", edit, 500, at_least=False, unit="ms")
