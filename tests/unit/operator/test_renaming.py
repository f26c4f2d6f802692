"""Another name of the Secret: the new one first, the old ones go, whatever fails on the way."""

import pytest

from dcr_operator.kube import SECRETS, object_meta
from tests.fakes.crash_sweep import MOST_CALLS
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import NAME, NAMESPACE, World, new_world, ready_world

SECOND, THIRD = {"secret": {"name": "second"}}, {"secret": {"name": "third"}}


def names(world: World) -> list[str]:
    return [
        name
        for plural, namespace, name in world.cluster.objects
        if (plural, namespace) == ("secrets", NAMESPACE)
    ]


async def test_the_new_secret_is_there_before_the_old_one_goes() -> None:
    world = await ready_world()
    world.set_client(**SECOND)
    await world.run_pass()
    assert world.wire.writes == [
        "replace secrets",
        "create secrets",
        "delete secrets",
        "replace secrets",
        "patch_status oauthclients",
    ]
    assert names(world) == ["second"]
    assert world.record.secrets == ("second",)


async def test_a_name_that_is_taken_leaves_the_old_secret() -> None:
    world = await ready_world()
    before = world.secret()
    world.cluster.create(
        SECRETS, {"metadata": {"name": "second", "namespace": NAMESPACE}, "kind": "Secret"}
    )
    world.set_client(**SECOND)
    await world.run_pass()
    assert world.condition() == ("False", "SecretConflict")
    assert world.secret() == before
    assert world.record.secrets == (NAME,)


@pytest.mark.parametrize("fault", list(Fault))
async def test_renamed_twice_no_secret_of_before_is_left(fault: Fault) -> None:
    for call in range(1, MOST_CALLS):
        world = await ready_world()
        world.set_client(**SECOND)
        reached = await world.run_pass_with(FaultAt(fault, call))
        world.restart()
        world.set_client(**THIRD)
        await world.settle()
        assert names(world) == ["third"]
        assert world.condition() == ("True", "Ready")
        assert world.record.secrets == ("third",)
        if not reached:
            return


@pytest.mark.parametrize("fault", list(Fault))
async def test_renamed_before_the_first_status_no_secret_of_before_is_left(fault: Fault) -> None:
    for call in range(1, MOST_CALLS):
        world = new_world()
        reached = await world.run_pass_with(FaultAt(fault, call))
        world.restart()
        world.set_client(**SECOND)
        await world.settle()
        assert names(world) == ["second"]
        if not reached:
            return


async def test_a_deletion_after_a_fault_of_the_renaming_removes_all_of_them() -> None:
    for call in range(1, MOST_CALLS):
        world = await ready_world()
        world.set_client(**SECOND)
        reached = await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, call))
        world.restart()
        world.set_client(**THIRD)
        world.delete_client()
        await world.settle()
        assert world.client is None
        assert names(world) == []
        if not reached:
            return


async def test_retaining_keeps_the_secret_that_was_not_renamed_yet() -> None:
    world = await ready_world()
    before = world.secret()
    world.set_client(**SECOND, deletionPolicy="Retain")
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert world.secret() == before
    secret = world.cluster.get(SECRETS, NAMESPACE, NAME)
    assert secret is not None
    assert not object_meta(secret).owners
