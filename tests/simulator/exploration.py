"""Every point of an operation, and everything that may happen there: exhaustive, and counted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from tests.fakes.faults import Fault, FaultAt
from tests.simulator.edits import EDITS, REACTIONS, edits_of
from tests.simulator.scenarios import Scenario
from tests.simulator.simulation import Chance, EditOf, Simulator, described, effects

# After this many more calls every operation is at its end.
_LONGEST_AFTERMATH: Final = 80


@dataclass(slots=True)
class Explored:
    """How much of an operation was gone through."""

    scenario: Scenario
    kind: str
    points: int = 0  # outbound calls
    effects: int = 0  # those of them that change something, or ask a provider
    faults: int = 0
    edits: int = 0
    runs: int = 0
    failures: list[str] = field(default_factory=list)

    def line(self) -> str:
        return (
            f"{self.scenario.name:<38} {self.kind:<40} {self.points:>6} {self.faults:>6}"
            f" {self.edits:>6} {self.runs:>6} {len(self.failures):>8}"
        )


HEADER: Final = (
    f"{'operation':<38} {'provider':<40} {'points':>6} {'faults':>6}"
    f" {'edits':>6} {'runs':>6} {'failures':>8}"
)


@dataclass(frozen=True, slots=True)
class Depth:
    """How far to go; each is exhaustive in what it names."""

    # Leave out what leaves the same world behind as something that is gone through.
    distinct: bool = True
    pairs: bool = False  # two faults in a row; a fault and then any edit


async def explore(simulator: Simulator, scenario: Scenario, kind: str, depth: Depth) -> Explored:
    """Let each fault and each edit happen at each point, and people react to each fault."""
    explored = Explored(scenario, kind)
    try:
        calls = (await simulator.run(scenario, kind)).calls
    except AssertionError as error:
        explored.failures.append(f"{described(scenario, kind, ())}: {error}")
        return explored
    explored.points, explored.effects = len(calls), len(effects(calls))
    faults = list(_faults(calls, distinct=depth.distinct))
    edits = list(_edits(scenario, calls, distinct=depth.distinct))
    explored.faults, explored.edits = len(faults), len(edits)
    singles: list[Chance] = [*faults, *edits]
    await _go_through(simulator, explored, [(each,) for each in singles])
    reactions = edits_of(scenario, EDITS if depth.pairs else REACTIONS)
    after = [EditOf(edit, 1) for edit in reactions]
    await _go_through(simulator, explored, product(faults, after))
    if depth.pairs:
        await _two_faults(simulator, explored, faults)
    return explored


def _faults(calls: Sequence[str], *, distinct: bool) -> Iterator[FaultAt]:
    for number, name in enumerate(calls, 1):
        for fault in distinct_faults(name, first=number == 1) if distinct else tuple(Fault):
            yield FaultAt(fault, number)


def distinct_faults(name: str, *, first: bool) -> tuple[Fault, ...]:
    """Return what leaves different worlds behind.

    A crash before a call leaves what a crash after the one before it leaves; nothing is lost with
    the answer to a read; and to a request to the API server a gateway's answer is none.
    """
    before = (Fault.CRASH_BEFORE,) if first else ()
    if name.startswith("get ") or name == "probe":
        return (*before, Fault.CRASH_AFTER, Fault.NOT_SENT)
    answers = (Fault.CRASH_AFTER, Fault.ANSWER_LOST, Fault.NOT_SENT)
    gateway = (Fault.GATEWAY_404,) if name.startswith("provider ") else ()
    return (*before, *answers, *gateway)


def _edits(scenario: Scenario, calls: Sequence[str], *, distinct: bool) -> Iterator[EditOf]:
    for edit in edits_of(scenario, EDITS):
        for number, name in enumerate(calls, 1):
            if not distinct or number == len(calls) or _touched(name) in edit.touches:
                yield EditOf(edit, number)


def _touched(call: str) -> str:
    """Return what a call reads or writes."""
    if call in ("get discovery", "probe") or call.startswith("provider "):
        return "provider"
    return call.partition(" ")[2]


async def _go_through(
    simulator: Simulator, explored: Explored, all_chances: Iterable[Sequence[Chance]]
) -> None:
    for chances in all_chances:
        if not await _judged(simulator, explored, chances):
            said = described(explored.scenario, explored.kind, chances)
            explored.failures.append(f"{said}: was not reached")


async def _judged(simulator: Simulator, explored: Explored, chances: Sequence[Chance]) -> bool:
    """Go through one run; return whether all of it was reached."""
    explored.runs += 1
    try:
        run = await simulator.run(explored.scenario, explored.kind, chances)
    except AssertionError as error:
        said = described(explored.scenario, explored.kind, chances)
        explored.failures.append(f"{said}: {error}")
        return True
    return run.reached


async def _two_faults(simulator: Simulator, explored: Explored, firsts: Sequence[FaultAt]) -> None:
    """After each fault let a second one happen at each point that then still comes."""
    seconds = (Fault.CRASH_AFTER, Fault.ANSWER_LOST, Fault.NOT_SENT)
    for first, second in product(firsts, seconds):
        for later in range(1, _LONGEST_AFTERMATH):
            if not await _judged(simulator, explored, (first, FaultAt(second, later))):
                break
        else:
            explored.failures.append(f"{explored.scenario.name}: no end after {first}")
