"""What becomes of watches whose API server fails: every key gets into the queue, and none twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from dcr_operator.events import ENDLESS_BACKOFFS, watch_settings
from dcr_operator.kube import (
    API_GROUP,
    API_VERSION,
    CLUSTER_OAUTH_PROVIDERS,
    NAMESPACES,
    OAUTH_CLIENTS,
    OAUTH_PROVIDERS,
    SECRETS,
    JsonObject,
    Key,
    Resource,
)
from dcr_operator.watchdog import WATCH_SILENCE
from tests.fakes.api_server import Answer, Sent, running_api_server, status
from tests.unit.operator.test_events import source

pytestmark = pytest.mark.timeout(60)

CLIENTS = f"/apis/{API_GROUP}/{API_VERSION}/oauthclients"
PATIENCE = 30.0  # seconds, of each wait
SILENCE = 0.5
FOREVER = Answer(text="", held=True)


def client(name: str) -> JsonObject:
    metadata: JsonObject = {
        "namespace": "team",
        "name": name,
        "uid": f"uid-of-{name}",
        "resourceVersion": "7",
        "generation": 1,
    }
    return {"metadata": metadata, "spec": {"providerRef": {"name": "main"}}}


def listing(*names: str) -> Answer:
    items = [client(name) for name in names]
    return Answer(document={"metadata": {"resourceVersion": "5"}, "items": items})


def paged(*names: str) -> Answer:
    metadata = {"resourceVersion": "5", "continue": "more"}
    return Answer(document={"metadata": metadata, "items": [client(name) for name in names]})


def list_with(thing: str) -> Answer:
    items = [thing, client("a"), client("b")]
    return Answer(document={"metadata": {"resourceVersion": "5"}, "items": items})


def events(*each: tuple[str, JsonObject], held: bool = False) -> Answer:
    lines = [json.dumps({"type": kind, "object": thing}) for kind, thing in each]
    return Answer(text="".join(f"{line}\n" for line in lines), held=held)


def added(*names: str, held: bool = False) -> Answer:
    return events(*(("ADDED", client(name)) for name in names), held=held)


GONE = events(("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"}))


def kinds(*resources: Resource) -> Answer:
    listed = [
        {
            "name": each.plural,
            "singularName": each.kind.lower(),
            "kind": each.kind,
            "namespaced": each.namespaced,
            "verbs": ["get", "list", "watch", "patch"],
        }
        for each in resources
    ]
    return Answer(document={"resources": listed})


VERSION = {"groupVersion": f"{API_GROUP}/{API_VERSION}", "version": API_VERSION}
# What the API server says of itself.
DISCOVERY = {
    "/api": Answer(document={"versions": ["v1"]}),
    "/api/v1": kinds(SECRETS, NAMESPACES),
    "/apis": Answer(
        document={
            "groups": [{"name": API_GROUP, "versions": [VERSION], "preferredVersion": VERSION}]
        }
    ),
    f"/apis/{API_GROUP}/{API_VERSION}": kinds(
        OAUTH_CLIENTS, OAUTH_PROVIDERS, CLUSTER_OAUTH_PROVIDERS
    ),
}


@dataclass
class Script:
    """What lists and watches of clients are answered, one after the other; then nothing more."""

    lists: list[Answer]
    watches: list[Answer]
    watched: list[str] = field(default_factory=list)  # from which version

    def answer(self, sent: Sent) -> Answer:
        watch = sent.query.get("watch") == "true"
        if sent.path in DISCOVERY:
            return DISCOVERY[sent.path]
        if sent.path != CLIENTS:
            return FOREVER if watch else listing()
        if watch:
            self.watched.append(sent.query["resourceVersion"])
            return self.watches.pop(0) if self.watches else FOREVER
        return self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]


@asynccontextmanager
async def watching(script: Script) -> AsyncIterator["asyncio.Queue[Key]"]:
    """Run the real event source; what it puts into the queue comes out as workers would take it."""
    taken: asyncio.Queue[Key] = asyncio.Queue()
    async with running_api_server(script.answer) as server:
        found = source(server, silence=SILENCE)

        async def work() -> None:
            while True:
                key = await found.queue.take()
                taken.put_nowait(key)
                found.queue.done(key)

        stop = asyncio.Event()
        worker = asyncio.create_task(work())
        running = asyncio.create_task(
            found.run(server_timeout=240, stop=stop, started=asyncio.Event())
        )
        try:
            yield taken
            assert not running.done()
        finally:
            stop.set()
            await asyncio.wait({running}, timeout=PATIENCE)
            worker.cancel()
            await asyncio.gather(running, worker, return_exceptions=True)


async def seen(taken: "asyncio.Queue[Key]", *names: str) -> None:
    wanted = set(names)
    while wanted:
        wanted.discard((await asyncio.wait_for(taken.get(), PATIENCE)).name)


@dataclass(frozen=True)
class Fault:
    what: str
    lists: list[Answer]
    watches: list[Answer]
    names: tuple[str, ...] = ("a", "b")


FAULTS = [
    Fault("a list is answered 500", [status(500, "InternalError"), listing("a", "b")], []),
    Fault("a list is broken off", [Answer(hang_up=True), listing("a", "b")], []),
    Fault(
        "a list is answered 429",
        [status(429, "TooManyRequests", Retry_After="1"), listing("a", "b")],
        [],
    ),
    Fault("what is listed cannot be understood", [list_with("no object")], []),
    Fault("a watch is answered 500", [listing("a")], [status(500, "InternalError"), added("b")]),
    Fault(
        "a watch is forbidden for a while", [listing("a")], [status(403, "Forbidden"), added("b")]
    ),
    Fault(
        "a watch is answered 429",
        [listing("a")],
        [status(429, "TooManyRequests", Retry_After="1"), added("b")],
    ),
    Fault("a watch ends with 410", [listing("a"), listing("a", "b")], [GONE]),
    Fault(
        "a watch is answered 410 twice",
        [listing("a"), listing("a", "b")],
        [status(410, "Expired"), status(410, "Expired")],
    ),
    Fault("the pages of a list expire", [paged("a"), status(410, "Expired"), listing("b")], []),
    Fault("a watch ends, and goes on", [listing("a")], [added(), added("b")]),
    Fault("a watch falls silent", [listing("a")], [FOREVER, added("b")]),
    Fault("events come twice", [listing("a")], [added("b", "b", "a", "b")]),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
async def test_no_key_is_lost(fault: Fault) -> None:
    async with watching(Script([*fault.lists], [*fault.watches])) as taken:
        await seen(taken, *fault.names)


async def test_a_watch_goes_on_where_it_was_broken_off() -> None:
    script = Script([listing("a")], [added("b"), added("c", held=True)])
    async with watching(script) as taken:
        await seen(taken, "a", "b", "c")
    assert script.watched[:2] == ["5", "7"]


def test_a_silent_watch_is_made_anew_long_before_the_process_is() -> None:
    settings = watch_settings(240)
    assert settings.watching.inactivity_timeout < WATCH_SILENCE / 2


def test_an_api_server_that_fails_for_hours_is_asked_at_steady_intervals() -> None:
    pauses = [pause for _, pause in zip(range(1000), ENDLESS_BACKOFFS, strict=False)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == max(pauses) <= 30.0
    assert len(pauses) == 1000
