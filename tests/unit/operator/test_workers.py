import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from dcr_operator.backoff import Backoff
from dcr_operator.kube import Key
from dcr_operator.metrics import Metrics
from dcr_operator.ports import Context, Result
from dcr_operator.watchdog import Watchdog
from dcr_operator.work_queue import WorkQueue
from dcr_operator.workers import LONGEST, Workers
from tests.fakes.virtual_time import VirtualTime

APP = Key("OAuthClient", "team", "app")
OTHER = Key("OAuthClient", "team", "other")


class NoContext(Context):
    """The passes of these tests look at nothing."""

    def __init__(self) -> None:
        pass


@dataclass
class Bench:
    passes: Callable[[Key], Awaitable[Result]]
    time: VirtualTime = field(default_factory=VirtualTime)
    longest: float = LONGEST
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(self.time, Backoff(lambda: 0.0))

    async def reconcile(self, key: Key, context: Context) -> Result:
        assert isinstance(context, NoContext)
        return await self.passes(key)

    async def work(self, *keys: Key) -> None:
        """Let the workers empty the queue."""
        watchdog = Watchdog(self.time.time)
        workers = Workers(
            self.queue, self.reconcile, NoContext(), self.metrics, watchdog, self.longest
        )
        running = workers.start(2)
        for key in keys:
            self.queue.add(key)
        for _ in range(20):
            await asyncio.sleep(self.longest if self.longest < LONGEST else 0)
        self.queue.close()
        await asyncio.gather(*running)

    def counted(self, result: str) -> float | None:
        labels = {"controller": "oauthclient", "result": result}
        return self.metrics.registry.get_sample_value("controller_runtime_reconcile_total", labels)


@pytest.mark.parametrize(
    ("result", "counted"),
    [
        (Result("Ready"), "success"),
        (Result("Ready", requeue_after=60), "requeue_after"),
        (Result("ProviderUnavailable", failed=True), "error"),
    ],
)
async def test_how_a_pass_ended_is_counted(result: Result, counted: str) -> None:
    async def passes(_key: Key) -> Result:
        return result

    bench = Bench(passes)
    await bench.work(APP)
    assert bench.counted(counted) == 1.0


async def test_what_nobody_foresaw_is_logged_and_harms_no_other_object() -> None:
    done: list[Key] = []

    async def passes(key: Key) -> Result:
        if key == APP:
            raise ZeroDivisionError
        done.append(key)
        return Result("Ready")

    bench = Bench(passes)
    with capture_logs() as logs:
        await bench.work(APP, OTHER)
    assert done == [OTHER]
    assert bench.counted("error") == 1.0
    (entry,) = [each for each in logs if each["event"] == "pass failed"]
    assert (entry["key"], entry["reason"]) == (str(APP), "InternalError")


async def test_closing_lets_a_pass_come_to_its_end() -> None:
    finish = asyncio.Event()
    ended: list[Key] = []

    async def passes(key: Key) -> Result:
        await finish.wait()
        ended.append(key)
        return Result("Ready")

    bench = Bench(passes)
    working = asyncio.ensure_future(bench.work(APP))
    for _ in range(30):
        await asyncio.sleep(0)
    assert ended == []
    finish.set()
    await working
    assert ended == [APP]


async def test_a_pass_that_takes_too_long_is_cut_short_and_tried_again() -> None:
    async def passes(_key: Key) -> Result:
        await asyncio.Event().wait()
        return Result("Ready")

    bench = Bench(passes, longest=0.001)
    with capture_logs() as logs:
        await bench.work(APP)
    assert bench.counted("error") == 1.0
    (entry,) = [each for each in logs if each["event"] == "pass cut short"]
    assert entry["key"] == str(APP)


async def test_a_time_out_of_its_own_does_not_make_a_pass_one_that_was_cut_short() -> None:
    async def passes(_key: Key) -> Result:
        raise TimeoutError

    bench = Bench(passes)
    with capture_logs() as logs:
        await bench.work(APP)
    assert bench.counted("error") == 1.0
    assert "pass failed" in [each["event"] for each in logs]
