"""Several operators in one cluster: each leaves alone what is another's."""

from dataclasses import replace

import pytest

from dcr_operator.kube import CLUSTER_OAUTH_PROVIDERS, Key
from dcr_operator.observe_provider import observe_provider
from dcr_operator.operator_class import NOT_SERVED
from dcr_operator.reasons import Reason
from dcr_operator.state import ProviderUnusable
from tests.fakes.operator_world import CLIENT, PROVIDER, World, new_world, ready_world


def operator_of(world: World, operator_class: str) -> World:
    """Another operator in the same cluster, with a namespace of its own."""
    return replace(world, operator_class=operator_class)


def delete_provider(world: World) -> None:
    world.cluster.delete(CLUSTER_OAUTH_PROVIDERS, "", PROVIDER.name)


@pytest.mark.parametrize(("ours", "theirs"), [("", "blue"), ("green", "blue"), ("green", None)])
@pytest.mark.parametrize("key", [CLIENT, PROVIDER], ids=["client", "provider"])
async def test_what_is_anothers_is_neither_written_nor_are_its_secrets_read(
    key: Key, ours: str, theirs: str | None
) -> None:
    world = new_world() if theirs is None else new_world(operatorClass=theirs)
    world.operator_class = ours
    result = await world.run_pass(key)
    assert (result.reason, result.requeue_after, result.failed) == (NOT_SERVED, None, False)
    assert world.wire.writes == []
    assert not world.wire.requests
    assert [call for call in world.wire.calls if "secrets" in str(call)] == []
    assert world.events.seen == []


async def test_the_operator_of_the_class_serves_it_and_signs_the_status() -> None:
    world = new_world(operatorClass="blue")
    world.operator_class = "blue"
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert world.status["operatorClass"] == "blue"


async def test_without_a_class_the_status_is_not_signed() -> None:
    world = new_world()
    await world.settle()
    assert "operatorClass" not in world.status


async def test_a_missing_provider_is_told_by_the_operator_without_a_class() -> None:
    world = new_world()
    delete_provider(world)
    await operator_of(world, "blue").run_pass()
    assert world.status.get("conditions") is None
    await world.run_pass()
    assert world.condition() == ("False", "ProviderNotFound")


async def test_a_provider_that_comes_during_a_pass_is_left_to_its_own_operator() -> None:
    world = new_world(operatorClass="blue")
    seen = await observe_provider(PROVIDER, CLIENT.namespace, world.context)
    assert isinstance(seen, ProviderUnusable)
    assert seen.reason is Reason.PROVIDER_NOT_FOUND
    assert not world.wire.requests


async def test_a_client_whose_provider_went_stays_with_the_operator_that_served_it() -> None:
    blue = new_world(operatorClass="blue")
    blue.operator_class = "blue"
    await blue.settle()
    delete_provider(blue)
    nobody = operator_of(blue, "")
    await nobody.run_pass()
    assert nobody.wire.writes == []
    blue.delete_client()
    await nobody.run_pass()
    assert nobody.wire.writes == []
    await blue.settle()
    assert blue.client is None
    assert blue.provider.clients == {}


async def test_a_deletion_is_the_business_of_who_registered_even_when_the_class_changed() -> None:
    blue = new_world(operatorClass="blue")
    blue.operator_class = "blue"
    await blue.settle()
    blue.set_provider(operatorClass="green")
    blue.delete_client()
    green = operator_of(blue, "green")
    await green.run_pass()
    assert green.wire.writes == []
    await blue.settle()
    assert blue.client is None


async def test_a_client_that_became_anothers_is_counted_no_more() -> None:
    world = await ready_world()
    world.set_provider(operatorClass="blue")
    await world.run_pass()
    assert world.metrics.ready == {}
