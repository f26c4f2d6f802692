"""Reconcile workers: take a key, make one pass, give the key back as the pass says.

The one place where every exception is caught: what nobody foresaw is logged with its
traceback and tried again later, and no other object suffers from it.
"""

import asyncio
import time
from dataclasses import dataclass

import structlog

from dcr_operator.kube import Key
from dcr_operator.metrics import CONTROLLER, Metrics
from dcr_operator.ports import Context, Reconcile, Result
from dcr_operator.reasons import Reason
from dcr_operator.watchdog import Watchdog
from dcr_operator.work_queue import QueueClosedError, WorkQueue

# With uninterrupted.GRACE below watchdog.LONGEST_PASS, after which the kubelet starts the process
# anew. What a pass has done is in the record, and the next one goes on from there.
LONGEST = 100.0

log = structlog.get_logger("dcr_operator")


@dataclass(frozen=True, slots=True)
class Workers:
    queue: WorkQueue[Key]
    reconcile: Reconcile
    context: Context
    metrics: Metrics
    watchdog: Watchdog
    longest: float = LONGEST  # seconds until a pass is cut short

    def start(self, count: int) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self._work(), name=f"worker-{n}") for n in range(count)]

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.take()
            except QueueClosedError:
                return
            self._give_back(key, await self._pass(key))

    async def _pass(self, key: Key) -> Result:
        start = time.perf_counter()
        self.watchdog.started(key)
        limit = asyncio.timeout(self.longest)
        with self.metrics.active_workers.labels(CONTROLLER).track_inprogress():
            try:
                async with limit:
                    result = await self.reconcile(key, self.context)
            except Exception as error:  # the process's one boundary
                if isinstance(error, TimeoutError) and limit.expired():
                    log.warning("pass cut short", key=str(key), seconds=self.longest)
                else:
                    log.exception("pass failed", key=str(key), reason=Reason.INTERNAL_ERROR.value)
                result = Result(Reason.INTERNAL_ERROR.value, failed=True)
            finally:
                self.watchdog.ended(key)
        seconds = time.perf_counter() - start
        self.metrics.reconcile_seconds.labels(CONTROLLER).observe(seconds)
        self._tell(key, result, seconds)
        return result

    def _tell(self, key: Key, result: Result, seconds: float) -> None:
        outcome = (
            "error" if result.failed else "requeue_after" if result.requeue_after else "success"
        )
        self.metrics.reconciles.labels(CONTROLLER, outcome).inc()
        tell = log.warning if result.failed else log.debug
        tell(
            "pass",
            key=str(key),
            reason=result.reason,
            provider=result.provider,
            milliseconds=round(seconds * 1000, 1),
        )

    def _give_back(self, key: Key, result: Result) -> None:
        if result.failed:
            self.queue.failed(key, retry_after=result.requeue_after)
        else:
            self.queue.done(key, requeue_after=result.requeue_after)
