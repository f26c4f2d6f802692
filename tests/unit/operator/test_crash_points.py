"""Faults before and after every outbound call of create, update and delete, exhaustively.

Oracles: O1 exactly one client at the provider for a live resource and none for a dead one (with
a provider that is not idempotent: none but those on record); O2 the Secret opens the client;
O3 then silence: no writes, no requests.
"""

import pytest

from dcr_operator.kube import SECRETS
from tests.fakes.crash_sweep import MOST_CALLS, Prepare, sweep
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import NAMESPACE, RESYNC, World, document, encoded
from tests.fakes.provider import FakeProvider

METADATA = {"clientName": "Dashboard", "redirectUris": ["https://dashboard.example.com/callback"]}
BY_POST = {**METADATA, "tokenEndpointAuthMethod": "client_secret_post"}
FIRST = "eyJhbGciOiJFUzI1NiJ9.eyJzb2Z0d2FyZV9pZCI6ImEifQ.c2lnbmF0dXJl"
SECOND = "eyJhbGciOiJFUzI1NiJ9.eyJzb2Z0d2FyZV9pZCI6ImIifQ.c2lnbmF0dXJl"
STATEMENT_REF = {"name": "statement", "key": "jwt"}


def new_world(*, idempotent: bool) -> World:
    world = World(FakeProvider(idempotent=idempotent))
    # The choices under which everything heals by itself.
    world.add_provider(onLostRegistrationAccessToken="Reregister")
    return world


def put_statement(world: World, text: str) -> None:
    world.cluster.delete(SECRETS, NAMESPACE, "statement")
    body = document(SECRETS, NAMESPACE, "statement", data=encoded({"jwt": text}))
    world.cluster.create(SECRETS, body)


async def about_to_create(*, idempotent: bool) -> World:
    world = new_world(idempotent=idempotent)
    world.add_client()
    return world


async def about_to_update(*, idempotent: bool) -> World:
    world = await about_to_create(idempotent=idempotent)
    await world.settle()
    world.set_client(clientMetadata={**METADATA, "clientName": "New name"})
    return world


async def about_to_change_the_method(*, idempotent: bool) -> World:
    world = await about_to_create(idempotent=idempotent)
    await world.settle()
    world.set_client(clientMetadata=BY_POST)
    return world


async def about_to_change_the_statement(*, idempotent: bool) -> World:
    world = new_world(idempotent=idempotent)
    put_statement(world, FIRST)
    world.add_client(softwareStatementRef=STATEMENT_REF)
    await world.settle()
    put_statement(world, SECOND)
    return world


async def about_to_reregister(*, idempotent: bool) -> World:
    world = await about_to_create(idempotent=idempotent)
    await world.settle()
    world.provider.clients.clear()
    world.advance(3700)
    return world


async def about_to_be_denied(*, idempotent: bool) -> World:
    """What the provider puts in force is not what its policy allows."""
    world = World(FakeProvider(idempotent=idempotent))
    world.add_provider(
        onLostRegistrationAccessToken="Reregister", clientPolicy={"scopes": ["openid"]}
    )
    world.provider.overrides = {"scope": "openid admin"}
    world.add_client()
    return world


async def about_to_be_denied_by_an_update(*, idempotent: bool) -> World:
    world = await about_to_be_denied(idempotent=idempotent)
    world.provider.overrides = {}
    await world.settle()
    world.provider.overrides = {"scope": "openid admin"}
    world.set_client(clientMetadata={**METADATA, "clientName": "New name"})
    return world


async def about_to_delete(*, idempotent: bool) -> World:
    world = await about_to_create(idempotent=idempotent)
    await world.settle()
    world.delete_client()
    return world


def lives(world: World, *, name: str) -> None:
    """O1 and O2 for a live resource."""
    assert world.condition() == ("True", "Ready")
    secret = world.secret()
    assert secret is not None
    method = secret["token_endpoint_auth_method"]
    assert world.provider.opens(secret["client_id"], secret["client_secret"], method)
    client = world.provider.clients[secret["client_id"]]
    assert client.metadata["client_name"] == name
    assert client.metadata["token_endpoint_auth_method"] == method
    on_record(world, besides=secret["client_id"])
    assert not world.metrics.intents


def lives_with_the_statement(world: World) -> None:
    lives(world, name="Dashboard")
    secret = world.secret() or {}
    sent = world.provider.clients[secret["client_id"]].metadata["software_statement"]
    assert sent == SECOND


def on_record(world: World, *, besides: str = "") -> None:
    """Every client that is left is on record, by name where that was known; none for nothing."""
    orphans = [orphan for record in world.records() for orphan in record.orphans]
    named = {orphan.client_id for orphan in orphans if orphan.client_id}
    nameless = len([orphan for orphan in orphans if not orphan.client_id])
    left = world.provider.clients.keys() - {besides}
    assert named <= left
    assert len(left - named) <= nameless <= 1
    assert not (world.provider.idempotent and (left or orphans))


def is_dead(world: World) -> None:
    """O1 for a resource that is gone."""
    assert world.client is None
    assert world.secret() is None
    on_record(world)


def is_denied(world: World) -> None:
    """Nothing of it is left at the provider, and nothing is published."""
    assert world.condition() == ("False", "PolicyDenied")
    assert world.secret() is None
    on_record(world)


FAULTS = list(Fault)
KINDS = [pytest.param(True, id="idempotent"), pytest.param(False, id="not idempotent")]


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_creating_survives(fault: Fault, *, idempotent: bool) -> None:
    await sweep(
        about_to_create,
        fault,
        idempotent=idempotent,
        check=lambda world: lives(world, name="Dashboard"),
    )


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_updating_survives(fault: Fault, *, idempotent: bool) -> None:
    await sweep(
        about_to_update,
        fault,
        idempotent=idempotent,
        check=lambda world: lives(world, name="New name"),
    )


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_changing_how_the_client_authenticates_survives(
    fault: Fault, *, idempotent: bool
) -> None:
    await sweep(
        about_to_change_the_method,
        fault,
        idempotent=idempotent,
        check=lambda world: lives(world, name="Dashboard"),
    )


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("then", ["deleted", "edited back"])
async def test_what_follows_a_lost_change_of_the_method_knows_of_it(
    fault: Fault, then: str, *, idempotent: bool
) -> None:
    for call in range(1, MOST_CALLS):
        world = await about_to_change_the_method(idempotent=idempotent)
        reached = await world.run_pass_with(FaultAt(fault, call))
        world.restart()
        if then == "deleted":
            world.delete_client()
        else:
            world.set_client(clientMetadata=METADATA)
        await world.run_pass()
        world.advance(RESYNC)
        await world.settle()
        if then == "deleted":
            is_dead(world)
        else:
            lives(world, name="Dashboard")
        if not reached:
            return


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_following_another_software_statement_survives(
    fault: Fault, *, idempotent: bool
) -> None:
    await sweep(
        about_to_change_the_statement,
        fault,
        idempotent=idempotent,
        check=lives_with_the_statement,
    )


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_registering_again_survives(fault: Fault, *, idempotent: bool) -> None:
    await sweep(
        about_to_reregister,
        fault,
        idempotent=idempotent,
        check=lambda world: lives(world, name="Dashboard"),
    )


@pytest.mark.parametrize("idempotent", KINDS)
# A 404 to a deletion means that the client is gone, whoever says so.
@pytest.mark.parametrize("fault", [each for each in FAULTS if each is not Fault.GATEWAY_404])
@pytest.mark.parametrize("prepare", [about_to_be_denied, about_to_be_denied_by_an_update])
async def test_taking_away_what_the_policy_denies_survives(
    prepare: Prepare, fault: Fault, *, idempotent: bool
) -> None:
    await sweep(prepare, fault, idempotent=idempotent, check=is_denied)


@pytest.mark.parametrize("idempotent", KINDS)
# A 404 to a deletion means that the client is gone, whoever says so.
@pytest.mark.parametrize("fault", [each for each in FAULTS if each is not Fault.GATEWAY_404])
async def test_deleting_survives(fault: Fault, *, idempotent: bool) -> None:
    await sweep(about_to_delete, fault, idempotent=idempotent, check=is_dead)


@pytest.mark.parametrize("idempotent", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_resource_deleted_after_a_fault_of_its_creation_is_gone(
    fault: Fault, *, idempotent: bool
) -> None:
    for call in range(1, MOST_CALLS):
        world = await about_to_create(idempotent=idempotent)
        reached = await world.run_pass_with(FaultAt(fault, call))
        world.restart()
        world.delete_client()
        await world.settle()
        is_dead(world)
        if not reached:
            return


@pytest.mark.parametrize("idempotent", KINDS)
async def test_an_update_edited_back_after_its_answer_was_lost_ends_as_the_spec_says(
    *, idempotent: bool
) -> None:
    for fault in FAULTS:
        for call in range(1, 12):
            world = await about_to_update(idempotent=idempotent)
            await world.run_pass_with(FaultAt(fault, call))
            world.restart()
            world.set_client()
            await world.settle()
            lives(world, name="Dashboard")
