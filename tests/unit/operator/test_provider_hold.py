"""A provider in use is not deleted; one that was taken away by force is told as it is."""

import pytest

from dcr_operator.kube import CLUSTER_OAUTH_PROVIDERS, ApiConflict, JsonObject, object_meta
from dcr_operator.kube import OAUTH_CLIENTS as CLIENTS
from dcr_operator.provider_hold import hold_or_release
from dcr_operator.state import PROVIDER_FINALIZER
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.kubernetes_api import member_of
from tests.fakes.operator_world import (
    CLIENT,
    NAME,
    NAMESPACE,
    PROVIDER,
    World,
    client_spec,
    new_world,
    ready_world,
)


def provider_of(world: World) -> JsonObject | None:
    return world.cluster.get(CLUSTER_OAUTH_PROVIDERS, "", "main")


def finalizers(world: World) -> tuple[str, ...]:
    return object_meta(provider_of(world) or {}).finalizers


def delete_provider(world: World) -> None:
    world.cluster.delete(CLUSTER_OAUTH_PROVIDERS, "", "main")


def ready(world: World) -> JsonObject:
    status = (provider_of(world) or {})["status"]
    assert isinstance(status, dict)
    conditions = status["conditions"]
    assert isinstance(conditions, list)
    (condition,) = conditions
    assert isinstance(condition, dict)
    return condition


async def held_world(**client: object) -> World:
    world = await ready_world()
    world.set_client(**client)
    await world.settle()
    world.use.holders = (CLIENT,)
    await world.run_pass(PROVIDER)
    return world


async def test_a_provider_that_is_used_has_our_finalizer() -> None:
    world = await held_world()
    assert finalizers(world) == (PROVIDER_FINALIZER,)
    await world.run_pass(PROVIDER)
    assert world.wire.writes == []


async def test_the_finalizers_of_others_stay() -> None:
    world = await ready_world()
    world.cluster.edit(
        CLUSTER_OAUTH_PROVIDERS,
        "",
        "main",
        lambda each: member_of(each, "metadata").update(finalizers=["another/one"]),
    )
    world.use.holders = (CLIENT,)
    await world.run_pass(PROVIDER)
    assert finalizers(world) == ("another/one", PROVIDER_FINALIZER)
    world.use.holders, world.use.left = (), True
    await world.run_pass(PROVIDER)
    assert finalizers(world) == ("another/one",)


async def test_a_provider_that_nobody_uses_goes_at_once() -> None:
    world = new_world()
    await world.run_pass(PROVIDER)
    assert finalizers(world) == ()
    delete_provider(world)
    assert provider_of(world) is None


@pytest.mark.parametrize("holders", [(), None], ids=["nobody", "not known yet"])
async def test_after_a_start_the_finalizer_stays_until_the_watches_have_shown_the_clients(
    holders: tuple[()] | None,
) -> None:
    world = await held_world()
    world.use.holders = holders
    await world.run_pass(PROVIDER)
    assert finalizers(world) == (PROVIDER_FINALIZER,)


async def test_deleted_in_use_it_says_so_and_names_who_needs_it() -> None:
    world = await held_world()
    delete_provider(world)
    result = await world.run_pass(PROVIDER)
    assert (result.reason, result.failed) == ("InUse", False)
    assert (ready(world)["status"], ready(world)["reason"]) == ("False", "InUse")
    assert f"{NAMESPACE}/{NAME}" in str(ready(world)["message"])
    assert "list oauthclients" not in world.wire.calls
    await world.run_pass(PROVIDER)
    assert world.wire.writes == []
    assert world.events.reasons.count("InUse") == 1


async def test_what_the_watch_has_not_shown_is_found_by_a_look_at_the_clients() -> None:
    world = await held_world()
    delete_provider(world)
    world.use.holders, world.use.left = (), True
    await world.run_pass(PROVIDER)
    assert ready(world)["reason"] == "InUse"
    assert finalizers(world) == (PROVIDER_FINALIZER,)


async def test_it_goes_when_the_last_client_is_unregistered() -> None:
    world = await held_world()
    delete_provider(world)
    await world.run_pass(PROVIDER)
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert not world.provider.clients
    world.use.holders = ()
    result = await world.run_pass(PROVIDER)
    assert result.reason == "Deleting"
    assert provider_of(world) is None


async def test_a_client_that_is_to_be_kept_does_not_hold_it() -> None:
    world = await held_world(deletionPolicy="Retain")
    delete_provider(world)
    world.use.holders = ()
    await world.run_pass(PROVIDER)
    assert provider_of(world) is None
    await world.run_pass()
    assert world.condition() == ("True", "Ready")
    assert world.condition("ProviderReady") == ("False", "ProviderNotFound")


async def test_a_client_that_was_never_let_in_does_not_hold_it() -> None:
    world = new_world(allowedNamespaces={"names": ["another"]})
    await world.run_pass()
    world.use.holders = (CLIENT,)
    await world.run_pass(PROVIDER)
    world.use.holders = ()
    delete_provider(world)
    await world.run_pass(PROVIDER)
    assert provider_of(world) is None


async def test_while_it_is_being_deleted_it_takes_no_new_clients_and_serves_those_it_has() -> None:
    world = await held_world()
    delete_provider(world)
    world.set_client(clientMetadata={"clientName": "New", "grantTypes": ["client_credentials"]})
    await world.settle()
    assert world.condition() == ("True", "Ready")
    (client,) = world.provider.clients.values()
    assert client.metadata["client_name"] == "New"
    late = world.cluster.need(CLIENTS, NAMESPACE, NAME)
    late = {
        **late,
        "metadata": {"name": "late", "namespace": NAMESPACE},
        "spec": client_spec(),
        "status": {},
    }
    world.cluster.create(CLIENTS, late)
    await world.run_pass(type(CLIENT)(CLIENT.kind, NAMESPACE, "late"))
    assert len(world.provider.clients) == 1
    seen = world.cluster.need(CLIENTS, NAMESPACE, "late")
    assert "is being deleted and takes no new clients" in str(seen["status"])
    assert object_meta(seen).finalizers == ()


async def test_taken_away_by_force_its_clients_tell_and_are_unregistered_all_the_same() -> None:
    world = await held_world()
    delete_provider(world)
    world.cluster.edit(
        CLUSTER_OAUTH_PROVIDERS,
        "",
        "main",
        lambda each: member_of(each, "metadata").update(finalizers=[]),
    )
    assert provider_of(world) is None
    await world.settle()
    # The credentials are out and valid; what cannot be done any more is said beside it.
    assert world.condition() == ("True", "Ready")
    assert world.condition("ProviderReady") == ("False", "ProviderNotFound")
    world.set_client(clientMetadata={"clientName": "New", "grantTypes": ["client_credentials"]})
    await world.run_pass()
    assert world.condition() == ("False", "ProviderNotFound")
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert not world.provider.clients


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.GATEWAY_404])
async def test_a_fault_at_any_call_of_its_end_is_made_good(fault: Fault) -> None:
    for call in range(1, 8):
        world = await held_world(deletionPolicy="Retain")
        delete_provider(world)
        world.use.holders = ()
        reached = await world.run_pass_with(FaultAt(fault, call), PROVIDER)
        await world.run_pass(PROVIDER)
        assert provider_of(world) is None
        if not reached:
            return
    raise AssertionError("a pass makes more calls than the sweep covers")


async def test_a_change_between_look_and_write_is_not_overwritten() -> None:
    world = await ready_world()
    world.use.holders = (CLIENT,)
    api = world.context.kubernetes
    stale = await api.get(CLUSTER_OAUTH_PROVIDERS, None, "main")
    assert stale is not None
    await api.patch_status(CLUSTER_OAUTH_PROVIDERS, None, "main", {"status": {"clients": 9}})
    with pytest.raises(ApiConflict):
        await hold_or_release(PROVIDER, stale, world.context)
    assert finalizers(world) == ()
