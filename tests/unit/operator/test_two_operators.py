"""Two operators at once, without leadership: still correct, only slower.

One of them is interrupted around each of its writes and requests by any number of calls of the
other; `make crash-points` does so at each call, and for each kind of provider.
"""

import pytest

from tests.simulator.scenarios import SCENARIOS, Scenario
from tests.simulator.simulation import Simulator
from tests.simulator.two_operators import all_turns, explore_two

SIMULATOR = Simulator()
KIND = "not idempotent"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.name for each in SCENARIOS])
async def test_two_operators_end_as_one(scenario: Scenario) -> None:
    explored = await explore_two(SIMULATOR, scenario, KIND, everywhere=False)
    print(f"\n{explored.line()}")
    assert explored.failures == []
    assert explored.runs > explored.effects > 0


def test_turns_are_all_that_there_are() -> None:
    assert list(all_turns(2, 2)) == [(1, 1), (1, 2), (2, 1), (2, 2)]
