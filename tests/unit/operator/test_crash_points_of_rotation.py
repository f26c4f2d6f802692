"""Faults before and after every outbound call of a rotation, exhaustively.

Oracles beside those of `test_crash_points`: the Secret opens the client at every moment, also right
after the fault; the request is answered; in the end one secret is left.
"""

from collections.abc import Awaitable, Callable

import pytest

from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import RESYNC, World, new_world
from tests.fakes.rotation import OVERLAP, ask_for_rotation, rotating

MOST_CALLS = 30  # more than any pass makes: the sweep ends when a fault is not reached
DAY = 86_400
KINDS = [pytest.param(True, id="idempotent"), pytest.param(False, id="not idempotent")]
Prepare = Callable[[bool], Awaitable[World]]


async def _ready(*, idempotent: bool, lifetime: int = 0) -> World:
    provider = rotating(idempotent=idempotent, lifetime=lifetime)
    world = new_world(provider, onLostRegistrationAccessToken="Reregister")
    await world.settle()
    return world


async def asked(idempotent: bool) -> World:  # one of a table
    world = await _ready(idempotent=idempotent)
    ask_for_rotation(world)
    return world


async def due(idempotent: bool) -> World:  # one of a table
    world = await _ready(idempotent=idempotent)
    world.set_client(rotation={"every": "30d"})
    await world.settle()
    world.advance(30 * DAY)
    return world


async def in_the_overlap(idempotent: bool) -> World:  # one of a table
    world = await asked(idempotent)
    await world.run_pass()
    world.advance(OVERLAP)
    return world


async def asked_and_edited(idempotent: bool) -> World:  # one of a table
    world = await asked(idempotent)
    world.set_client(clientMetadata={"redirectUris": ["https://new.example.com/cb"]})
    return world


def secret_opens(world: World) -> bool:
    secret = world.secret()
    assert secret is not None
    return world.provider.opens(secret["client_id"], secret["client_secret"])


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("prepare", [asked, due, in_the_overlap, asked_and_edited])
async def test_a_rotation_survives(prepare: Prepare, fault: Fault, *, idempotent: bool) -> None:
    for call in range(1, MOST_CALLS):
        world = await prepare(idempotent)
        first = (world.secret() or {})["client_secret"]
        reached = await world.run_pass_with(FaultAt(fault, call))
        assert secret_opens(world)
        world.restart()
        await world.run_pass()
        assert secret_opens(world)
        # What was refused is tried again at the next resync; from then on the overlap runs.
        for pause in (RESYNC, OVERLAP):
            world.advance(pause)
            await world.settle()
        _lives(world)
        assert world.status.get("lastHandledRotateAt", "now") == "now"
        changed = (world.secret() or {})["client_secret"] != first
        assert changed is (prepare is not in_the_overlap)
        if not reached:
            return
    raise AssertionError("a pass makes more calls than the sweep covers")


def _lives(world: World) -> None:
    assert world.condition() == ("True", "Ready")
    assert secret_opens(world)
    secret, record = world.secret() or {}, world.record
    assert "previous_client_secret" not in secret
    assert record.registration is not None
    assert record.registration.previous_client_secret is None
    assert not world.metrics.intents
    left = world.provider.clients.keys() - {secret["client_id"]}
    assert left == {orphan.client_id for orphan in record.orphans}
    assert not (world.provider.idempotent and left)


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", list(Fault))
async def test_a_client_deleted_after_a_fault_of_its_rotation_is_gone(
    fault: Fault, *, idempotent: bool
) -> None:
    for call in range(1, MOST_CALLS):
        world = await asked(idempotent)
        reached = await world.run_pass_with(FaultAt(fault, call))
        world.restart()
        world.delete_client()
        await world.settle()
        assert (world.client, world.secret()) == (None, None)
        orphans = {each.client_id for record in world.records() for each in record.orphans}
        assert set(world.provider.clients) == orphans
        assert not (idempotent and orphans)
        if not reached:
            return


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", list(Fault))
async def test_a_rotation_by_another_client_survives(fault: Fault, *, idempotent: bool) -> None:
    for call in range(1, MOST_CALLS):
        world = await _ready(idempotent=idempotent)
        world.set_client(rotation={"strategy": "Reregister"})
        await world.settle()
        first = (world.secret() or {})["client_id"]
        ask_for_rotation(world)
        reached = await world.run_pass_with(FaultAt(fault, call))
        assert secret_opens(world)
        world.restart()
        await world.run_pass()
        assert secret_opens(world)
        world.advance(RESYNC + OVERLAP)
        await world.settle()
        assert world.condition() == ("True", "Ready")
        assert secret_opens(world)
        last = (world.secret() or {})["client_id"]
        assert last != first
        assert world.status["lastHandledRotateAt"] == "now"
        left = world.provider.clients.keys() - {last}
        assert len(left) <= len(world.record.orphans) <= 1
        assert not (idempotent and left)
        if not reached:
            return
    raise AssertionError("a pass makes more calls than the sweep covers")
