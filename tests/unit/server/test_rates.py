"""Token buckets: as many at once as the rate says, then one at a time, in bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcr_server.rates import Buckets, Rate, parse_rate

NOW = 1_800_000_000.0
# Eighths of a second: adding whole seconds to them is exact.
MOMENTS = st.integers(0, 2**35).map(lambda eighths: eighths / 8)
RATES = st.builds(Rate, st.integers(1, 500), st.integers(1, 100_000))


@pytest.mark.parametrize(
    ("text", "rate"),
    [("60/1m", Rate(60, 60)), ("10/1h", Rate(10, 3600)), ("1/30d", Rate(1, 30 * 86400))],
)
def test_a_rate_is_a_number_and_a_duration(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "60", "60/", "/1m", "0/1m", "-1/1m", "1.5/1m", "60/1", "60/m", "60 / 1m", "٣/1m"]
)
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as (60/1m|90s)"):
        parse_rate(text)


def test_a_rate_that_nobody_can_reach_is_refused() -> None:
    with pytest.raises(ValueError, match="how many"):
        parse_rate("1000001/1m")


@given(RATES, MOMENTS)
def test_as_many_events_at_once_as_the_rate_says_and_no_more(rate: Rate, now: float) -> None:
    buckets = Buckets()
    assert [buckets.take("a", rate, now) for _ in range(rate.events)] == [0] * rate.events
    assert buckets.take("a", rate, now) > 0


@given(RATES, MOMENTS)
def test_s094_the_wait_is_true_and_no_longer_than_needed(rate: Rate, now: float) -> None:
    buckets = Buckets()
    while not (wait := buckets.take("a", rate, now)):
        pass
    assert 1 <= wait <= rate.seconds
    assert buckets.wait("a", rate, now) == wait
    # Within a second, which is what the header can say.
    assert wait == 1 or buckets.wait("a", rate, now + wait - 1.01) > 0
    assert buckets.take("a", rate, now + wait) == 0


def test_a_refused_event_costs_nothing() -> None:
    buckets, rate = Buckets(), Rate(1, 60)
    assert buckets.take("a", rate, NOW) == 0
    assert [buckets.take("a", rate, NOW + second) for second in (0, 30, 59)] == [60, 30, 1]
    assert buckets.take("a", rate, NOW + 60) == 0


def test_keys_do_not_share() -> None:
    buckets, rate = Buckets(), Rate(1, 60)
    assert buckets.take("a", rate, NOW) == 0
    assert buckets.take("b", rate, NOW) == 0


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    buckets, rate = Buckets(), Rate(1, 60)
    assert buckets.take("a", rate, NOW) == 0
    assert buckets.take("a", rate, NOW - 86400) == 60


def test_a_bounded_number_of_buckets_is_kept_the_least_used_goes_first() -> None:
    buckets, rate = Buckets(most=3), Rate(1, 60)
    for key in ("a", "b", "c"):
        assert buckets.take(key, rate, NOW) == 0
    # Used again, once it may: "b" is now the one that was not used for longest.
    assert buckets.take("a", rate, NOW + 60) == 0
    assert buckets.take("d", rate, NOW + 60) == 0
    assert len(buckets) == 3
    assert buckets.wait("a", rate, NOW + 61) > 0
    assert buckets.wait("b", rate, NOW + 1) == 0
