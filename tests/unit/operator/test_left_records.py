"""What a start does about records whose OAuthClients are not there."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from structlog.testing import capture_logs

from dcr_operator.kube import OAUTH_CLIENTS, SECRETS, ApiUnavailable, Key
from dcr_operator.left_records import LeftRecords
from dcr_operator.ports import Context
from tests.fakes.faults import Fault, FaultAt, Schedule, Wire
from tests.fakes.operator_world import CLIENT, NAME, NAMESPACE, SYSTEM, World, ready_world


@dataclass
class Start:
    world: World
    live: set[str] = field(default_factory=set)
    left: list[tuple[Key, str]] = field(default_factory=list)
    slept: int = 0
    listed_after: int = 0

    def records(self, context: Context | None = None) -> LeftRecords:
        return LeftRecords(
            replace(context or self.world.context, sleep=self.sleep),
            listed=lambda: self.slept > self.listed_after,
            live=lambda: self.live,
            leave=lambda key, uid: self.left.append((key, uid)),
        )

    async def sleep(self, _seconds: float) -> None:
        self.slept += 1

    async def look(self, context: Context | None = None) -> None:
        with capture_logs():
            await self.records(context).look()


async def gone() -> tuple[Start, str]:
    world = await ready_world()
    uid = world.uid
    world.now = world.record.began_at or world.now  # however long it took to settle
    world.cluster.take_away(OAUTH_CLIENTS, NAMESPACE, NAME)
    return Start(world), uid


async def test_what_has_just_begun_is_unregistered() -> None:
    start, uid = await gone()
    await start.look()
    assert start.left == [(CLIENT, uid)]
    assert start.world.metrics.in_doubt == 0


async def test_what_is_old_is_left_alone_and_counted() -> None:
    start, uid = await gone()
    start.world.advance(86_400)
    with capture_logs() as lines:
        await start.records().look()
    assert start.left == []
    assert start.world.metrics.in_doubt == 1
    assert [line.get("uid") for line in lines] == [uid, None]
    assert (lines[-1]["records"], lines[-1]["in_doubt"]) == (1, 1)


async def test_a_client_that_is_there_costs_no_look_at_its_record() -> None:
    world = await ready_world()
    start = Start(world, live={world.uid})
    world.wire = Wire()
    await start.look()
    assert world.wire.calls == ["list secrets"]
    assert (start.left, world.metrics.in_doubt) == ([], 0)


async def test_a_client_that_the_watch_has_not_shown_yet_is_looked_for() -> None:
    start = Start(await ready_world())
    await start.look()
    assert (start.left, start.world.metrics.in_doubt) == ([], 0)


async def test_namespaces_that_are_not_served_are_left_alone() -> None:
    start, _ = await gone()
    await start.look(replace(start.world.context, served_namespaces=("elsewhere",)))
    assert (start.left, start.world.metrics.in_doubt) == ([], 0)


async def test_what_cannot_be_read_is_left_alone() -> None:
    start, uid = await gone()
    start.world.cluster.edit(
        SECRETS, SYSTEM, f"oauthclient-{uid}", lambda each: each.update(data={})
    )
    await start.look()
    assert start.left == []


async def test_it_waits_for_the_listing_and_tries_again() -> None:
    start, uid = await gone()
    start.listed_after = 2
    start.world.wire = Wire(Schedule([FaultAt(Fault.NOT_SENT, "list secrets")]))
    started = asyncio.Event()
    started.set()
    with capture_logs() as lines:
        await start.records().look_once(started)
    assert start.left == [(CLIENT, uid)]
    assert start.slept == 4
    assert [line["event"] for line in lines] == ["records not compared", "records compared"]


async def test_a_look_raises_what_the_api_server_says() -> None:
    start, _ = await gone()
    start.world.wire = Wire(Schedule([FaultAt(Fault.NOT_SENT, "get secrets")]))
    with pytest.raises(ApiUnavailable):
        await start.look()
