"""The queue between events and reconcile workers.

Keyed and de-duplicated: a key waits once and is never with two workers; an event
during work puts it back afterwards. Two priorities: what people changed goes before
resync and the start-up herd. Keys belong to lanes (their provider), a lane holds at
most its share of the workers and takes turns with the others, so that a slow provider
delays only its own clients. Time is a parameter; all of it runs on one event loop.
"""

import asyncio
import heapq
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, Protocol, TypeVar

from dcr_operator.backoff import Backoff

Key = TypeVar("Key", bound=Hashable)

_STALE_ENTRIES = 1_000  # overtaken delays that may stay in the heap before it is swept


class Priority(IntEnum):
    CHANGED = 0
    ROUTINE = 1


class Alarm(Protocol):
    def cancel(self) -> None: ...


class Timer(Protocol):
    """What the queue needs of an event loop."""

    def time(self) -> float: ...
    def call_later(self, delay: float, callback: Callable[[], None], /) -> Alarm: ...


class QueueObserver(Protocol):
    def depth(self, keys: int) -> None: ...
    def waited(self, seconds: float) -> None: ...
    def retried(self) -> None: ...


class QueueClosedError(Exception):
    """Raised by take() once the queue was closed: the worker ends."""


@dataclass(frozen=True, slots=True)
class Lanes(Generic[Key]):
    """Which lane a key belongs to, and how many workers a lane, or a pool of lanes, may hold."""

    lane_of: Callable[[Key], Hashable] = lambda _key: None
    pool_of: Callable[[Hashable], Hashable | None] = lambda _lane: None
    limit_of: Callable[[Hashable], int] = lambda _lane: 1_000_000


@dataclass(slots=True)
class _Ready(Generic[Key]):
    """Keys in the order of arrival, one line for each lane, lanes taking turns."""

    lines: OrderedDict[Hashable, deque[Key]] = field(default_factory=OrderedDict)

    def push(self, lane: Hashable, key: Key) -> None:
        self.lines.setdefault(lane, deque()).append(key)

    def pop(self, has_room: Callable[[Hashable], bool]) -> Key | None:
        for lane, line in self.lines.items():
            if has_room(lane):
                key = line.popleft()
                self.lines.move_to_end(lane)
                if not line:
                    del self.lines[lane]
                return key
        return None

    def discard(self, lane: Hashable, key: Key) -> None:
        line = self.lines[lane]
        line.remove(key)
        if not line:
            del self.lines[lane]


@dataclass(frozen=True, slots=True)
class _Waiting:
    priority: Priority
    lane: Hashable
    since: float


class WorkQueue(Generic[Key]):
    """Not thread-safe: every call comes from the event loop's thread."""

    def __init__(
        self,
        timer: Timer,
        backoff: Backoff,
        *,
        observer: QueueObserver | None = None,
        lanes: Lanes[Key] | None = None,
    ) -> None:
        self._timer = timer
        self._backoff = backoff
        self._observer = observer
        self._lanes = lanes or Lanes()
        self._ready: dict[Priority, _Ready[Key]] = {each: _Ready() for each in Priority}
        self._waiting: dict[Key, _Waiting] = {}
        self._active: dict[Key, Hashable] = {}
        self._again: dict[Key, Priority] = {}
        self._held: dict[Hashable, int] = {}
        self._failures: dict[Key, int] = {}
        self._delayed: dict[Key, tuple[float, int]] = {}  # due, and which entry of the heap
        self._heap: list[tuple[float, int, Key]] = []
        self._sequence = 0
        self._alarm: Alarm | None = None
        self._takers: deque[asyncio.Future[Key]] = deque()
        self._closed = False

    def add(self, key: Key, priority: Priority = Priority.CHANGED) -> None:
        """Queue the key now, or after the work on it that is under way."""
        if self._closed:
            return
        if key in self._active:
            self._again[key] = min(priority, self._again.get(key, priority))
            return
        waiting = self._waiting.get(key)
        if waiting is not None:
            if waiting.priority <= priority:
                return
            self._ready[waiting.priority].discard(waiting.lane, key)
        since = self._timer.time() if waiting is None else waiting.since
        lane = self._lanes.lane_of(key)
        self._waiting[key] = _Waiting(priority, lane, since)
        self._ready[priority].push(lane, key)
        self._hand_out()

    def add_after(self, key: Key, delay: float) -> None:
        """Queue the key after ``delay`` seconds, earlier if it was due earlier."""
        due = self._timer.time() + max(delay, 0.0)
        if self._closed or (key in self._delayed and self._delayed[key][0] <= due):
            return
        self._sequence += 1
        self._delayed[key] = (due, self._sequence)
        heapq.heappush(self._heap, (due, self._sequence, key))
        if len(self._heap) > 2 * len(self._delayed) + _STALE_ENTRIES:
            self._heap = [entry for entry in self._heap if self._is_current(entry)]
            heapq.heapify(self._heap)
        self._set_alarm()

    def reset_backoff(self, key: Key) -> None:
        """Forget failures: what the key stands for has changed."""
        self._failures.pop(key, None)

    async def take(self) -> Key:
        """Wait for a key that no other worker holds.

        Raises QueueClosedError once the queue is closed.
        """
        if self._closed:
            raise QueueClosedError
        taker: asyncio.Future[Key] = asyncio.get_running_loop().create_future()
        self._takers.append(taker)
        self._hand_out()
        try:
            return await taker
        except asyncio.CancelledError:
            if taker.done() and not taker.cancelled() and taker.exception() is None:
                self._again.setdefault(taker.result(), Priority.CHANGED)
                self._give_back(taker.result(), None)
            raise

    def done(self, key: Key, *, requeue_after: float | None = None) -> None:
        """Give the key back after a pass that did what there was to do."""
        self._failures.pop(key, None)
        self._give_back(key, requeue_after)

    def failed(self, key: Key, *, retry_after: float | None = None) -> float:
        """Give the key back after a failed pass; returns the delay until the next.

        What was asked for by Retry-After only lengthens our own back-off: a server that says
        0 over and over would be asked without a pause.
        """
        failures = self._failures.get(key, 0) + 1
        self._failures[key] = failures
        delay = max(self._backoff.delay(failures), retry_after or 0.0)
        if self._observer is not None:
            self._observer.retried()
        self._give_back(key, delay)
        return delay

    def close(self) -> None:
        """End the workers as they come back; keys still waiting are dropped."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        for taker in self._takers:
            if not taker.done():
                taker.set_exception(QueueClosedError())
        self._takers.clear()

    def __len__(self) -> int:
        return len(self._waiting)

    def _give_back(self, key: Key, delay: float | None) -> None:
        self._release(key)
        again = self._again.pop(key, None)
        if again is not None:
            self.add(key, again)
        elif delay is not None:
            self.add_after(key, delay)
        self._hand_out()

    def _release(self, key: Key) -> None:
        for holder in self._holders(self._active.pop(key)):
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]

    def _hand_out(self) -> None:
        while self._takers:
            if self._takers[0].done():  # its worker was cancelled
                self._takers.popleft()
                continue
            key = self._next()
            if key is None:
                break
            self._takers.popleft().set_result(key)
        if self._observer is not None:
            self._observer.depth(len(self._waiting))

    def _next(self) -> Key | None:
        for priority in Priority:
            key = self._ready[priority].pop(self._has_room)
            if key is not None:
                waiting = self._waiting.pop(key)
                self._active[key] = waiting.lane
                for holder in self._holders(waiting.lane):
                    self._held[holder] = self._held.get(holder, 0) + 1
                # The pass that starts now decides when the next one is due.
                self._delayed.pop(key, None)
                if self._observer is not None:
                    self._observer.waited(self._timer.time() - waiting.since)
                return key
        return None

    def _has_room(self, lane: Hashable) -> bool:
        return all(
            self._held.get(holder, 0) < self._lanes.limit_of(holder)
            for holder in self._holders(lane)
        )

    def _holders(self, lane: Hashable) -> tuple[Hashable, ...]:
        """The lane, and the pool that it shares with others."""
        pool = self._lanes.pool_of(lane)
        return (lane,) if pool is None else (lane, pool)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._heap:
            delay = max(self._heap[0][0] - self._timer.time(), 0.0)
            self._alarm = self._timer.call_later(delay, self._ring)

    def _ring(self) -> None:
        now = self._timer.time()
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            if self._is_current(entry):
                del self._delayed[entry[2]]
                self.add(entry[2], Priority.ROUTINE)
        self._set_alarm()

    def _is_current(self, entry: tuple[float, int, Key]) -> bool:
        """Whether neither an earlier delay nor a pass has overtaken the entry."""
        due, sequence, key = entry
        return self._delayed.get(key) == (due, sequence)
