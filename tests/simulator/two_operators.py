"""Two operators at once, without leadership: every way in which their calls can follow each other.

A schedule is a list of turns: so many calls of the one, then so many of the other. When it is used
up, the one whose turn it is goes on to the end of its pass, then the other to the end of its own.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Final

from structlog.testing import capture_logs

from dcr_operator.ports import Context
from dcr_operator.reconcile import reconcile
from dcr_operator.resync import InMemoryResync
from tests.fakes.faults import Wire
from tests.fakes.kubernetes_api import FakeKubernetesApi
from tests.fakes.operator_world import CLIENT, World
from tests.fakes.providers_by_issuer import ProvidersByIssuer
from tests.fakes.told import Metrics
from tests.simulator.exploration import Explored
from tests.simulator.oracles import Run
from tests.simulator.scenarios import Scenario
from tests.simulator.simulation import MOST_PASSES, Simulator, effects

# How often the event loop turns until a call that was let go has come to the next one.
_TURNS_OF_THE_LOOP: Final = 12


@dataclass(slots=True)
class Process:
    """One operator: what it has in memory, and its calls that wait for their turn."""

    name: str
    world: World
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    made: int = 0
    wire: Wire = field(default_factory=Wire)
    metrics: Metrics = field(default_factory=Metrics)
    resync: InMemoryResync = field(default_factory=InMemoryResync)
    ids: int = 0

    @property
    def context(self) -> Context:
        self.wire = Wire(turn=self._turn)
        kubernetes = FakeKubernetesApi(self.world.cluster, self.wire)
        of_one = replace(self.world.provider, wire=self.wire)
        of_other = replace(self.world.other, wire=self.wire)
        return replace(
            self.world.context,
            kubernetes=kubernetes,
            references=kubernetes,
            registrations=ProvidersByIssuer(of_one, of_other),
            metrics=self.metrics,
            resync=self.resync,
            new_id=self._new_id,
        )

    def _new_id(self) -> str:
        self.ids += 1
        # Not to be told from those of a single operator by anything that compares ends.
        return f"intent-{self.ids}{0 if self.name == 'one' else 1}"

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        await turn

    async def go(self, calls: int, passing: asyncio.Task[object]) -> None:
        """Let so many calls be made, or those that are left of the pass."""
        while calls and not passing.done():
            await self._come_to_a_call(passing)
            if self.waiting:
                self.waiting.popleft().set_result(None)
                calls -= 1
                self.made += 1
        await self._come_to_a_call(passing)

    async def _come_to_a_call(self, passing: asyncio.Task[object]) -> None:
        turns = 0
        while turns < _TURNS_OF_THE_LOOP or not (self.waiting or passing.done()):
            turns += 1
            await asyncio.sleep(0)


_TO_THE_END: Final = 10_000


async def run_two(
    simulator: Simulator, scenario: Scenario, kind: str, turns: Sequence[int]
) -> tuple[Run, tuple[int, ...]]:
    """Go through an operation with both; return the run and the calls made in each turn."""
    world = await simulator.begin(scenario, kind)
    run = Run(world, scenario.ending, overlapping=True, loses_tokens=scenario.loses_tokens)
    one, two = (Process(name, world, resync=deepcopy(world.resync)) for name in ("one", "two"))
    with capture_logs() as lines:
        made = await _pass_together(one, two, turns)
        await _settle(one, two, world)
    run.said += [repr(line) for line in lines]
    run.calls = one.wire.calls
    await simulator.judge(run, kind)
    return run, made


async def _pass_together(one: Process, two: Process, turns: Sequence[int]) -> tuple[int, ...]:
    passing: dict[str, asyncio.Task[object]] = {
        each.name: asyncio.create_task(_pass(each)) for each in (one, two)
    }
    made = []
    order = [one, two]
    for number in (*turns, _TO_THE_END, _TO_THE_END):
        before = order[0].made
        await order[0].go(number, passing[order[0].name])
        made.append(order[0].made - before)
        order.reverse()
    for each in passing.values():
        await each
    return tuple(made[: len(turns)])


async def _pass(process: Process) -> object:
    return await reconcile(CLIENT, process.context)


async def _settle(one: Process, two: Process, world: World) -> None:
    """Let both pass in turn until neither has anything more to do."""
    quiet = 0
    for number in range(2 * MOST_PASSES):
        process = (one, two)[number % 2]
        passing: asyncio.Task[object] = asyncio.create_task(_pass(process))
        await process.go(_TO_THE_END, passing)
        await passing
        quiet = 0 if effects(process.wire.calls) else quiet + 1
        if quiet == 4:
            return
        world.advance(1.0 if quiet == 0 else 40.0)
    raise AssertionError(f"O3: two operators keep each other busy: {world.condition()}")


def all_turns(calls: int, switches: int) -> Iterator[tuple[int, ...]]:
    """Return every way to change from one to the other up to so many times."""
    if switches == 0:
        yield ()
        return
    for first in range(1, calls + 1):
        for rest in all_turns(calls, switches - 1):
            yield (first, *rest)


async def explore_two(
    simulator: Simulator, scenario: Scenario, kind: str, *, everywhere: bool = True
) -> Explored:
    """Interrupt the one once, everywhere or around what has an effect, by any number of calls."""
    explored = Explored(scenario, f"{kind}, two operators")
    calls = (await simulator.run(scenario, kind)).calls
    explored.points, explored.effects = len(calls), len(effects(calls))
    around = {number for number, name in enumerate(calls, 1) for _ in effects([name])}
    around |= {number - 1 for number in around}
    ended: list[tuple[int, ...]] = []
    # A pass of the one may take more calls when the other is at work.
    for turns in all_turns(2 * explored.points, 2):
        if any(_is_longer(turns, known) for known in ended):
            continue
        if not everywhere and turns[0] <= explored.points and turns[0] not in around:
            continue
        explored.runs += 1
        try:
            _, made = await run_two(simulator, scenario, kind, turns)
        except AssertionError as error:
            explored.failures.append(f"{scenario.name}, {kind}, two in turns {turns}: {error}")
            continue
        short = next((n for n, calls in enumerate(turns) if made[n] < calls), None)
        if short is not None:
            ended.append((*turns[:short], made[short]))
    return explored


def _is_longer(turns: tuple[int, ...], known: tuple[int, ...]) -> bool:
    """Whether a turn asks for more calls than a pass has: then it is as one that was tried."""
    *before, last = known
    return list(turns[: len(before)]) == before and turns[len(before)] > last
