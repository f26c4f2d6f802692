"""Orphans on record: listed without their access, removed at the provider where there is one."""

import json

import pytest

from dcr_operator.kube import NAMESPACES, OAUTH_CLIENTS, SECRETS, member
from dcr_operator.orphan_list import (
    ListedOrphan,
    OrphanRemoval,
    Records,
    listed,
    named,
    read_records,
    without_resource,
)
from dcr_operator.outcomes import NotSupported, Outcome, Unreachable
from dcr_operator.record import record_name
from tests.fakes.adoptable import give_access
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import (
    NAME,
    NAMESPACE,
    SYSTEM,
    World,
    document,
    new_world,
    ready_world,
)


async def abandoned_world() -> World:
    """Return a world in which a client was left, and its namespace has gone."""
    world = await ready_world()
    world.provider.down = True
    gone = document(NAMESPACES, "", NAMESPACE)
    member(gone, "metadata")["finalizers"] = ["kubernetes"]
    world.cluster.create(NAMESPACES, gone)
    world.cluster.delete(NAMESPACES, None, NAMESPACE)
    world.delete_client()
    world.advance(600)
    await world.run_pass()
    assert world.client is None
    world.provider.down = False
    return world


async def orphans_of(world: World) -> tuple[Records, tuple[ListedOrphan, ...]]:
    records = await read_records(world.context.kubernetes, SYSTEM)
    return records, listed(records)


def removal(world: World) -> OrphanRemoval:
    context = world.context
    return OrphanRemoval(context.kubernetes, context.registrations, SYSTEM)


async def test_what_was_left_is_listed_and_its_access_is_not() -> None:
    world = await abandoned_world()
    (orphan,) = world.record.orphans
    _, (each,) = await orphans_of(world)
    shown = each.to_document()
    assert shown["clientId"] == orphan.client_id
    assert (shown["cause"], shown["removable"]) == ("Abandoned", True)
    token = orphan.management[0].registration_access_token.get_secret_value()
    assert token not in json.dumps(shown)
    assert token not in repr(each)


async def test_what_is_deleted_at_the_provider_leaves_no_record() -> None:
    world = await abandoned_world()
    records, (each,) = await orphans_of(world)
    came = await removal(world).delete(each, records)
    assert (came.done, came.words) == (True, "deleted")
    assert not world.provider.clients
    assert not world.records()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Unreachable("no connection", may_have_arrived=False), "did not delete it: no connection"),
        (NotSupported(405), "did not delete it: NotSupported"),
    ],
)
async def test_what_the_provider_does_not_delete_stays_on_record(
    answer: Outcome, words: str
) -> None:
    world = await abandoned_world()
    world.provider.instead = answer
    records, (each,) = await orphans_of(world)
    came = await removal(world).delete(each, records)
    assert not came.done
    assert words in came.words
    assert world.record.orphans


async def test_a_token_that_is_refused_leaves_the_decision_to_a_person() -> None:
    world = await abandoned_world()
    world.provider.clients.clear()
    records, (each,) = await orphans_of(world)
    came = await removal(world).delete(each, records)
    assert not came.done
    assert "by hand" in came.words
    assert named(listed(records), each.name) == (each,)
    await removal(world).forget(each, records)
    assert not world.records()


async def test_a_client_that_is_in_use_after_all_is_left_alone() -> None:
    world = await abandoned_world()
    (orphan,) = world.record.orphans
    access = orphan.management[0]
    uri, token = access.registration_client_uri, access.registration_access_token
    give_access(
        world,
        registration_client_uri=uri,
        registration_access_token=token.get_secret_value(),
    )
    # An administrator has removed the record by hand, and restores it after the adoption.
    (name,) = [place for place in world.cluster.objects if "oauthclient-uid" in place[2]]
    kept = world.cluster.objects.pop(name)
    adopt = {"clientId": orphan.client_id, "registrationRef": {"name": "access-to-legacy"}}
    world.add_client(adopt=adopt)
    await world.settle()
    world.cluster.objects[name] = kept
    records, (each,) = await orphans_of(world)
    came = await removal(world).delete(each, records)
    assert not came.done
    assert "in use" in came.words
    assert orphan.client_id in world.provider.clients


async def test_the_record_of_a_client_that_lives_stays_when_its_orphan_goes() -> None:
    world = new_world()
    await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "provider register"))
    world.restart()
    await world.settle()
    records, (each,) = await orphans_of(world)
    assert not each.removable
    await removal(world).forget(each, records)
    assert not world.record.orphans
    assert world.record.registration is not None
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_a_record_that_cannot_be_read_is_named_and_others_are_not_looked_at() -> None:
    world = await ready_world()
    name = record_name(world.uid)
    world.cluster.edit(SECRETS, SYSTEM, name, lambda each: each.update(data={}))
    other = document(SECRETS, SYSTEM, "other")
    member(other, "metadata")["labels"] = {"app.kubernetes.io/managed-by": "dcr-operator"}
    world.cluster.create(SECRETS, other)
    records, found = await orphans_of(world)
    assert found == ()
    (unreadable,) = records.unreadable
    assert unreadable.startswith(f"{SYSTEM}/{name}: ")


async def without_its_resource() -> tuple[World, Records, ListedOrphan]:
    world = await ready_world()
    world.cluster.take_away(OAUTH_CLIENTS, NAMESPACE, NAME)
    records, recorded = await orphans_of(world)
    assert recorded == ()
    (each,) = without_resource(records, ())
    return world, records, each


async def test_a_client_without_its_resource_is_listed_as_such() -> None:
    world, records, each = await without_its_resource()
    shown = each.to_document()
    assert (shown["cause"], shown["removable"]) == ("ResourceGone", True)
    assert not each.is_certain
    assert without_resource(records, {world.record.resource.uid}) == ()


async def test_one_that_is_retained_is_not() -> None:
    world = await ready_world()
    world.set_client(deletionPolicy="Retain")
    await world.settle()
    records, _ = await orphans_of(world)
    assert without_resource(records, ()) == ()


async def test_a_person_can_say_that_its_resource_is_deleted() -> None:
    world, records, each = await without_its_resource()
    await removal(world).put_on_record(each, records)
    records, (same,) = await orphans_of(world)
    assert same.orphan == each.orphan
    assert same.is_certain
    assert (await removal(world).delete(same, records)).done
    assert not world.provider.clients
    assert not world.records()
