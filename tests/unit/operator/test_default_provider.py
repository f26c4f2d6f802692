"""A client that names no provider: the default is resolved once, and the record keeps it."""

import pytest

from dcr_operator.kube import CLUSTER_OAUTH_PROVIDERS, OAUTH_CLIENTS, JsonObject, object_meta
from dcr_operator.operator_class import NOT_SERVED
from tests.fakes.kubernetes_api import member_of
from tests.fakes.operator_world import (
    METADATA,
    NAME,
    NAMESPACE,
    PROVIDER,
    World,
    client_spec,
    document,
    provider_spec,
)

DEFAULT = "dcr-operator.dev/is-default-provider"
PINNED: JsonObject = {"kind": PROVIDER.kind, "name": PROVIDER.name}


def annotate(world: World, name: str, value: str | None = "true") -> None:
    annotations: JsonObject = {} if value is None else {DEFAULT: value}
    world.cluster.edit(
        CLUSTER_OAUTH_PROVIDERS,
        "",
        name,
        lambda each: member_of(each, "metadata").update(annotations=annotations),
    )


def add_other(world: World, **spec: object) -> None:
    body = document(CLUSTER_OAUTH_PROVIDERS, "", "other", spec=provider_spec(**spec))
    world.cluster.create(CLUSTER_OAUTH_PROVIDERS, body)


def unnamed_spec(**spec: object) -> JsonObject:
    return {name: value for name, value in client_spec(**spec).items() if name != "providerRef"}


def world_without_reference(**provider: object) -> World:
    world = World()
    world.add_provider(**provider)
    body = document(OAUTH_CLIENTS, NAMESPACE, NAME, spec=unnamed_spec())
    world.cluster.create(OAUTH_CLIENTS, body)
    return world


async def test_the_annotated_provider_is_meant_and_status_names_it() -> None:
    world = world_without_reference()
    annotate(world, "main")
    spec = (world.client or {})["spec"]
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert world.status["providerRef"] == PINNED
    assert world.record.provider.key == PROVIDER
    assert (world.client or {})["spec"] == spec


@pytest.mark.parametrize("value", [None, "", "false", "True", "yes"])
async def test_without_a_default_the_client_waits_for_one(value: str | None) -> None:
    world = world_without_reference()
    annotate(world, "main", value)
    await world.run_pass()
    assert world.condition("ProviderReady") == ("False", "ProviderNotFound")
    assert "providerRef" not in world.status
    assert not world.wire.requests
    annotate(world, "main")
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_with_two_defaults_nobody_is_asked_and_both_are_named() -> None:
    world = world_without_reference()
    add_other(world)
    annotate(world, "main")
    annotate(world, "other")
    await world.run_pass()
    assert world.condition("ProviderReady") == ("False", "DefaultProviderAmbiguous")
    assert "main, other" in str(world.status["conditions"])
    assert not world.provider.clients
    annotate(world, "other", None)
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_a_default_that_is_being_deleted_is_no_default() -> None:
    world = world_without_reference()
    annotate(world, "main")
    world.cluster.edit(
        CLUSTER_OAUTH_PROVIDERS,
        "",
        "main",
        lambda each: member_of(each, "metadata").update(
            finalizers=["x"], deletionTimestamp="2026-01-01T00:00:00Z"
        ),
    )
    await world.run_pass()
    assert world.condition() == ("False", "ProviderNotFound")


async def registered_world() -> World:
    world = world_without_reference()
    annotate(world, "main")
    await world.settle()
    return world


@pytest.mark.parametrize("second", [True, False], ids=["and another", "and none"])
async def test_a_registered_client_stays_when_the_default_changes(*, second: bool) -> None:
    world = await registered_world()
    add_other(world)
    annotate(world, "main", None)
    if second:
        annotate(world, "other")
    name = {**METADATA, "clientName": "New name"}
    world.cluster.edit(
        OAUTH_CLIENTS,
        NAMESPACE,
        NAME,
        lambda each: each.update(spec=unnamed_spec(clientMetadata=name)),
    )
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert world.status["providerRef"] == PINNED
    (client,) = world.provider.clients.values()
    assert client.metadata["client_name"] == "New name"


async def test_a_registered_client_asks_for_no_list_of_providers() -> None:
    world = await registered_world()
    await world.run_pass()
    assert "list clusteroauthproviders" not in world.wire.calls


async def test_naming_the_provider_afterwards_changes_nothing_at_the_provider() -> None:
    world = await registered_world()
    world.set_client()
    await world.run_pass()
    assert world.condition() == ("True", "Ready")
    assert not world.wire.requests


async def test_taking_the_name_off_leaves_the_client_where_it_is() -> None:
    world = World()
    world.add_provider()
    world.add_client()
    await world.settle()
    world.cluster.edit(
        OAUTH_CLIENTS, NAMESPACE, NAME, lambda each: each.update(spec=unnamed_spec())
    )
    await world.run_pass()
    assert world.condition() == ("True", "Ready")
    assert not world.wire.requests


async def test_a_client_of_the_default_is_unregistered_when_the_default_is_gone() -> None:
    world = await registered_world()
    world.cluster.delete(CLUSTER_OAUTH_PROVIDERS, "", "main")
    await world.run_pass()
    assert world.condition() == ("True", "Ready")
    assert world.condition("ProviderReady") == ("False", "ProviderNotFound")
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert not world.provider.clients


async def test_the_default_decides_which_operator_serves_the_client() -> None:
    world = world_without_reference(operatorClass="blue")
    annotate(world, "main")
    assert (await world.run_pass()).reason == NOT_SERVED
    assert world.wire.writes == []
    world.operator_class = "blue"
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_two_defaults_are_told_by_the_operator_without_a_class() -> None:
    world = world_without_reference(operatorClass="blue")
    add_other(world)
    annotate(world, "main")
    annotate(world, "other")
    world.operator_class = "blue"
    assert (await world.run_pass()).reason == NOT_SERVED
    world.operator_class = ""
    await world.run_pass()
    assert world.condition() == ("False", "DefaultProviderAmbiguous")


async def test_the_operator_writes_nothing_of_the_users() -> None:
    world = await registered_world()
    meta = object_meta(world.client or {})
    assert (meta.generation, meta.labels, meta.annotations) == (1, {}, {})
