"""Twenty providers, one of which takes every connection and never answers: who waits for it?

Twenty names of one server, so that only the names differ. The clients of all of them are created
at once, once with the dead one alive and once without.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.report import Figure, Report, markdown, percentile, write_json
from tests.bench.system import (
    API_VERSION,
    NAMESPACE,
    OAUTH_CLIENT,
    System,
    is_ready,
    oauth_client,
    running_system,
)
from tests.bench.watching import watched
from tests.cluster.client import JsonObject

PROVIDERS = 20
CLIENTS = 10  # of each
_DEAD = "provider-00"
_SECONDS = 300.0
_GOAL = 1.2  # times as long as without a dead one
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Round:
    """Milliseconds from the first create to Ready, of each client of the others."""

    dead: bool
    milliseconds: list[float]


def run() -> Report:
    with running_system() as system, _silent_listener() as silent:
        _create_providers(system, silent)
        rounds = [
            _round(system, f"{'dead' if dead else 'alive'}-{number}", dead=dead)
            for number in range(_ROUNDS)
            for dead in (False, True)
        ]
    write_json("dead-provider", {str(each.dead): each.milliseconds for each in rounds})
    return _report(rounds)


@contextmanager
def _silent_listener() -> Iterator[str]:
    """A provider whose host is up: connections are made, and nothing is ever said."""
    held: list[socket.socket] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)

        def accept() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:  # closed: the end
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5.0)
        for each in held:
            each.close()


def _create_providers(system: System, silent: str) -> None:
    main = system.admin.get(f"{API_VERSION}/ClusterOAuthProvider", None, "main")
    assert main is not None
    for number in range(PROVIDERS):
        _create(system, f"provider-{number:02}", main["spec"])
    _create(system, "dead", {**main["spec"], "issuer": silent})


def _create(system: System, name: str, spec: JsonObject) -> None:
    manifest = {"apiVersion": API_VERSION, "kind": "ClusterOAuthProvider"}
    system.admin.apply({**manifest, "metadata": {"name": name}, "spec": spec})


def _round(system: System, prefix: str, *, dead: bool) -> Round:
    """Create clients of all providers in turn; the first is the dead one, or alive."""
    first = "dead" if dead else _DEAD
    names = [first, *(f"provider-{number:02}" for number in range(1, PROVIDERS))]
    others = {f"{prefix}-{name}-{n}" for name in names[1:] for n in range(CLIENTS)}
    with watched(system.admin, OAUTH_CLIENT, is_ready) as ready:
        began = time.perf_counter()
        for n in range(CLIENTS):
            for name in names:
                system.admin.create(_client(f"{prefix}-{name}-{n}", name))
        measured = []
        while others:
            seen = ready.next(seconds=_SECONDS)
            if seen.name in others:
                others.remove(seen.name)
                measured.append((seen.at - began) * 1e3)
    _remove_clients(system)
    return Round(dead, measured)


def _client(name: str, provider: str) -> JsonObject:
    client = oauth_client(name)
    client["spec"]["providerRef"]["name"] = provider
    return client


def _remove_clients(system: System) -> None:
    for client in system.admin.list(OAUTH_CLIENT, NAMESPACE):
        system.admin.delete(OAUTH_CLIENT, NAMESPACE, client["metadata"]["name"])
    for client in system.admin.list(OAUTH_CLIENT, NAMESPACE):
        system.admin.wait_for(
            OAUTH_CLIENT,
            NAMESPACE,
            client["metadata"]["name"],
            lambda seen: seen is None,
            deadline=_SECONDS,
        )


def _report(rounds: list[Round]) -> Report:
    alive, dead = (
        [each for one in rounds if one.dead is wanted for each in one.milliseconds]
        for wanted in (False, True)
    )
    rows = [
        (title, *(f"{percentile(values, percent):.0f}" for percent in (50, 95, 100)))
        for title, values in (("all alive", alive), ("one never answers", dead))
    ]
    header = (f"{CLIENTS} clients each of {PROVIDERS} providers", "p50 ms", "p95 ms", "max ms")
    ratio = percentile(dead, 95) / percentile(alive, 95)
    figure = Figure("clients of 19 providers beside a dead one, p95", ratio, _GOAL, at_least=False)
    return Report(markdown(header, rows), (figure,))
