"""One fault at each outbound call of a pass, one after the other, until none is left to fail."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import RESYNC, World

MOST_CALLS = 40  # more than any pass makes: the sweep ends when a fault is not reached


class Prepare(Protocol):
    """Makes a world in which the next pass does what is to be shown."""

    def __call__(self, *, idempotent: bool) -> Awaitable[World]: ...


async def sweep(
    prepare: Prepare, fault: Fault, *, idempotent: bool, check: Callable[[World], None]
) -> int:
    """Return how many points were tried."""
    for call in range(1, MOST_CALLS):
        world = await prepare(idempotent=idempotent)
        reached = await world.run_pass_with(FaultAt(fault, call))
        world.restart()
        await world.run_pass()
        world.advance(RESYNC)
        await world.settle()
        check(world)
        if not reached:
            return call - 1
    raise AssertionError("a pass makes more calls than the sweep covers")
