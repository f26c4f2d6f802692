import asyncio
from dataclasses import dataclass, field

import pytest

from dcr_operator.backoff import Backoff
from dcr_operator.work_queue import Lanes, Priority, QueueClosedError, WorkQueue
from tests.fakes.virtual_time import VirtualTime


@dataclass
class Bench:
    time: VirtualTime
    queue: WorkQueue[str]

    async def take_all(self) -> list[str]:
        """Take what is ready, as idle workers would."""
        taken: list[str] = []
        while True:
            taker = asyncio.ensure_future(self.queue.take())
            await asyncio.sleep(0)
            if not taker.done():
                taker.cancel()
                await asyncio.gather(taker, return_exceptions=True)
                return taken
            taken.append(taker.result())


@dataclass
class Observed:
    depths: list[int] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    retries: int = 0

    def depth(self, keys: int) -> None:
        self.depths.append(keys)

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    def retried(self) -> None:
        self.retries += 1


def bench(
    *, lanes: Lanes[str] | None = None, observer: Observed | None = None, jitter: float = 0.0
) -> Bench:
    time = VirtualTime(100.0)
    backoff = Backoff(random=lambda: jitter)
    return Bench(time, WorkQueue(time, backoff, observer=observer, lanes=lanes))


async def test_a_key_added_twice_is_taken_once() -> None:
    b = bench()
    b.queue.add("a")
    b.queue.add("a")
    assert await b.take_all() == ["a"]


async def test_a_waiting_worker_gets_the_key_that_is_added() -> None:
    b = bench()
    taker = asyncio.ensure_future(b.queue.take())
    await asyncio.sleep(0)
    b.queue.add("a")
    assert await taker == "a"


async def test_a_key_under_work_is_not_given_to_a_second_worker() -> None:
    b = bench()
    b.queue.add("a")
    assert await b.queue.take() == "a"
    b.queue.add("a")
    assert await b.take_all() == []


async def test_an_event_during_work_queues_the_key_again_afterwards() -> None:
    b = bench()
    b.queue.add("a")
    await b.queue.take()
    b.queue.add("a")
    b.queue.done("a", requeue_after=3600)
    assert await b.take_all() == ["a"]


async def test_done_without_a_delay_leaves_nothing_behind() -> None:
    b = bench()
    b.queue.add("a")
    b.queue.done(await b.queue.take())
    b.time.advance(10_000)
    assert await b.take_all() == []


async def test_what_people_changed_goes_before_routine() -> None:
    b = bench()
    b.queue.add("resync", Priority.ROUTINE)
    b.queue.add("changed")
    assert await b.take_all() == ["changed", "resync"]


async def test_a_change_lifts_a_key_that_waits_as_routine() -> None:
    b = bench()
    b.queue.add("a", Priority.ROUTINE)
    b.queue.add("b", Priority.ROUTINE)
    b.queue.add("b")
    assert await b.take_all() == ["b", "a"]


async def test_a_routine_event_does_not_lower_a_changed_key() -> None:
    b = bench()
    b.queue.add("a")
    b.queue.add("a", Priority.ROUTINE)
    b.queue.add("b", Priority.ROUTINE)
    assert await b.take_all() == ["a", "b"]


async def test_the_order_of_arrival_is_kept_within_a_priority() -> None:
    b = bench()
    for key in "cab":
        b.queue.add(key)
    assert await b.take_all() == ["c", "a", "b"]


async def test_a_delayed_key_is_ready_when_its_time_comes() -> None:
    b = bench()
    b.queue.add_after("a", 30)
    b.time.advance(29)
    assert await b.take_all() == []
    b.time.advance(1)
    assert await b.take_all() == ["a"]


async def test_of_two_delays_the_earlier_wins() -> None:
    b = bench()
    b.queue.add_after("a", 30)
    b.queue.add_after("a", 10)
    b.queue.add_after("a", 20)
    b.time.advance(10)
    b.queue.done(*(await b.take_all()))
    b.time.advance(100)
    assert await b.take_all() == []


async def test_a_pass_overtakes_the_delay_that_was_pending() -> None:
    b = bench()
    b.queue.add_after("a", 30)
    b.queue.add("a")
    b.queue.done(await b.queue.take())
    b.time.advance(100)
    assert await b.take_all() == []


@pytest.mark.parametrize(("failures", "delay"), [(1, 1), (2, 2), (5, 16), (12, 300)])
async def test_failures_in_a_row_back_off_exponentially(failures: int, delay: float) -> None:
    b = bench()
    waited = 0.0
    for _ in range(failures):
        b.queue.add("a")
        waited = b.queue.failed(await b.queue.take())
    assert waited == delay
    b.time.advance(delay - 0.5)
    assert await b.take_all() == []
    b.time.advance(0.5)
    assert await b.take_all() == ["a"]


async def test_a_successful_pass_ends_the_back_off() -> None:
    b = bench()
    b.queue.add("a")
    b.queue.failed(await b.queue.take())
    b.queue.add("a")
    b.queue.done(await b.queue.take())
    b.queue.add("a")
    assert b.queue.failed(await b.queue.take()) == 1.0


async def test_a_spec_change_resets_the_back_off() -> None:
    b = bench()
    for _ in range(5):
        b.queue.add("a")
        b.queue.failed(await b.queue.take())
    b.queue.reset_backoff("a")
    b.queue.add("a")
    assert b.queue.failed(await b.queue.take()) == 1.0


@pytest.mark.parametrize("asked", [0.0, 0.5, -3.0])
async def test_retry_after_never_shortens_the_back_off(asked: float) -> None:
    b = bench()
    delays = []
    for _ in range(4):
        b.queue.add("a")
        delays.append(b.queue.failed(await b.queue.take(), retry_after=asked))
    assert delays == [1.0, 2.0, 4.0, 8.0]


async def test_retry_after_lengthens_the_back_off() -> None:
    b = bench()
    b.queue.add("a")
    assert b.queue.failed(await b.queue.take(), retry_after=77) == 77
    b.time.advance(76)
    assert await b.take_all() == []
    b.time.advance(1)
    assert await b.take_all() == ["a"]


async def test_jitter_shortens_the_back_off() -> None:
    b = bench(jitter=1.0)
    b.queue.add("a")
    assert b.queue.failed(await b.queue.take()) == 0.75


def _lanes(limit: int) -> Lanes[str]:
    return Lanes(lane_of=lambda key: key[0], limit_of=lambda _lane: limit)


async def test_a_lane_holds_no_more_workers_than_its_share() -> None:
    b = bench(lanes=_lanes(2))
    for key in ("x1", "x2", "x3", "y1"):
        b.queue.add(key)
    assert await b.take_all() == ["x1", "y1", "x2"]
    b.queue.done("x1")
    assert await b.take_all() == ["x3"]


async def test_lanes_of_one_pool_hold_no_more_workers_than_the_pool() -> None:
    lanes: Lanes[str] = Lanes(
        lane_of=lambda key: key[0],
        pool_of=lambda lane: "tenants" if str(lane).islower() else None,
        limit_of=lambda lane: 3 if lane == "tenants" else 2,
    )
    b = bench(lanes=lanes)
    for key in ("x1", "x2", "y1", "y2", "z1", "A1", "A2"):
        b.queue.add(key)
    assert await b.take_all() == ["x1", "y1", "z1", "A1", "A2"]
    b.queue.done("z1")
    assert await b.take_all() == ["x2"]


async def test_lanes_take_turns() -> None:
    b = bench(lanes=_lanes(9))
    for key in ("x1", "x2", "x3", "y1", "z1"):
        b.queue.add(key)
    assert await b.take_all() == ["x1", "y1", "z1", "x2", "x3"]


async def test_routine_work_of_other_lanes_passes_a_full_lane() -> None:
    b = bench(lanes=_lanes(1))
    b.queue.add("x1")
    b.queue.add("x2")
    b.queue.add("y1", Priority.ROUTINE)
    assert await b.take_all() == ["x1", "y1"]


async def test_a_cancelled_worker_does_not_lose_the_key_it_was_given() -> None:
    b = bench()
    taker = asyncio.ensure_future(b.queue.take())
    await asyncio.sleep(0)
    b.queue.add("a")
    taker.cancel()
    await asyncio.gather(taker, return_exceptions=True)
    assert await b.take_all() == ["a"]


async def test_closing_ends_the_workers_and_takes_nothing_new() -> None:
    b = bench()
    taker = asyncio.ensure_future(b.queue.take())
    await asyncio.sleep(0)
    b.queue.close()
    b.queue.add("a")
    with pytest.raises(QueueClosedError):
        await taker
    with pytest.raises(QueueClosedError):
        await b.queue.take()


async def test_the_observer_sees_depth_age_and_retries() -> None:
    observed = Observed()
    b = bench(observer=observed)
    b.queue.add("a")
    b.queue.add("b")
    b.time.advance(5)
    b.queue.failed(await b.queue.take())
    assert max(observed.depths) == 2
    assert observed.depths[-1] == 1
    assert observed.waits == [5.0]
    assert observed.retries == 1


async def test_overtaken_delays_do_not_pile_up() -> None:
    b = bench()
    for _ in range(5_000):
        b.queue.add("a")
        b.queue.done(await b.queue.take(), requeue_after=3600)
    assert len(b.queue._heap) < 2_000
