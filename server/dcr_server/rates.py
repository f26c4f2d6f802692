"""Rates as people write them, and who has used up theirs: token buckets in memory.

60/1m: sixty at once, then one a second. Each process counts for itself and forgets at its end.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Annotated, Final, NamedTuple

from pydantic import BeforeValidator

from dcr_server.durations import parse_duration

_MOST_EVENTS: Final = 1_000_000
_SECOND: Final = 1_000_000_000
MOST_BUCKETS: Final = 20_000
"""Some three megabytes; beyond it those are forgotten that were not used for longest."""


class Rate(NamedTuple):
    """So many events in so many seconds."""

    events: int
    seconds: int


def parse_rate(text: str) -> Rate:
    """Raises ValueError with a text that shows the form."""
    events, _, duration = text.partition("/")
    if not (events.isascii() and events.isdecimal() and 0 < int(events[:8]) <= _MOST_EVENTS):
        raise ValueError("write how many and in which time, such as 60/1m or 10/1h")
    return Rate(int(events), parse_duration(duration))


def _rate(value: object) -> object:
    return parse_rate(value) if isinstance(value, str) else value


ParsedRate = Annotated[Rate, BeforeValidator(_rate)]
"""A member of a model: text in a file, a Rate in the program."""


class Buckets:
    """One bucket for each key; what is kept of it is the time at which it will be full again.

    Times are kept as whole nanoseconds: sums of fractions would drift.
    """

    def __init__(self, most: int = MOST_BUCKETS) -> None:
        self._most = most
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: str, rate: Rate, now: float) -> int:
        """Return 0 when an event may happen now, else the seconds until then, rounded up."""
        at = int(now * _SECOND)
        return _wait(self._full_after_one_more(key, rate, at), rate, at)

    def take(self, key: str, rate: Rate, now: float) -> int:
        """Let an event happen and return 0; else change nothing and return the seconds."""
        at = int(now * _SECOND)
        full_at = self._full_after_one_more(key, rate, at)
        wait = _wait(full_at, rate, at)
        if not wait:
            self._keep(key, full_at)
        return wait

    def _full_after_one_more(self, key: str, rate: Rate, at: int) -> int:
        # A clock that was set back, or a rate that was narrowed, makes nobody wait for longer
        # than it takes to fill the bucket.
        full_at = min(self._full_at.get(key, at), at + rate.seconds * _SECOND)
        return max(full_at, at) + rate.seconds * _SECOND // rate.events

    def _keep(self, key: str, full_at: int) -> None:
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process counts."""

    subjects: Buckets = field(default_factory=Buckets)
    """Registrations by the owner that a token names."""
    addresses: Buckets = field(default_factory=Buckets)
    """Registrations without a token."""
    repeats: Buckets = field(default_factory=Buckets)
    """Repeats by the same, when their registrations are used up."""
    failures: Buckets = field(default_factory=Buckets)
    """Failed authentications by address."""


def _wait(full_at: int, rate: Rate, at: int) -> int:
    return max(0, -((at + rate.seconds * _SECOND - full_at) // _SECOND))
