"""A namespace that is going: the object is let go after a while, and nothing is forgotten."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from dcr_operator.kube import (
    NAMESPACES,
    SECRETS,
    ApiForbidden,
    JsonObject,
    Resource,
    member,
)
from dcr_operator.orphans import OrphanCause
from dcr_operator.plan_terminating import PATIENCE
from dcr_operator.reconcile import reconcile
from dcr_operator.record import record_name
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.kubernetes_api import FakeKubernetesApi
from tests.fakes.operator_world import (
    CLIENT,
    ELSEWHERE,
    NAME,
    NAMESPACE,
    SYSTEM,
    World,
    document,
    new_world,
    ready_world,
)
from tests.fakes.provider import FakeProvider

LONG = PATIENCE.total_seconds()
LATER = timedelta(hours=1).total_seconds()


def terminate(world: World) -> None:
    """Delete the namespace: the Secret goes first, the client waits for its finalizer."""
    body = document(NAMESPACES, "", NAMESPACE)
    member(body, "metadata")["finalizers"] = ["kubernetes"]
    world.cluster.create(NAMESPACES, body)
    world.cluster.delete(NAMESPACES, None, NAMESPACE)
    world.cluster.delete(SECRETS, NAMESPACE, NAME)
    world.delete_client()


async def test_what_the_provider_deletes_is_gone_although_the_secret_went_first() -> None:
    world = await ready_world()
    terminate(world)
    await world.settle()
    assert world.client is None
    assert not world.provider.clients
    assert not world.records()


async def test_a_provider_that_does_not_answer_is_waited_for_ten_minutes_and_no_longer() -> None:
    world = await ready_world()
    world.provider.down = True
    terminate(world)
    await world.run_pass()
    assert world.condition() == ("False", "DeletionBlocked")
    world.advance(LONG)
    await world.run_pass()
    assert world.client is None
    (orphan,) = world.record.orphans
    assert orphan.cause is OrphanCause.ABANDONED
    assert orphan.client_id in world.provider.clients
    assert orphan.management
    assert world.metrics.orphans
    assert "DeletionBlocked" in world.events.reasons


class WithoutRole(FakeKubernetesApi):
    """Refuses what a Role of the namespace allowed."""

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JsonObject | None:
        if (resource, namespace) == (SECRETS, NAMESPACE):
            raise ApiForbidden(403, "Forbidden", "secrets is forbidden")
        return await FakeKubernetesApi.get(self, resource, namespace, name)


async def pass_without_role(world: World) -> None:
    api = WithoutRole(world.cluster, world.wire)
    with capture_logs():
        await reconcile(CLIENT, replace(world.context, kubernetes=api))


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
async def test_a_role_that_went_first_keeps_nothing(policy: str) -> None:
    world = await ready_world()
    world.set_client(deletionPolicy=policy)
    await world.settle()
    terminate(world)
    await pass_without_role(world)
    assert world.client is None
    assert len(world.provider.clients) == (0 if policy == "Delete" else 1)


async def test_secrets_that_may_not_be_read_are_waited_for_where_the_namespace_stays() -> None:
    world = await ready_world()
    world.cluster.create(NAMESPACES, document(NAMESPACES, "", NAMESPACE))
    world.delete_client()
    await pass_without_role(world)
    assert world.client is not None
    assert world.provider.clients


async def test_a_namespace_that_stays_is_waited_for_without_end() -> None:
    world = await ready_world()
    world.provider.down = True
    world.cluster.create(NAMESPACES, document(NAMESPACES, "", NAMESPACE))
    world.delete_client()
    world.advance(LATER)
    await world.run_pass()
    assert world.condition() == ("False", "DeletionBlocked")
    assert not world.record.orphans


async def test_a_provider_that_comes_back_in_time_leaves_nothing() -> None:
    world = await ready_world()
    world.provider.down = True
    terminate(world)
    await world.run_pass()
    world.provider.down = False
    world.advance(LONG)
    await world.settle()
    assert world.client is None
    assert not world.provider.clients
    assert not world.records()


async def test_a_registration_without_an_answer_is_put_on_record_as_such() -> None:
    world = new_world(FakeProvider(idempotent=True))
    await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "provider register"))
    world.restart()
    world.provider.down = True
    terminate(world)
    world.advance(LONG)
    await world.run_pass()
    assert world.client is None
    (orphan,) = world.record.orphans
    assert (orphan.cause, orphan.client_id) == (OrphanCause.AMBIGUOUS_CREATE, None)


async def test_the_registration_before_a_move_is_put_on_record_too() -> None:
    world = await ready_world()
    world.add_other_provider()
    world.set_client(providerRef=ELSEWHERE)
    await world.run_pass()
    world.provider.down = world.other.down = True
    terminate(world)
    world.advance(LATER)
    await world.run_pass()
    assert world.client is None
    known = {orphan.client_id for orphan in world.record.orphans}
    assert known == {*world.provider.clients, *world.other.clients}
    assert not world.record.retiring


async def test_a_record_that_cannot_be_read_is_kept_and_holds_up_nothing() -> None:
    world = await ready_world()
    name = record_name(world.uid)
    world.cluster.edit(SECRETS, SYSTEM, name, lambda each: each.update(data={}))
    terminate(world)
    await world.run_pass()
    assert world.condition() == ("False", "DeletionBlocked")
    world.advance(LONG)
    await world.run_pass()
    assert world.client is None
    assert world.cluster.get(SECRETS, SYSTEM, name) is not None


# A 404 to a deletion means that the client is gone, whoever says so.
@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.GATEWAY_404])
async def test_letting_go_survives(fault: Fault) -> None:
    for call in range(1, 40):
        world = await ready_world()
        world.provider.down = True
        terminate(world)
        world.advance(LONG)
        reached = await world.run_pass_with(FaultAt(fault, call))
        world.restart()
        await world.settle()
        assert world.client is None
        (orphan,) = world.record.orphans
        assert orphan.client_id in world.provider.clients
        assert orphan.management
        if not reached:
            return
