import pytest

from dcr_operator.watchdog import Watchdog
from tests.fakes.virtual_time import VirtualTime


def test_a_pass_that_takes_forever_is_a_problem() -> None:
    time = VirtualTime()
    watchdog = Watchdog(time.time)
    watchdog.started("a")
    watchdog.started("b")
    watchdog.ended("b")
    time.advance(300)
    assert watchdog.pass_problem() is None
    time.advance(1)
    assert watchdog.pass_problem() == "1 passes take longer than 300 s"
    watchdog.ended("a")
    assert watchdog.pass_problem() is None


class EnoughError(Exception):
    """Ends the beating."""


async def test_a_loop_that_lags_is_a_problem() -> None:
    time = VirtualTime()
    watchdog = Watchdog(time.time)
    seen: list[str | None] = [watchdog.loop_problem()]

    async def lag(seconds: float) -> None:
        time.advance(seconds)
        seen.append(watchdog.loop_problem())
        time.advance(31)
        seen.append(watchdog.loop_problem())
        raise EnoughError

    with pytest.raises(EnoughError):
        await watchdog.run(lag)
    assert seen == [None, None, "the event loop lags"]
