import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from dcr_operator.kube import LEASES, JsonObject, Resource, member
from dcr_operator.lease import LEASE_NAME, LeadershipLostError, Lease, LeaseTime
from tests.fakes.faults import Answer, Fault, Wire
from tests.fakes.kubernetes_api import FakeCluster, FakeKubernetesApi

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Down(Wire):
    """An API server that does not answer."""

    async def call(
        self,
        name: str,  # noqa: ARG002 - the signature is given
        do: Callable[[], Answer],  # noqa: ARG002 - the signature is given
        failed: Callable[[Fault], Answer],
    ) -> Answer:
        return failed(Fault.NOT_SENT)  # the fake's own order


class EnoughError(Exception):
    """Ends a loop that would go on forever."""


@dataclass
class Clock:
    seconds: float = 0.0
    ends: float = 1000.0
    each: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.each.append(seconds)
        if self.seconds > self.ends:
            raise EnoughError

    def lease(self, cluster: FakeCluster, identity: str, wire: Wire | None = None) -> Lease:
        api = FakeKubernetesApi(cluster, wire or Wire())
        time = LeaseTime(
            lambda: NOON + timedelta(seconds=self.seconds), lambda: self.seconds, self.sleep
        )
        return Lease(api, "ops", identity, time)


def spec(cluster: FakeCluster) -> JsonObject:
    return member(cluster.need(LEASES, "ops", LEASE_NAME), "spec")


async def test_the_first_to_come_leads() -> None:
    cluster = FakeCluster()
    await Clock().lease(cluster, "one").acquire()
    assert spec(cluster) == {
        "holderIdentity": "one",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T12:00:00.000000Z",
        "renewTime": "2026-01-01T12:00:00.000000Z",
        "leaseTransitions": 0,
    }


async def test_the_second_stands_by_while_the_first_renews() -> None:
    cluster = FakeCluster()
    clock = Clock(ends=60)
    first = clock.lease(cluster, "one")
    await first.acquire()
    second = clock.lease(cluster, "two")
    for _ in range(20):
        assert not await second._try_to_acquire()
        clock.seconds += 2
        await first._write(first._held or {})


async def test_a_lease_that_nobody_renews_is_taken_after_its_duration() -> None:
    cluster = FakeCluster()
    clock = Clock()
    await clock.lease(cluster, "one").acquire()
    await clock.lease(cluster, "two").acquire()
    assert spec(cluster)["holderIdentity"] == "two"
    assert spec(cluster)["leaseTransitions"] == 1
    assert 15 < clock.seconds <= 18


async def test_clocks_of_others_are_not_trusted() -> None:
    """A renewTime from the past does not make a Lease free: what counts is when we saw it."""
    cluster = FakeCluster()
    past = Clock(seconds=-100_000)
    await past.lease(cluster, "one").acquire()
    assert not await Clock().lease(cluster, "two")._try_to_acquire()


async def test_a_released_lease_is_taken_at_once() -> None:
    cluster = FakeCluster()
    clock = Clock()
    first = clock.lease(cluster, "one")
    await first.acquire()
    await first.release()
    await clock.lease(cluster, "two").acquire()
    assert clock.seconds == 0
    assert spec(cluster)["holderIdentity"] == "two"


async def test_the_same_pod_leads_again_at_once() -> None:
    cluster = FakeCluster()
    clock = Clock()
    await clock.lease(cluster, "pod").acquire()
    await clock.lease(cluster, "pod").acquire()
    assert clock.seconds == 0
    assert spec(cluster)["leaseTransitions"] == 0


async def test_holding_renews_every_two_seconds() -> None:
    cluster = FakeCluster()
    clock = Clock(ends=10)
    lease = clock.lease(cluster, "one")
    await lease.acquire()
    with pytest.raises(EnoughError):
        await lease.hold()
    assert clock.each == [2.0] * 6
    assert spec(cluster)["renewTime"] == "2026-01-01T12:00:10.000000Z"


async def test_leadership_is_lost_when_another_has_taken_the_lease() -> None:
    cluster = FakeCluster()
    clock = Clock()
    lease = clock.lease(cluster, "one")
    await lease.acquire()
    cluster.edit(LEASES, "ops", LEASE_NAME, lambda o: member(o, "spec").update(holderIdentity="x"))
    with pytest.raises(LeadershipLostError, match="another process"):
        await lease.hold()


class AnswerLost(Wire):
    """One write is done and its answer does not arrive."""

    lost: bool = False

    async def call(
        self, name: str, do: Callable[[], Answer], failed: Callable[[Fault], Answer]
    ) -> Answer:
        if name.startswith("replace") and not self.lost:
            self.lost = True
            do()
            return failed(Fault.NOT_SENT)
        return do()


async def test_one_lost_answer_is_no_lost_leadership() -> None:
    cluster = FakeCluster()
    clock = Clock(ends=20)
    lease = clock.lease(cluster, "one")
    await lease.acquire()
    wire = AnswerLost()
    lease.api = FakeKubernetesApi(cluster, wire)
    with pytest.raises(EnoughError):
        await lease.hold()
    assert wire.lost
    assert spec(cluster)["renewTime"] == "2026-01-01T12:00:20.000000Z"


class Hanging(FakeKubernetesApi):
    async def replace(
        self, resource: Resource, namespace: str | None, body: JsonObject
    ) -> JsonObject:
        await asyncio.Event().wait()
        return await super().replace(resource, namespace, body)


async def test_a_renewal_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcr_operator.lease.DEADLINE", 0.02)
    cluster = FakeCluster()
    clock = Clock()
    lease = clock.lease(cluster, "one")
    await lease.acquire()
    lease.api = Hanging(cluster, Wire())
    with pytest.raises(LeadershipLostError, match="could not be renewed"):
        await lease.hold()


async def test_leadership_is_lost_when_the_lease_cannot_be_renewed() -> None:
    cluster = FakeCluster()
    clock = Clock()
    lease = clock.lease(cluster, "one")
    await lease.acquire()
    lease.api = FakeKubernetesApi(cluster, Down())
    with pytest.raises(LeadershipLostError, match="10 s"):
        await lease.hold()
    assert clock.seconds == 10


async def test_a_renewal_gets_no_more_time_than_is_left() -> None:
    """Two that hang for the whole deadline each would outlast the Lease."""
    cluster = FakeCluster()
    clock = Clock()
    lease = clock.lease(cluster, "one")
    await lease.acquire()
    lease.api = Hanging(cluster, Wire())

    async def late(_seconds: float) -> None:
        clock.seconds += 9.95

    lease.time = replace(lease.time, sleep=late)
    with pytest.raises(LeadershipLostError):
        async with asyncio.timeout(3):
            await lease.hold()
