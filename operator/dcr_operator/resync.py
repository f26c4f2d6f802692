"""When a registration is read again: at moments spread over the interval by a hash of the uid.

In memory on purpose: a heartbeat in status or record would be a write. After a start the first
moment comes within one interval, and never all at once.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime


def next_moment(uid: str, every: float, after: datetime) -> float:
    """Return the first of this client's moments after `after`, in seconds since 1970."""
    digest = hashlib.sha256(uid.encode()).digest()
    offset = int.from_bytes(digest[:8]) / 2**64 * every
    passed = (after.timestamp() - offset) // every
    return offset + (passed + 1) * every


@dataclass(slots=True)
class InMemoryResync:
    """The `ResyncSchedule` of one process."""

    _due: dict[str, tuple[float, float]] = field(default_factory=dict)  # uid: (every, moment)

    def is_due(self, uid: str, every: float, now: datetime) -> bool:
        return every > 0 and now.timestamp() >= self._moment(uid, every, now)

    def seconds_until_due(self, uid: str, every: float, now: datetime) -> float:
        return max(0.0, self._moment(uid, every, now) - now.timestamp())

    def done(self, uid: str, every: float, now: datetime) -> None:
        if every > 0:
            self._due[uid] = (every, next_moment(uid, every, now))

    def forget(self, uid: str) -> None:
        self._due.pop(uid, None)

    def _moment(self, uid: str, every: float, now: datetime) -> float:
        known = self._due.get(uid)
        if known is None or known[0] != every:
            known = (every, next_moment(uid, every, now))
            self._due[uid] = known
        return known[1]
