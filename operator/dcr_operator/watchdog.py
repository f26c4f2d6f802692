"""Notices that the process only seems alive, so that the kubelet starts it anew.

A loop that lags, a pass that never ends, a watch that has fallen silent.
"""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

WATCH_SILENCE = 180.0  # an API server sends a bookmark about every minute
LOOP_LAG = 30.0
LONGEST_PASS = 300.0
_TICK = 5.0


@dataclass(slots=True)
class Watchdog:
    clock: Callable[[], float]
    _beat: float | None = None
    _passes: dict[Hashable, float] = field(default_factory=dict)

    async def run(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Beat as long as the event loop turns."""
        while True:
            self._beat = self.clock()
            await sleep(_TICK)

    def started(self, key: Hashable) -> None:
        self._passes[key] = self.clock()

    def ended(self, key: Hashable) -> None:
        self._passes.pop(key, None)

    def loop_problem(self) -> str | None:
        """The request that asks is served late when the loop lags: so compare beats."""
        if self._beat is None or self.clock() - self._beat <= LOOP_LAG + _TICK:
            return None
        return "the event loop lags"

    def pass_problem(self) -> str | None:
        now = self.clock()
        stuck = sum(now - since > LONGEST_PASS for since in self._passes.values())
        return f"{stuck} passes take longer than {LONGEST_PASS:.0f} s" if stuck else None
