"""Whole passes over a client whose keys the operator makes: made, registered, rotated, dropped."""

import json
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from dcr_operator.kube import JsonObject
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import ELSEWHERE, METADATA, RESYNC, World
from tests.fakes.provider import FakeProvider
from tests.fakes.rotation import ask_for_rotation

DAY = 86_400.0
MOST_CALLS = 30  # more than any pass makes: the sweep ends when a fault is not reached
SIGNED: JsonObject = {**METADATA, "tokenEndpointAuthMethod": "private_key_jwt"}
KEYED = {"clientMetadata": SIGNED, "clientKeys": {"overlap": "1d"}}


def new_world(*, idempotent: bool = True, **keys: object) -> World:
    world = World(FakeProvider(idempotent=idempotent))
    world.add_provider(onLostRegistrationAccessToken="Reregister")
    world.add_client(clientMetadata=SIGNED, clientKeys={"overlap": "1d", **keys})
    return world


async def keyed_world(*, idempotent: bool = True, **keys: object) -> World:
    world = new_world(idempotent=idempotent, **keys)
    await world.settle()
    assert world.condition() == ("True", "Ready")
    return world


def kid(world: World) -> str:
    return (world.secret() or {})["key_id"]


def published(world: World) -> list[str]:
    """Return the names of the keys that the provider knows."""
    client = world.provider.clients[(world.secret() or {})["client_id"]]
    jwks = client.metadata.get("jwks")
    assert isinstance(jwks, dict)
    assert isinstance(jwks["keys"], list)
    assert all("d" not in key for key in jwks["keys"] if isinstance(key, dict))
    return [str(key["kid"]) for key in jwks["keys"] if isinstance(key, dict)]


async def test_the_private_key_is_in_the_secret_and_the_public_one_is_registered() -> None:
    world = await keyed_world()
    secret = world.secret() or {}
    jwk = json.loads(secret["private_key.jwk"])
    assert secret["private_key.pem"].startswith("-----BEGIN PRIVATE KEY-----")
    assert jwk["kid"] == secret["key_id"]
    assert {"kty", "crv", "x", "y", "d", "alg", "use"} <= jwk.keys()
    assert published(world) == [secret["key_id"]]
    assert "client_secret" not in secret
    assert jwk["d"] not in str(world.client)


async def test_a_client_with_a_key_takes_five_writes() -> None:
    world = new_world()
    await world.run_pass()
    assert len(world.wire.writes) == 5
    await world.run_pass()
    assert world.wire.writes == []


async def test_no_key_is_made_for_what_the_policy_does_not_allow() -> None:
    world = World(FakeProvider())
    world.add_provider(clientPolicy={"redirectUris": ["https://other.example.org/*"]})
    world.add_client(clientMetadata=SIGNED, clientKeys={"overlap": "1d"})
    with capture_logs() as logged:
        await world.run_pass()
    assert world.condition() == ("False", "PolicyDenied")
    assert "MakeKeyPair" not in [entry.get("step") for entry in logged]


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "RS256", "PS256", "EdDSA"])
async def test_a_key_of_each_algorithm_is_made(algorithm: str) -> None:
    world = await keyed_world(algorithm=algorithm)
    assert json.loads((world.secret() or {})["private_key.jwk"])["alg"] == algorithm


async def test_a_rotated_key_stays_registered_for_the_overlap() -> None:
    world = await keyed_world()
    before = kid(world)
    ask_for_rotation(world)
    result = await world.run_pass()
    assert len(world.wire.writes) == 4
    after = kid(world)
    assert after != before
    assert set(published(world)) == {before, after}
    assert world.status["lastHandledRotateAt"] == "now"
    assert world.status["previousCredentialsValidUntil"] == "2026-01-02T00:06:40Z"
    assert (world.events.reasons[-1], result.failed) == ("Rotated", False)
    await world.run_pass()
    assert (world.wire.writes, kid(world)) == ([], after)
    world.advance(DAY)
    await world.run_pass()
    assert published(world) == [after]
    assert "previousCredentialsValidUntil" not in world.status
    assert world.condition() == ("True", "Ready")


async def test_the_calendar_rotates_the_key_and_drops_the_old_one_at_its_moment() -> None:
    world = await keyed_world(rotateEvery="90d")
    world.set_provider(onLostRegistrationAccessToken="Reregister", resyncEvery="0s")
    first = kid(world)
    result = await world.run_pass()
    assert world.status["nextRotationTime"] == "2026-04-01T00:00:00Z"
    world.advance(result.requeue_after or 0)
    result = await world.run_pass()
    assert kid(world) != first
    assert result.requeue_after == DAY
    world.advance(DAY)
    await world.run_pass()
    assert published(world) == [kid(world)]


async def test_another_algorithm_is_another_key() -> None:
    world = await keyed_world()
    before = kid(world)
    world.set_client(clientMetadata=SIGNED, clientKeys={"algorithm": "EdDSA", "overlap": "1d"})
    await world.run_pass()
    assert set(published(world)) == {before, kid(world)} != {before}


async def test_a_client_that_had_a_secret_gets_a_key_and_gives_it_back() -> None:
    world = World(FakeProvider(idempotent=True))
    world.add_provider()
    world.add_client()
    await world.settle()
    world.set_client(**KEYED)
    await world.settle()
    assert published(world) == [kid(world)]
    assert "client_secret" not in (world.secret() or {})
    world.set_client()
    await world.settle()
    assert "key_id" not in (world.secret() or {})
    assert "client_secret" in (world.secret() or {})
    assert world.record.keys is None


async def test_a_key_that_was_never_registered_is_not_in_the_secret() -> None:
    world = await keyed_world()
    before = kid(world)
    ask_for_rotation(world)
    world.provider.down = True
    await world.run_pass()
    assert kid(world) == before
    world.provider.down = False
    await world.settle()
    assert kid(world) != before


async def about_to_create(*, idempotent: bool) -> World:
    return new_world(idempotent=idempotent)


async def about_to_rotate(*, idempotent: bool) -> World:
    world = await keyed_world(idempotent=idempotent)
    ask_for_rotation(world)
    return world


async def about_to_drop(*, idempotent: bool) -> World:
    world = await about_to_rotate(idempotent=idempotent)
    await world.run_pass()
    world.advance(DAY)
    return world


Prepare = Callable[..., Awaitable[World]]


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize(
    ("prepare", "idempotent"),
    [
        (about_to_create, True),
        (about_to_create, False),
        (about_to_rotate, True),
        (about_to_drop, True),
    ],
)
async def test_keys_survive(prepare: Prepare, fault: Fault, *, idempotent: bool) -> None:
    for call in range(1, MOST_CALLS):
        world = await prepare(idempotent=idempotent)
        reached = await fault_and_restart(world, FaultAt(fault, call))
        await world.settle()
        world.advance(DAY)
        await world.settle()
        assert world.condition() == ("True", "Ready")
        assert published(world) == [kid(world)]
        assert world.status.get("lastHandledRotateAt", "now") == "now"
        left = world.provider.clients.keys() - {(world.secret() or {})["client_id"]}
        assert len(left) <= len(world.record.orphans) <= 1
        assert not (idempotent and left)
        if not reached:
            return
    raise AssertionError("a pass makes more calls than the sweep covers")


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("prepare", [about_to_rotate, about_to_drop])
async def test_a_token_that_is_lost_in_a_rotation_leaves_a_key_that_works(
    prepare: Prepare, fault: Fault
) -> None:
    """At a provider that refuses the token before at once: nobody can tell what it has."""
    for call in range(1, MOST_CALLS):
        world = await prepare(idempotent=False)
        reached = await fault_and_restart(world, FaultAt(fault, call))
        for _ in range(3):
            await world.run_pass()
            opens_with_its_key(world)
        assert world.condition() in (
            ("True", "Ready"),
            ("False", "RegistrationAccessTokenRejected"),
        )
        assert len(world.provider.clients) == 1
        if not reached:
            return


async def fault_and_restart(world: World, fault: FaultAt) -> bool:
    reached = await world.run_pass_with(fault)
    opens_with_its_key(world)
    world.restart()
    await world.run_pass()
    opens_with_its_key(world)
    world.advance(RESYNC + DAY)
    return reached


def opens_with_its_key(world: World) -> None:
    """O2: whenever there is a Secret, its key is among those that the provider knows."""
    if world.secret() is not None:
        assert kid(world) in published(world)


async def test_a_move_that_is_denied_leaves_a_key_that_works() -> None:
    world = await keyed_world()
    world.add_other_provider(clientPolicy={"redirectUris": ["https://*.example.com/*"]})
    world.other.overrides = {"redirect_uris": ["https://evil.example.net/callback"]}
    ask_for_rotation(world)
    world.set_client(**KEYED, providerRef=ELSEWHERE)
    await world.settle()
    assert world.condition() == ("False", "PolicyDenied")
    assert kid(world) in published(world)
