from datetime import UTC, datetime, timedelta

import pytest

from dcr_operator.rotation_schedule import (
    SHORTEST_INTERVAL,
    Rotation,
    moment,
    next_change,
    next_rotation,
    secret_is_expired,
)
from tests.fakes.operator_states import NOW, registration

DAY = timedelta(days=1)
EVERY_MONTH = Rotation(every=30 * DAY)
BEFORE = Rotation(before_expiry=DAY)


def seconds(at: datetime) -> int:
    return int(at.timestamp())


@pytest.mark.parametrize(
    ("rotation", "lifetime", "expected"),
    [
        pytest.param(Rotation(), None, None, id="never, when nothing is wanted and none expires"),
        pytest.param(Rotation(), 90 * DAY, 90 * DAY, id="at its end, when nothing is wanted"),
        pytest.param(EVERY_MONTH, None, 30 * DAY, id="when it is as old as wanted"),
        pytest.param(BEFORE, None, None, id="never before an end that does not come"),
        pytest.param(BEFORE, 90 * DAY, 89 * DAY, id="as long before its end as wanted"),
        pytest.param(BEFORE, 0.9 * DAY, 0.6 * DAY, id="in the last third of a short life"),
        pytest.param(BEFORE, DAY, DAY * 2 / 3, id="a life as short as that is short"),
        pytest.param(
            Rotation(every=30 * DAY, before_expiry=DAY), 90 * DAY, 30 * DAY, id="by age first"
        ),
        pytest.param(
            Rotation(every=30 * DAY, before_expiry=DAY), 10 * DAY, 9 * DAY, id="by expiry first"
        ),
        pytest.param(EVERY_MONTH, -DAY, SHORTEST_INTERVAL, id="not at once, if it comes expired"),
    ],
)
def test_when_a_secret_is_rotated(
    rotation: Rotation, lifetime: timedelta | None, expected: timedelta | None
) -> None:
    held = registration(
        secret_issued_at=NOW,
        client_secret_expires_at=None if lifetime is None else seconds(NOW + lifetime),
    )
    due = next_rotation(rotation, held)
    assert due == (None if expected is None else NOW + expected)


def test_what_an_older_version_registered_has_the_age_of_its_client_id() -> None:
    held = registration(client_id_issued_at=seconds(NOW))
    assert next_rotation(EVERY_MONTH, held) == NOW + 30 * DAY


def test_a_secret_of_unknown_age_is_old() -> None:
    due = next_rotation(EVERY_MONTH, registration())
    assert due is not None
    assert due < NOW


@pytest.mark.parametrize("odd", [0, None, 10**30, -(10**30)])
def test_an_end_that_no_calendar_has_never_comes(odd: int | None) -> None:
    assert moment(odd) is None
    assert not secret_is_expired(registration(client_secret_expires_at=odd), NOW)


def test_a_secret_is_expired_from_its_end_on() -> None:
    held = registration(client_secret_expires_at=seconds(NOW))
    assert secret_is_expired(held, NOW)
    assert not secret_is_expired(held, NOW - timedelta(seconds=1))


def test_the_next_change_is_the_end_of_the_overlap_or_the_rotation() -> None:
    held = registration(
        secret_issued_at=NOW,
        previous_client_secret_expires_at=seconds(NOW + timedelta(hours=1)),
    )
    assert next_change(EVERY_MONTH, held, NOW) == NOW + timedelta(hours=1)
    assert next_change(EVERY_MONTH, held, NOW + timedelta(hours=1)) == NOW + 30 * DAY


def test_what_is_overdue_is_no_change_to_wait_for() -> None:
    held = registration(secret_issued_at=NOW)
    assert next_change(EVERY_MONTH, held, NOW + 31 * DAY) is None
    assert next_change(EVERY_MONTH, None, NOW) is None


def test_times_are_those_of_utc() -> None:
    assert moment(1_700_000_000) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
