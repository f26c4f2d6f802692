"""What one provider is spared: requests per second, requests at once, and timeouts.

The circuit opens after failures in a row; while it is open, requests are answered
here without being sent, so that clients of a dead provider cost no waiting. One
request at a time tries whether it is back. Time is a parameter.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dcr_operator.backoff import Backoff


@dataclass(slots=True)
class TokenBucket:
    """Tokens flow in at ``rate`` per second up to ``burst``; rate 0 means no limit."""

    rate: float
    burst: float
    clock: Callable[[], float]
    _tokens: float | None = None
    _at: float = 0.0

    def reserve(self, *, patience: float) -> float | None:
        """Take a token and say how long to wait for it; None if that is too long."""
        if self.rate <= 0:
            return 0.0
        now = self.clock()
        full = max(self.burst, 1.0)
        tokens = full if self._tokens is None else self._tokens + (now - self._at) * self.rate
        self._tokens, self._at = min(full, tokens), now
        wait = max(0.0, (1.0 - self._tokens) / self.rate)
        if wait > patience:
            return None
        self._tokens -= 1.0
        return wait


@dataclass(slots=True)
class CircuitBreaker:
    """Closed, open until a moment, or half open: one request tries."""

    clock: Callable[[], float]
    backoff: Backoff
    threshold: int = 5
    _failures: int = 0
    _open_until: float = 0.0
    _trying: bool = False

    def admits(self) -> bool:
        """Whether a request may be sent; when half open, only the first that asks."""
        if self._failures < self.threshold:
            return True
        if self._trying or self.clock() < self._open_until:
            return False
        self._trying = True
        return True

    def retry_after(self) -> float:
        """Seconds until the next try, at least one."""
        return max(1.0, self._open_until - self.clock())

    def succeeded(self) -> None:
        self._failures = 0
        self._trying = False

    def failed(self) -> None:
        self._failures += 1
        self._trying = False
        if self._failures >= self.threshold:
            beyond = self._failures - self.threshold + 1
            self._open_until = self.clock() + self.backoff.delay(beyond)

    def abandoned(self) -> None:
        """End a request without a verdict: it was cancelled."""
        self._trying = False
