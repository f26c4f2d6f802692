"""Passes over a provider: its condition, its facts, the number of its clients, and no heartbeat."""

from collections.abc import Callable

import pytest

from dcr_operator.kube import (
    CLUSTER_OAUTH_PROVIDERS,
    SECRETS,
    JsonObject,
    ObjectMeta,
    member,
    object_meta,
)
from tests.fakes.operator_world import PROVIDER, SYSTEM, World
from tests.fakes.provider import ISSUER, FakeProvider


def provider_world(provider: FakeProvider | None = None, **spec: object) -> World:
    world = World(provider or FakeProvider())
    world.add_provider(**spec)
    return world


def provider_of(world: World) -> tuple[ObjectMeta, JsonObject]:
    document = world.cluster.need(CLUSTER_OAUTH_PROVIDERS, "", "main")
    return object_meta(document), member(document, "status")


def ready(world: World) -> tuple[object, object]:
    conditions = provider_of(world)[1]["conditions"]
    assert isinstance(conditions, list)
    (condition,) = conditions
    assert isinstance(condition, dict)
    return condition["status"], condition["reason"]


async def test_a_provider_that_answers_is_ready_and_says_what_it_can() -> None:
    world = provider_world(FakeProvider(idempotent=True))
    result = await world.run_pass(PROVIDER)
    assert (result.reason, result.requeue_after, result.failed) == ("Ready", 600.0, False)
    status = provider_of(world)[1]
    assert ready(world) == ("True", "Ready")
    assert status["issuer"] == ISSUER
    assert status["registrationEndpoint"] == f"{ISSUER}/register"
    assert status["capabilities"] == ["Idempotency"]
    assert (status["clients"], status["observedGeneration"]) == (1, 1)


async def test_a_steady_provider_is_not_written_to() -> None:
    world = provider_world()
    await world.run_pass(PROVIDER)
    await world.run_pass(PROVIDER)
    assert world.wire.writes == []
    assert world.events.reasons == ["Ready"]


async def test_while_the_number_of_clients_is_unknown_the_last_one_stands() -> None:
    world = provider_world()
    world.use.clients = 7
    await world.run_pass(PROVIDER)
    world.use.clients = None
    await world.run_pass(PROVIDER)
    assert provider_of(world)[1]["clients"] == 7


def _down(world: World) -> None:
    world.provider.down = True


def _no_token(world: World) -> None:
    world.cluster.delete(SECRETS, SYSTEM, "iat")


def _no_authority(world: World) -> None:
    world.set_provider(tls={"caRef": {"namespace": SYSTEM, "name": "ca", "key": "ca.crt"}})


def _invalid(world: World) -> None:
    world.set_provider(issuer=7)


CAUSES = [
    (_down, "ProviderUnavailable"),
    (_no_token, "InitialAccessTokenMissing"),
    (_no_authority, "CertificateAuthorityMissing"),
    (_invalid, "InvalidSpec"),
]


@pytest.mark.parametrize(("cause", "reason"), CAUSES, ids=[row[1] for row in CAUSES])
async def test_each_cause_has_its_reason_and_what_was_seen_stays(
    cause: Callable[[World], None], reason: str
) -> None:
    world = provider_world()
    await world.run_pass(PROVIDER)
    cause(world)
    for _ in range(2):
        result = await world.run_pass(PROVIDER)
        assert (result.reason, result.failed) == (reason, True)
    assert ready(world) == ("False", reason)
    assert provider_of(world)[1]["registrationEndpoint"] == f"{ISSUER}/register"
    assert world.events.reasons == ["Ready", reason]


async def test_a_provider_that_is_gone_needs_no_pass() -> None:
    assert (await World().run_pass(PROVIDER)).requeue_after is None


async def test_what_clients_secrets_show_is_told_and_nothing_else_of_the_document() -> None:
    world = provider_world()
    for change in ({}, {"onAmbiguousCreate": "Stop"}, {"registrationEndpoint": f"{ISSUER}/r2"}):
        world.set_provider(**change)
        await world.run_pass(PROVIDER)
    first, same, other = world.use.shown
    assert first == same != other
