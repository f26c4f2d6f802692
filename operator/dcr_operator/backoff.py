"""How long to wait before an object, a provider or a watch is tried again.

Exponential from one second to five minutes, shortened at random so that objects
that failed together do not come back together.
"""

from collections.abc import Callable
from dataclasses import dataclass

_SPREAD = 0.25
_LARGEST_EXPONENT = 32  # 2.0 ** n must not overflow for an object that fails for weeks


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds to wait after the n-th failure in a row; ``random`` yields [0, 1)."""

    random: Callable[[], float]
    first: float = 1.0
    ceiling: float = 300.0

    def delay(self, failures: int) -> float:
        exponent = min(max(failures, 1) - 1, _LARGEST_EXPONENT)
        whole: float = min(self.ceiling, self.first * 2.0**exponent)
        return whole * (1.0 - _SPREAD * self.random())
