import asyncio
from datetime import UTC, datetime

import pytest

from dcr_operator.event_recorder import KubernetesEventRecorder
from dcr_operator.kube import EVENTS, JsonObject, Key, member
from dcr_operator.ports import EventType, Regarding
from tests.fakes.faults import Fault, FaultAt, Schedule, Wire
from tests.fakes.kubernetes_api import FakeCluster, FakeKubernetesApi
from tests.fakes.virtual_time import VirtualTime

APP = Regarding(Key("OAuthClient", "team", "app"), "u1", "7")
MAIN = Regarding(Key("ClusterOAuthProvider", "", "main"), "u2")


class Bench:
    def __init__(self, wire: Wire | None = None) -> None:
        self.cluster = FakeCluster()
        self.time = VirtualTime(1_000)
        self.logged: list[str] = []
        self.recorder = KubernetesEventRecorder(
            FakeKubernetesApi(self.cluster, wire or Wire()),
            "pod-1",
            now=lambda: datetime.fromtimestamp(self.time.now, UTC),
            clock=self.time.time,
            log=lambda event, _detail: self.logged.append(event),
        )

    def say(self, regarding: Regarding = APP, message: str = "registered") -> None:
        self.recorder.record(regarding, EventType.NORMAL, "Ready", message)

    async def written(self) -> list[JsonObject]:
        running = asyncio.ensure_future(self.recorder.run())
        await self.recorder.flush()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return [body for place, body in self.cluster.objects.items() if place[0] == EVENTS.plural]


async def test_an_event_says_what_happened_to_what() -> None:
    bench = Bench()
    bench.say()
    (event,) = await bench.written()
    assert member(event, "metadata")["namespace"] == "team"
    assert event["regarding"] == {
        "apiVersion": "dcr-operator.dev/v1alpha1",
        "kind": "OAuthClient",
        "namespace": "team",
        "name": "app",
        "uid": "u1",
        "resourceVersion": "7",
    }
    assert (event["type"], event["reason"], event["note"]) == ("Normal", "Ready", "registered")
    assert event["eventTime"] == "1970-01-01T00:16:40.000000Z"
    assert "series" not in event


async def test_events_about_cluster_scoped_objects_go_to_namespace_default() -> None:
    bench = Bench()
    bench.say(MAIN)
    (event,) = await bench.written()
    assert member(event, "metadata")["namespace"] == "default"
    assert "namespace" not in member(event, "regarding")


async def test_the_same_again_becomes_a_series_that_is_written_now_and_then() -> None:
    bench = Bench()
    for _ in range(100):
        bench.say()
        await bench.written()
    bench.time.advance(30)
    bench.say()
    (event,) = await bench.written()
    assert member(event, "series")["count"] == 101
    assert member(event, "series")["lastObservedTime"] == "1970-01-01T00:17:10.000000Z"
    assert event["eventTime"] == "1970-01-01T00:16:40.000000Z"


async def test_other_messages_are_other_events() -> None:
    bench = Bench()
    bench.say()
    bench.say(message="registered again")
    assert len(await bench.written()) == 2


async def test_an_event_that_cannot_be_written_is_dropped() -> None:
    bench = Bench(Wire(Schedule([FaultAt(Fault.NOT_SENT, 1)])))
    bench.say()
    assert await bench.written() == []
    assert bench.logged == ["Event not written"]


async def test_recording_never_blocks() -> None:
    bench = Bench()
    for number in range(1_500):
        bench.say(message=f"message {number}")
    assert bench.logged == ["Event dropped"] * 500


async def test_long_messages_are_cut_to_what_the_api_takes() -> None:
    bench = Bench()
    bench.say(message="x" * 5_000)
    (event,) = await bench.written()
    assert len(str(event["note"])) <= 1024


@pytest.mark.timeout(10)
async def test_at_the_end_nobody_waits_for_the_rate_limit() -> None:
    bench = Bench()
    for number in range(200):
        bench.say(message=f"message {number}")
    assert len(await bench.written()) == 200
