"""Whatever happens at whatever outbound call of an operation, it ends as its resource says.

A sample of `make crash-points`: three of the five kinds of providers, each fault and each edit that
leaves a world of its own, and what a person does after each fault. See tests/simulator.
"""

import pytest

from tests.simulator.exploration import HEADER, Depth, explore
from tests.simulator.provider_kinds import ORDINARY
from tests.simulator.scenarios import SCENARIOS, Scenario
from tests.simulator.simulation import Simulator

SIMULATOR = Simulator()


@pytest.mark.parametrize("kind", ORDINARY)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.name for each in SCENARIOS])
async def test_an_operation_survives_everything_at_every_point(
    scenario: Scenario, kind: str
) -> None:
    explored = await explore(SIMULATOR, scenario, kind, Depth())
    print(f"\n{HEADER}\n{explored.line()}")
    assert explored.failures == []
    assert explored.points > explored.effects > 0
    assert explored.faults > explored.points
    assert explored.runs > explored.faults + explored.edits
