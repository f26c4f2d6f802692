"""Faults before and after every outbound call of a move and of an adoption, exhaustively.

Beside O1 to O3 of test_crash_points: at no moment, whatever fails, a Secret of the client holds
credentials that do not work, and there always is one.
"""

from functools import partial

import pytest

from dcr_operator.kube import object_meta
from dcr_operator.plan_adoption import is_claim
from tests.fakes.adoptable import adoptable_client
from tests.fakes.crash_sweep import MOST_CALLS, sweep
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import ELSEWHERE, NAME, NAMESPACE, RESYNC, World
from tests.fakes.provider import FakeProvider

RENAMED = "renamed"
FAULTS = list(Fault)
KINDS = [pytest.param(True, id="idempotent"), pytest.param(False, id="not idempotent")]
CHANGES = [
    pytest.param({"providerRef": ELSEWHERE}, id="provider"),
    pytest.param({"secret": {"name": RENAMED}}, id="name of the Secret"),
    pytest.param({"providerRef": ELSEWHERE, "secret": {"name": RENAMED}}, id="both"),
]


def secrets_open(world: World, call: str) -> None:
    """The oracle of every moment."""
    names = [
        object_meta(body).name
        for (plural, namespace, _), body in world.cluster.objects.items()
        if (plural, namespace) == ("secrets", NAMESPACE)
    ]
    assert names, f"no Secret after {call}"
    for name in names:
        secret = world.secret(name)
        assert secret is not None
        assert world.opens(secret), f"{name} does not open after {call}"


async def about_to_change(change: dict[str, object], *, idempotent: bool) -> World:
    world = World(FakeProvider(idempotent=idempotent))
    world.other.idempotent = idempotent
    world.add_provider(onLostRegistrationAccessToken="Reregister")
    world.add_other_provider(onLostRegistrationAccessToken="Reregister")
    world.add_client()
    await world.settle()
    world.set_client(**change)
    world.observer = partial(secrets_open, world)
    return world


def has_arrived(change: dict[str, object], world: World) -> None:
    assert world.condition() == ("True", "Ready")
    there, left = world.provider, world.other
    if "providerRef" in change:
        there, left = left, there
    name = RENAMED if "secret" in change else NAME
    assert world.status["secretName"] == name
    assert [place[2] for place in world.cluster.objects if place[1] == NAMESPACE] == [NAME, name]
    secret = world.secret(name)
    assert secret is not None
    assert secret["client_id"] in there.clients
    assert world.opens(secret)
    assert not left.clients
    on_record(world, secret["client_id"])
    assert not world.record.retiring
    assert world.record.intent is None


def on_record(world: World, in_force: str) -> None:
    """Only a provider that honours no key leaves a client, and it is on record."""
    orphans = world.record.orphans
    extra = (world.provider.clients.keys() | world.other.clients.keys()) - {in_force}
    assert len(extra) <= len(orphans) <= 1
    assert not (world.provider.idempotent and orphans)


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_changing_survives(
    fault: Fault, change: dict[str, object], *, idempotent: bool
) -> None:
    points = await sweep(
        partial(about_to_change, change),
        fault,
        idempotent=idempotent,
        check=partial(has_arrived, change),
    )
    assert points >= 5


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_deleting_after_a_fault_of_the_move_leaves_nothing(
    fault: Fault, *, idempotent: bool
) -> None:
    for call in range(1, MOST_CALLS):
        world = await about_to_change({"providerRef": ELSEWHERE}, idempotent=idempotent)
        reached = await world.run_pass_with(FaultAt(fault, call))
        world.restart()
        world.observer = lambda _name: None
        world.delete_client()
        await world.settle()
        assert world.client is None
        left = world.provider.clients.keys() | world.other.clients.keys()
        orphans = [orphan for record in world.records() for orphan in record.orphans]
        assert len(left) <= len(orphans) <= 1
        assert not (idempotent and orphans)
        if not reached:
            return


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_the_end_of_the_old_registration_survives(fault: Fault, *, idempotent: bool) -> None:
    async def about_to_retire(*, idempotent: bool) -> World:
        world = await about_to_change({"providerRef": ELSEWHERE}, idempotent=idempotent)
        await world.run_pass()
        assert world.provider.clients
        world.advance(RESYNC)
        return world

    await sweep(
        about_to_retire,
        fault,
        idempotent=idempotent,
        check=partial(has_arrived, {"providerRef": ELSEWHERE}),
    )


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_move_taken_back_after_a_fault_ends_where_it_began(
    fault: Fault, *, idempotent: bool
) -> None:
    for call in range(1, MOST_CALLS):
        world = await about_to_change({"providerRef": ELSEWHERE}, idempotent=idempotent)
        reached = await world.run_pass_with(FaultAt(fault, call))
        world.restart()
        world.set_client()
        await world.run_pass()
        world.advance(RESYNC)
        await world.settle()
        secret = world.secret()
        assert secret is not None
        assert secret["client_id"] in world.provider.clients
        assert world.opens(secret)
        on_record(world, secret["client_id"])
        if not reached:
            return


async def about_to_adopt(*, idempotent: bool) -> World:
    world = World(FakeProvider(idempotent=idempotent))
    world.add_provider(onLostRegistrationAccessToken="Reregister")
    world.add_client(adopt=adoptable_client(world))
    return world


def is_adopted(world: World) -> None:
    assert world.condition() == ("True", "Ready")
    secret = world.secret()
    assert secret is not None
    assert world.opens(secret)
    assert world.record.intent is None
    assert secret["client_id"] in world.provider.clients
    on_record(world, secret["client_id"])
    # Where the answer of an update is lost with the token another client takes its place.
    (client, *others) = world.provider.clients.values()
    assert not others or not world.provider.idempotent
    assert client.metadata["client_name"] == "Dashboard"


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_adopting_survives(fault: Fault, *, idempotent: bool) -> None:
    points = await sweep(about_to_adopt, fault, idempotent=idempotent, check=is_adopted)
    assert points >= 10


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_deleting_after_a_fault_of_the_adoption_leaves_no_record(
    fault: Fault, *, idempotent: bool
) -> None:
    for call in range(1, MOST_CALLS):
        world = await about_to_adopt(idempotent=idempotent)
        reached = await world.run_pass_with(FaultAt(fault, call))
        world.restart()
        ours = any(not is_claim(record) for record in world.records())
        world.delete_client()
        await world.settle()
        assert world.client is None
        assert not [record for record in world.records() if not record.orphans]
        if not ours:
            # What was not taken over is not ours to delete.
            assert len(world.provider.clients) == 1
        if not reached:
            return
