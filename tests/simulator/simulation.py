"""Go through one operation, with what happens on the way, until there is nothing more to do."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from structlog.testing import capture_logs

from dcr_operator.kube import JsonObject
from dcr_operator.resync import InMemoryResync
from tests.fakes.faults import Crash, EditAt, FaultAt, Happening, Schedule, Wire
from tests.fakes.operator_world import OTHER_ISSUER, RESYNC, World
from tests.fakes.provider import Numbers
from tests.fakes.told import Metrics
from tests.simulator import oracles
from tests.simulator.edits import Edit
from tests.simulator.leftovers import forget, look_at_start, pass_over
from tests.simulator.oracles import Run
from tests.simulator.provider_kinds import KINDS
from tests.simulator.scenarios import HEALING, Ending, Life, Scenario
from tests.simulator.witness import Witness

# More passes than any operation takes, with two faults and the pauses between registrations.
MOST_PASSES: Final = 16


@dataclass(frozen=True, slots=True)
class EditOf:
    """An edit of the table before a call."""

    edit: Edit
    call: int


Chance = FaultAt | EditOf


@dataclass(slots=True)
class Simulator:
    """Keeps the worlds in which operations begin, and how they end when nothing happens."""

    _beginnings: dict[tuple[str, str], World] = field(default_factory=dict)
    _references: dict[tuple[str, str], JsonObject] = field(default_factory=dict)

    async def run(self, scenario: Scenario, kind: str, chances: Sequence[Chance] = ()) -> Run:
        """Go through the operation and judge its end; raises AssertionError."""
        world = await self.begin(scenario, kind)
        ending = _ending(scenario, chances)
        run = Run(world, ending, loses_tokens=_loses_tokens(scenario, chances))
        schedule = Schedule([_bound(chance, world) for chance in chances], run.struck)
        with capture_logs() as lines:
            await _drive(world, schedule, Witness(world, schedule, scenario.seamless), run)
        run.said += [repr(line) for line in lines]
        run.reached = not schedule.ahead
        await self.judge(run, kind, chances)
        return run

    async def judge(self, run: Run, kind: str, chances: Sequence[Chance] = ()) -> None:
        """Mend what a person has to mend, wait for a resync, and ask the oracles."""
        with capture_logs() as lines:
            for chance in chances:
                if isinstance(chance, EditOf) and chance.edit.mend is not None:
                    chance.edit.mend(run.world)
                    await settle(run.world)
            for _ in range(3 if run.overlapping else 2):
                # The first may find drift, or that a repeat has replaced what was answered; each
                # may retire a token.
                run.world.advance(RESYNC + 100)
                await settle(run.world)
            oracles.o1_one_client_for_each_live_uid(run)
            oracles.o2_the_secret_opens_the_client(run)
            await oracles.o3_silence(run)
            oracles.o4_the_status_tells_the_truth(run)
            run.said += [repr(line) for line in lines]
            oracles.o5_nothing_of_others_is_touched_and_nothing_is_told(run)
            if run.ending.life is Life.LIVE:
                reference = await self._reference(run.ending, kind)
                oracles.o6_the_same_end_by_any_history(run, reference)

    async def begin(self, scenario: Scenario, kind: str) -> World:
        """Return a world of its own in which the operation has just begun."""
        place = (scenario.name, kind)
        if place not in self._beginnings:
            world = _new_world(kind)
            with capture_logs():
                await scenario.prepare(world)
            world.cluster.written.clear()
            world.events.seen.clear()
            scenario.begin(world)
            self._beginnings[place] = world
        return copy.deepcopy(self._beginnings[place])

    async def _reference(self, ending: Ending, kind: str) -> JsonObject:
        place = (repr(ending.spec), kind)
        if place not in self._references:
            world = _new_world(kind)
            world.add_client(**ending.spec)
            with capture_logs():
                await world.settle()
            self._references[place] = oracles.fingerprint(world)
        return self._references[place]


def _new_world(kind: str) -> World:
    """Return a world with two providers of one kind, and nothing of ours."""
    # Numbers of its own, so that nothing of one works at the other.
    other = replace(KINDS[kind](), issuer=OTHER_ISSUER, numbers=Numbers(100))
    world = World(KINDS[kind](), other)
    world.add_provider(**HEALING)
    world.add_other_provider(**HEALING)
    return world


def _ending(scenario: Scenario, chances: Sequence[Chance]) -> Ending:
    ending = scenario.ending
    for chance in chances:
        if isinstance(chance, EditOf):
            changed = chance.edit.ending(ending)
            assert changed is not None, f"{chance.edit.name} has no place in {scenario.name}"
            ending = changed
    return ending


def _loses_tokens(scenario: Scenario, chances: Sequence[Chance]) -> bool:
    by_edit = any(isinstance(each, EditOf) and each.edit.loses_tokens for each in chances)
    return by_edit or scenario.loses_tokens


def _bound(chance: Chance, world: World) -> Happening:
    if isinstance(chance, FaultAt):
        return chance
    return EditAt(lambda: chance.edit.do(world), chance.call)


async def _drive(world: World, schedule: Schedule, witness: Witness, run: Run) -> None:
    """Make passes until one has nothing more to do; start anew after each crash."""
    failures, quiet, starting = 0, 0, False
    world.wire = _wire(schedule, witness)
    for _ in range(MOST_PASSES):
        before, edits, struck = len(world.wire.calls), schedule.edits, len(run.struck)
        try:
            if starting:
                await look_at_start(world)
                starting = False
            result = await pass_over(world)
        except Crash:
            run.calls += world.wire.calls[before:]
            restart(world)
            world.wire = _wire(schedule, witness)
            starting = True
            continue
        busy = effects(world.wire.calls[before:])
        run.calls += world.wire.calls[before:]
        if schedule.edits != edits:
            continue  # the event of an edit wakes the queue
        quiet = 0 if busy or len(run.struck) != struck else quiet + 1
        if quiet and (not result.failed or quiet > 1):
            return
        failures = failures + 1 if result.failed else 0
        if result.failed:
            world.advance(result.requeue_after or min(2.0**failures, 300.0))
    raise AssertionError(f"O3: no end after {MOST_PASSES} passes: {world.condition()}")


def _wire(schedule: Schedule, witness: Witness) -> Wire:
    return Wire(schedule, before=witness.before, after=witness.after)


def effects(calls: Sequence[str]) -> list[str]:
    seen = Wire(calls=[*calls])
    return seen.writes + seen.requests


def restart(world: World) -> None:
    """Lose what a process has in memory, apart from what Prometheus has read of it."""
    forget(world)
    world.resync = InMemoryResync()
    world.metrics = Metrics(orphans=world.metrics.orphans)


async def settle(world: World) -> None:
    """Make passes until one is quiet, whatever the state is that it ends in."""
    for _ in range(MOST_PASSES):
        world.wire = Wire()
        result = await pass_over(world)
        if not world.wire.writes and not world.wire.requests:
            return
        world.advance(result.requeue_after if result.failed and result.requeue_after else 1.0)
    raise AssertionError(f"O3: no end after {MOST_PASSES} passes: {world.wire.calls}")


def described(scenario: Scenario, kind: str, chances: Sequence[Chance]) -> str:
    """Say in a line what was simulated, so that it can be done again."""
    words = [
        f"{each.fault.value if isinstance(each, FaultAt) else each.edit.name} (call {each.call})"
        for each in chances
    ]
    return f"{scenario.name}, {kind}: {', then '.join(words) or 'undisturbed'}"
