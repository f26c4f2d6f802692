"""A restore with new uids: records and Secrets follow the resources of the same name."""

from dataclasses import replace

import pytest

from dcr_operator.kube import OAUTH_CLIENTS, SECRETS, JsonObject, member, object_meta
from dcr_operator.orphan_list import read_records
from dcr_operator.rebinding import Finding, Rebinding, rebind, rebindings
from dcr_operator.record import record_name, record_secret
from tests.fakes.faults import Crash, Fault, FaultAt, Schedule, Wire
from tests.fakes.operator_world import METADATA, NAME, NAMESPACE, SYSTEM, World, ready_world


def restore_with_new_uid(world: World) -> None:
    """Make the client anew, as a backup does: same spec, no status, no finalizer of ours."""
    place = (OAUTH_CLIENTS.plural, NAMESPACE, NAME)
    world.cluster.objects.pop(place)
    world.add_client()
    world.restart()


async def found(world: World) -> tuple[Rebinding, ...]:
    api = world.context.kubernetes
    return rebindings(await read_records(api, SYSTEM), await api.list(OAUTH_CLIENTS, None))


async def rebind_all(world: World) -> None:
    for each in await found(world):
        if each.finding in (Finding.REBIND, Finding.DONE_BEFORE):
            await rebind(each, world.context.kubernetes, SYSTEM)


async def test_a_restored_client_keeps_its_registration_and_its_secret() -> None:
    world = await ready_world()
    before = world.secret()
    restore_with_new_uid(world)
    await rebind_all(world)
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert world.secret() == before
    assert len(world.provider.clients) == 1
    assert world.record.resource.uid == world.uid
    owners = object_meta(world.cluster.need(SECRETS, NAMESPACE, NAME)).owners
    assert [owner.uid for owner in owners] == [world.uid]


async def test_without_it_the_secret_of_before_is_in_the_way() -> None:
    """What the command is for."""
    world = await ready_world()
    restore_with_new_uid(world)
    await world.run_pass()
    assert world.condition() == ("False", "SecretConflict")


async def test_nothing_is_to_be_done_where_uids_are_the_same() -> None:
    world = await ready_world()
    assert [each.finding for each in await found(world)] == [Finding.BOUND]


async def test_the_record_of_a_client_that_was_not_restored_is_left() -> None:
    world = await ready_world()
    world.cluster.objects.pop((OAUTH_CLIENTS.plural, NAMESPACE, NAME))
    assert [each.finding for each in await found(world)] == [Finding.GONE]
    await rebind_all(world)
    assert len(world.records()) == 1


async def test_a_client_that_has_a_record_of_its_own_by_now_is_left_alone() -> None:
    world = await ready_world()
    world.cluster.delete(SECRETS, NAMESPACE, NAME)
    restore_with_new_uid(world)
    await world.settle()
    assert {each.finding for each in await found(world)} == {Finding.TAKEN, Finding.BOUND}
    await rebind_all(world)
    assert len(world.records()) == 2


async def test_a_secret_of_somebody_else_is_not_taken() -> None:
    world = await ready_world()
    world.cluster.edit(
        SECRETS, NAMESPACE, NAME, lambda each: member(each, "metadata").update(labels={})
    )
    restore_with_new_uid(world)
    await rebind_all(world)
    await world.run_pass()
    assert world.condition() == ("False", "SecretConflict")


@pytest.mark.parametrize("call", range(1, 6))
@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
async def test_cut_off_anywhere_the_same_command_completes_it(fault: Fault, call: int) -> None:
    world = await ready_world()
    before = world.secret()
    restore_with_new_uid(world)
    (each,) = await found(world)
    world.wire = Wire(Schedule([FaultAt(fault, call)]))
    try:
        await rebind(each, world.context.kubernetes, SYSTEM)
    except Crash:
        assert world.wire.reached
    world.restart()
    await rebind_all(world)
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert world.secret() == before
    assert len(world.records()) == 1
    assert len(world.provider.clients) == 1


async def older_record(**policy: object) -> World:
    """Restore etcd as it was before an update that changed the registration access token."""
    world = await ready_world(None, resyncEvery="0s", **policy)
    name = record_name(world.uid)
    backup: JsonObject = world.cluster.need(SECRETS, SYSTEM, name)
    world.set_client(clientMetadata={**METADATA, "clientName": "New name"})
    await world.settle()
    version = object_meta(world.cluster.need(SECRETS, SYSTEM, name)).resource_version
    member(backup, "metadata")["resourceVersion"] = version
    world.cluster.update(SECRETS, backup)
    world.restart()
    return world


async def test_a_record_with_an_older_token_stops_and_the_credentials_go_on_working() -> None:
    world = await older_record()
    await world.run_pass()
    assert world.condition() == ("False", "RegistrationAccessTokenRejected")
    secret = world.secret()
    assert secret is not None
    assert world.opens(secret)
    assert len(world.provider.clients) == 1


async def test_a_record_with_an_older_token_registers_anew_where_the_provider_says_so() -> None:
    world = await older_record(onLostRegistrationAccessToken="Reregister")
    await world.settle()
    assert world.condition() == ("True", "Ready")
    secret = world.secret()
    assert secret is not None
    assert world.opens(secret)
    (orphan,) = world.record.orphans
    assert orphan.client_id in world.provider.clients


async def test_a_record_of_a_client_that_is_gone_meanwhile_registers_it_anew() -> None:
    world = await older_record()
    world.provider.clients.clear()
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert len(world.provider.clients) == 1
    assert not world.record.orphans


async def test_a_record_that_was_taken_for_left_is_not_when_its_resource_is_back() -> None:
    world = await ready_world()
    name = record_name(world.uid)
    marked = record_secret(replace(world.record, gone_at=world.now), SYSTEM, None)
    world.cluster.edit(SECRETS, SYSTEM, name, lambda each: each.update(data=marked["data"]))
    restore_with_new_uid(world)
    await rebind_all(world)
    assert world.record.gone_at is None
