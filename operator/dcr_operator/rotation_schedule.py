"""When credentials are rotated, and when those before them end. Pure.

Our clock says how old a secret is, the provider's when it ends (RFC 7591 §3.2.1).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from dcr_operator.record_state import Registration

# A secret that has ended by our clock when it is issued must not be rotated without a pause.
SHORTEST_INTERVAL: Final = timedelta(seconds=10)
# Where a secret lives for less than `beforeExpiry` it is rotated in the last third of its life.
_LAST_PART: Final = 3
_LONG_AGO: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a resource wants of the rotation of its client secret."""

    every: timedelta | None = None
    before_expiry: timedelta | None = None
    overlap: timedelta = timedelta(hours=1)
    reregister: bool = False  # another client takes the place of this one


def moment(seconds: int | None) -> datetime | None:
    """Return a time of RFC 7591 §3.2.1; None for 0 and for what no calendar has."""
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def secret_is_expired(registration: Registration, now: datetime) -> bool:
    end = moment(registration.client_secret_expires_at)
    return end is not None and end <= now


def overlap_end(registration: Registration) -> datetime | None:
    """Return until when the secret before is valid; None: there is none."""
    return moment(registration.previous_client_secret_expires_at)


def next_rotation(rotation: Rotation, registration: Registration) -> datetime | None:
    """Return when the secret is to be rotated by the calendar; None: never."""
    issued = registration.secret_issued_at or moment(registration.client_id_issued_at)
    end = moment(registration.client_secret_expires_at)
    moments = []
    if rotation.every is not None:
        moments.append(issued + rotation.every if issued else _LONG_AGO)
    if end is not None:
        moments.append(end - _ahead(rotation, issued, end))
    if not moments:
        return None
    earliest = min(moments)
    return max(earliest, issued + SHORTEST_INTERVAL) if issued else earliest


def _ahead(rotation: Rotation, issued: datetime | None, end: datetime) -> timedelta:
    """Return how long before its end a secret is rotated; without a wish, at its end."""
    ahead = rotation.before_expiry or timedelta(0)
    if issued is None or issued + ahead < end:
        return ahead
    return max((end - issued) / _LAST_PART, timedelta(0))


def next_change(
    rotation: Rotation, registration: Registration | None, now: datetime
) -> datetime | None:
    """Return the next moment after now at which something is due by the calendar."""
    if registration is None:
        return None
    moments = (next_rotation(rotation, registration), overlap_end(registration))
    return min((each for each in moments if each is not None and each > now), default=None)
