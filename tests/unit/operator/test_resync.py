"""Reading again is spread over the interval and costs no write."""

from datetime import UTC, datetime, timedelta

from dcr_operator.resync import InMemoryResync, next_moment

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = 3600.0


def test_every_client_has_its_own_moment_within_the_interval() -> None:
    moments = [next_moment(f"uid-{n}", HOUR, NOW) - NOW.timestamp() for n in range(1000)]
    assert all(0 < moment <= HOUR for moment in moments)
    quarters = [sum(n * 900 < moment <= (n + 1) * 900 for moment in moments) for n in range(4)]
    assert min(quarters) > 200


def test_a_client_is_due_once_an_interval_and_after_a_start_within_one() -> None:
    schedule = InMemoryResync()
    assert not schedule.is_due("uid", HOUR, NOW)
    wait = schedule.seconds_until_due("uid", HOUR, NOW)
    then = NOW + timedelta(seconds=wait + 1)
    assert schedule.is_due("uid", HOUR, then)
    schedule.done("uid", HOUR, then)
    assert not schedule.is_due("uid", HOUR, then)
    assert 0 < schedule.seconds_until_due("uid", HOUR, then) <= HOUR


def test_another_interval_is_another_moment() -> None:
    schedule = InMemoryResync()
    assert schedule.seconds_until_due("uid", HOUR, NOW) <= HOUR
    assert schedule.seconds_until_due("uid", 60.0, NOW) <= 60.0


def test_never_is_never() -> None:
    schedule = InMemoryResync()
    assert not schedule.is_due("uid", 0.0, NOW)
    schedule.done("uid", 0.0, NOW)
    schedule.forget("uid")
