import pytest

from dcr_operator.backoff import Backoff


@pytest.mark.parametrize(
    ("failures", "delay"),
    [(1, 1.0), (2, 2.0), (3, 4.0), (9, 256.0), (10, 300.0), (11, 300.0), (100_000, 300.0)],
)
def test_the_delay_doubles_from_one_second_to_five_minutes(failures: int, delay: float) -> None:
    assert Backoff(random=lambda: 0.0).delay(failures) == delay


def test_jitter_takes_up_to_a_quarter_off() -> None:
    assert Backoff(random=lambda: 1.0).delay(3) == 3.0
