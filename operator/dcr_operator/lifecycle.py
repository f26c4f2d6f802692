"""From start to end of the process: probes, leadership, work, watches, and an orderly stop.

Workers, Lease and probes start before kopf, since kopf cancels at its end every task
that began after it. On SIGTERM work under way is finished and the Lease let go.
"""

import asyncio
import signal
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from dcr_operator.event_recorder import KubernetesEventRecorder
from dcr_operator.events import EventSource
from dcr_operator.health import HealthServer
from dcr_operator.kube import Key
from dcr_operator.lease import LEASE_NAME, Lease
from dcr_operator.left_records import LeftRecords
from dcr_operator.watch_streams import WatchStreams
from dcr_operator.watchdog import Watchdog
from dcr_operator.work_queue import WorkQueue
from dcr_operator.workers import Workers

# Together below the 60 seconds that the chart gives the pod.
_FINISH_WORK = 15.0
_FINISH_REQUESTS = 25.0  # of the passes cut short: an answer under way is still put on record
_FINISH_WATCHES = 8.0
_FINISH_EVENTS = 5.0

log = structlog.get_logger("dcr_operator")


@dataclass(slots=True)
class Lifecycle:
    """The running parts; main builds them, run() lives their life."""

    health: HealthServer
    watchdog: Watchdog
    streams: WatchStreams
    queue: WorkQueue[Key]
    workers: Workers
    worker_count: int
    recorder: KubernetesEventRecorder
    source: EventSource
    server_timeout: int
    lease: Lease | None
    left: LeftRecords
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _phase: str = "starting"
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def run(self) -> None:
        """Work until a signal; raises what ended the process otherwise."""
        self._listen_to_signals()
        self.health.ready.append(self._ready_problem)
        self.health.live += [self.watchdog.loop_problem, self.watchdog.pass_problem]
        self.health.live.append(self.streams.silence_problem)
        url = await self.health.start()
        log.info("listening", url=url)
        try:
            self._start(self.watchdog.run(asyncio.sleep), "watchdog")
            if await self._lead():
                await self._work()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.health.stop()

    async def _lead(self) -> bool:
        """Stand by until this process leads; False when it was told to stop before."""
        if self.lease is None:
            return True
        self._phase = "standing by"
        acquiring = asyncio.create_task(self.lease.acquire())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({acquiring, stopping}, return_when=asyncio.FIRST_COMPLETED)
        leads = acquiring.done() and not self._stop.is_set()
        for task in (acquiring, stopping):
            task.cancel()
        await asyncio.gather(acquiring, stopping, return_exceptions=True)
        if not leads:
            await self.lease.release()
        return leads

    async def _work(self) -> None:
        self._phase = "leading"
        self.health.metrics.leading.labels(LEASE_NAME).set(1)
        log.info("leading", workers=self.worker_count)
        self._start(self.recorder.run(), "events")
        working = self.workers.start(self.worker_count)
        vital: list[asyncio.Task[Any]] = list(working)
        if self.lease is not None:
            vital.append(self._start(self.lease.hold(), "lease"))
        stop_watching, started = asyncio.Event(), asyncio.Event()
        watching = asyncio.create_task(
            self.source.run(server_timeout=self.server_timeout, stop=stop_watching, started=started)
        )
        relay = self._start(self._signals_after(started), "signals")
        self._start(self.source.restore_unpublished(started, asyncio.sleep), "unpublished")
        self._start(self.left.look_once(started), "records")
        vital += [watching, asyncio.create_task(self._stop.wait())]
        try:
            done, _ = await asyncio.wait(vital, return_when=asyncio.FIRST_COMPLETED)
            relay.cancel()
        finally:
            await self._finish(working, watching, stop_watching)
        for task in done:
            task.result()  # raises what ended it

    async def _finish(
        self,
        working: list[asyncio.Task[None]],
        watching: asyncio.Task[None],
        stop_watching: asyncio.Event,
    ) -> None:
        """Bring work under way to its end, then the watches, then leadership."""
        log.info("stopping")
        self._phase = "stopping"
        self.queue.close()
        _, late = await asyncio.wait(working, timeout=_FINISH_WORK)
        if late:
            log.warning("passes cut short", count=len(late))
            for task in late:
                task.cancel()
            await asyncio.wait(late, timeout=_FINISH_REQUESTS)
        stop_watching.set()
        await asyncio.wait([watching], timeout=_FINISH_WATCHES)
        watching.cancel()
        await self._tell_the_rest()
        if self.lease is not None:
            await self.lease.release()
        self.health.metrics.leading.labels(LEASE_NAME).set(0)
        log.info("stopped")

    async def _tell_the_rest(self) -> None:
        try:
            await asyncio.wait_for(self.recorder.flush(), _FINISH_EVENTS)
        except TimeoutError:
            log.warning("Events were not written in time", count=self.recorder.untold)

    def _ready_problem(self) -> str | None:
        match self._phase:
            case "standing by":
                return None
            case "leading":
                return self.streams.ready_problem()
            case phase:
                return phase

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        return task

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)

    async def _signals_after(self, started: asyncio.Event) -> None:
        """Kopf takes the signals for itself, and would stop before our work is finished."""
        await started.wait()
        self._listen_to_signals()
