"""Whole passes when what stands between answers in place of the provider."""

import pytest

from dcr_operator.outcomes import NotSupported, Outcome, Refused
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import World, new_world
from tests.fakes.provider import FakeProvider


async def interrupted_world() -> World:
    """Return a world whose registration was done and whose operator died before it knew."""
    world = new_world(FakeProvider(idempotent=True))
    assert await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "provider register"))
    world.restart()
    return world


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_503_after_the_effect_leaves_no_client_that_nobody_knows_of(
    *, idempotent: bool
) -> None:
    world = new_world(FakeProvider(idempotent=idempotent))
    await world.run_pass_with(FaultAt(Fault.GATEWAY_503, "provider register"))
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert len(world.provider.clients) == 1 + len(world.record.orphans)
    assert len(world.record.orphans) == (0 if idempotent else 1)


ANSWERS: list[Outcome] = [
    NotSupported(404),
    NotSupported(405),
    Refused(403, "", "a body of type text/html"),
    Refused(413, "", "too large"),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
async def test_what_a_gateway_says_to_a_repeat_settles_nothing(answer: Outcome) -> None:
    world = await interrupted_world()
    world.provider.instead = answer
    for _ in range(2):
        await world.run_pass()
    world.provider.instead = None
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert list(world.provider.clients) == ["client-1"]
    assert world.record.orphans == ()


async def test_a_repeat_whose_client_was_deleted_is_settled_by_a_new_registration() -> None:
    world = await interrupted_world()
    world.provider.clients.clear()
    world.provider.instead = Refused(409, "invalid_request", "that client has been deleted")
    world.provider.instead_once = True
    await world.run_pass()
    assert world.wire.requests == ["provider register", "provider register"]
    assert world.condition() == ("True", "Ready")
    assert world.record.orphans == ()
