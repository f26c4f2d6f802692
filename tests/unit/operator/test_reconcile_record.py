"""A client whose OAuthClient is gone is unregistered by its record."""

from dataclasses import replace

import pytest

from dcr_operator.kube import OAUTH_CLIENTS, SECRETS
from dcr_operator.ports import Result
from dcr_operator.reconcile import reconcile
from dcr_operator.record import record_key, record_name, record_secret
from dcr_operator.state import Record
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import NAME, NAMESPACE, SYSTEM, World, new_world, ready_world
from tests.fakes.provider import FakeProvider


async def gone_world(provider: FakeProvider | None = None) -> tuple[World, str]:
    """Return a world whose client has lost its resource, and the uid of that."""
    world = await ready_world(provider)
    uid = world.uid
    world.cluster.take_away(OAUTH_CLIENTS, NAMESPACE, NAME)
    world.events.seen.clear()
    return world, uid


async def run_pass(world: World, uid: str) -> Result:
    return await world.run_pass(record_key(uid))


def write_record(world: World, changed: Record) -> None:
    name = record_name(changed.resource.uid)
    data = record_secret(changed, SYSTEM, None)["data"]
    world.cluster.edit(SECRETS, SYSTEM, name, lambda each: each.update(data=data))


async def test_the_client_and_the_record_go_and_it_is_told() -> None:
    world, uid = await gone_world()
    result = await run_pass(world, uid)
    assert (result.failed, result.reason) == (False, "Deleting")
    assert not world.provider.clients
    assert not world.records()
    assert world.events.reasons == ["Deleting"]
    assert world.metrics.by_record == {"ClusterOAuthProvider/main": 1}
    # Mark, intent of the deletion, and the end of the record.
    assert world.wire.writes == ["replace secrets", "replace secrets", "delete secrets"]
    await run_pass(world, uid)
    assert not world.wire.writes


async def test_a_provider_that_does_not_answer_is_asked_until_it_does() -> None:
    world, uid = await gone_world()
    world.provider.down = True
    result = await run_pass(world, uid)
    assert (result.failed, result.reason) == (True, "DeletionBlocked")
    assert world.record.gone_at is not None
    (_, told) = world.events.seen
    assert "Retain" not in told[2]
    assert (await run_pass(world, uid)).failed
    assert not world.wire.writes, "waiting writes nothing"
    assert world.events.reasons == ["Deleting", "DeletionBlocked"]
    world.provider.down = False
    assert not (await run_pass(world, uid)).failed
    assert not world.provider.clients


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("idempotent", [True, False])
async def test_nothing_is_left_whatever_happens_at_any_call(fault: Fault, idempotent: bool) -> None:
    for call in range(1, 30):
        world, uid = await gone_world(FakeProvider(idempotent=idempotent))
        reached = await world.run_pass_with(FaultAt(fault, call), record_key(uid))
        for _ in range(3):
            world.advance(400)
            await run_pass(world, uid)
        assert not world.provider.clients, f"{fault} {call}"
        assert not world.records(), f"{fault} {call}"
        if not reached:
            return
    raise AssertionError("a pass has no end")


@pytest.mark.parametrize(("idempotent", "left"), [(True, 0), (False, 1)])
async def test_a_registration_without_an_answer_is_found_out_or_on_record(
    idempotent: bool, left: int
) -> None:
    world = new_world(FakeProvider(idempotent=idempotent))
    await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "provider register"))
    uid = world.uid
    assert world.provider.clients
    world.cluster.take_away(OAUTH_CLIENTS, NAMESPACE, NAME)
    await run_pass(world, uid)
    assert len(world.provider.clients) == left
    assert [len(each.orphans) for each in world.records()] == [1] * left
    assert world.metrics.by_record.total() == 1 - left


async def test_what_is_retained_stays() -> None:
    world, uid = await gone_world()
    write_record(world, replace(world.record, retain=True))
    before = world.record
    await run_pass(world, uid)
    assert world.record == before
    assert world.provider.clients
    assert not world.wire.writes


async def test_a_resource_that_is_there_keeps_its_client() -> None:
    world = await ready_world()
    await run_pass(world, world.uid)
    assert world.provider.clients
    assert not world.wire.writes


async def test_a_resource_of_the_same_name_is_another_one() -> None:
    world, uid = await gone_world()
    world.add_client()
    await world.settle()
    assert len(world.provider.clients) == 2
    await run_pass(world, uid)
    assert world.record.resource.uid == world.uid
    assert list(world.provider.clients) == [world.status["clientId"]]


async def test_a_client_that_another_record_has_by_now_is_left_alone() -> None:
    world, uid = await gone_world()
    bound = replace(world.record, resource=replace(world.record.resource, uid="restored"))
    world.cluster.create(SECRETS, record_secret(bound, SYSTEM, None))
    await run_pass(world, uid)
    assert world.provider.clients
    assert len(world.records()) == 2


async def test_a_record_that_is_not_there_or_cannot_be_read_is_left_alone() -> None:
    world, uid = await gone_world()
    assert not (await run_pass(world, "nobody")).failed
    name = f"oauthclient-{uid}"
    world.cluster.edit(
        SECRETS, SYSTEM, name, lambda each: each.update(data={"record.json": "Pw=="})
    )
    assert not (await run_pass(world, uid)).failed
    assert world.provider.clients


async def test_a_pass_over_the_client_hands_over_what_went() -> None:
    world, uid = await gone_world()
    world.use.gone = [uid]
    await world.run_pass()
    assert world.queue == [record_key(uid)]
    assert (await reconcile(world.queue[0], world.context)).reason == "Deleting"
    assert not world.provider.clients


async def test_an_api_server_that_refuses_is_asked_again() -> None:
    world, uid = await gone_world()
    await world.run_pass_with(FaultAt(Fault.NOT_SENT, "get oauthclients"), record_key(uid))
    assert world.provider.clients
    await run_pass(world, uid)
    assert not world.provider.clients


async def test_a_policy_that_is_edited_is_noted_once() -> None:
    world = await ready_world()
    assert not world.record.retain
    world.set_client(deletionPolicy="Retain")
    await world.run_pass()
    assert world.record.retain
    assert world.wire.writes == ["replace secrets", "patch_status oauthclients"]
    await world.run_pass()
    assert not world.wire.writes


async def test_a_resource_that_is_back_takes_the_mark_off() -> None:
    world = await ready_world()
    write_record(world, replace(world.record, gone_at=world.now))
    await world.settle()
    assert world.record.gone_at is None
    assert world.condition() == ("True", "Ready")
