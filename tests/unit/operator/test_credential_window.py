"""Between the answer and the record: stored in place, never lost silently, never undone wrongly."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from dcr_operator.kube import (
    SECRETS,
    ApiError,
    ApiForbidden,
    ApiUnavailable,
    JsonObject,
    Resource,
)
from dcr_operator.ports import Context
from dcr_operator.reconcile import reconcile
from dcr_operator.record import record_secret
from dcr_operator.state import IntentKind
from tests.fakes.kubernetes_api import FakeKubernetesApi, member_of
from tests.fakes.operator_states import intent, registration
from tests.fakes.operator_world import CLIENT, SYSTEM, World, new_world
from tests.fakes.provider import FakeProvider


@dataclass(slots=True)
class Harmed(FakeKubernetesApi):
    """Replacing a record runs a scenario first; it may raise in place of the API server."""

    scenario: Callable[[int], None] = lambda _attempt: None
    attempts: int = field(default=0)

    async def replace(
        self, resource: Resource, namespace: str | None, body: JsonObject
    ) -> JsonObject:
        self.attempts += 1
        self.scenario(self.attempts)
        # Not super(): a dataclass with slots is made anew, and super() knows the first one.
        return await FakeKubernetesApi.replace(self, resource, namespace, body)


def harmed(world: World, scenario: Callable[[int], None]) -> tuple[Context, Harmed]:
    api = Harmed(world.cluster, world.wire, scenario)
    return replace(world.context, kubernetes=api), api


def failing(times: int, error: ApiError) -> Callable[[int], None]:
    def scenario(attempt: int) -> None:
        if attempt <= times:
            raise error

    return scenario


DOWN = ApiUnavailable(503, "ServiceUnavailable", "no answer")
FORBIDDEN = ApiForbidden(403, "Forbidden", "no")


async def test_storing_is_tried_again_in_place() -> None:
    world = new_world()
    context, api = harmed(world, failing(5, DOWN))
    result = await reconcile(CLIENT, context)
    assert (result.reason, api.attempts) == ("Ready", 6)
    assert world.slept > 0
    assert list(world.provider.clients) == ["client-1"]


async def test_a_record_touched_by_others_is_written_over_while_the_intent_is_ours() -> None:
    world = new_world()

    def label(attempt: int) -> None:
        if attempt == 1:
            name = f"oauthclient-{world.uid}"
            world.cluster.edit(
                SECRETS, SYSTEM, name, lambda body: member_of(body, "metadata").update(labels={})
            )

    context, _ = harmed(world, label)
    assert (await reconcile(CLIENT, context)).reason == "Ready"
    assert list(world.provider.clients) == ["client-1"]


async def test_a_record_that_was_removed_meanwhile_is_made_again() -> None:
    world = new_world()

    def remove(attempt: int) -> None:
        if attempt == 1:
            world.cluster.delete(SECRETS, SYSTEM, f"oauthclient-{world.uid}")

    context, _ = harmed(world, remove)
    assert (await reconcile(CLIENT, context)).reason == "Ready"
    assert world.record.registration is not None


async def test_a_client_without_a_record_is_deleted_again() -> None:
    world = new_world()
    context, _ = harmed(world, failing(99, FORBIDDEN))
    result = await reconcile(CLIENT, context)
    assert (result.reason, result.failed) == ("InternalError", True)
    assert world.provider.clients == {}
    assert world.condition() == ("False", "InternalError")


async def test_a_client_that_a_repeat_yields_again_is_left() -> None:
    world = new_world(FakeProvider(idempotent=True))
    context, _ = harmed(world, failing(99, FORBIDDEN))
    await reconcile(CLIENT, context)
    assert list(world.provider.clients) == ["client-1"]
    await world.settle()
    assert list(world.provider.clients) == ["client-1"]
    assert world.condition() == ("True", "Ready")


async def test_a_client_that_cannot_be_deleted_again_is_announced() -> None:
    world = new_world(FakeProvider(manages=False))
    context, _ = harmed(world, failing(99, FORBIDDEN))
    await reconcile(CLIENT, context)
    assert world.events.reasons == ["CreationOutcomeUnknown", "InternalError"]
    assert "client-1" in world.events.seen[0][2]


@pytest.mark.parametrize(
    ("winner", "retiring"), [("another request", ["client-1"]), ("this very client", [])]
)
async def test_when_another_process_wrote_the_record_nothing_is_deleted_and_nothing_lost(
    winner: str, retiring: list[str]
) -> None:
    world = new_world()

    def overtake(attempt: int) -> None:
        if attempt > 1:
            return
        mine = world.record
        client_id = "client-1" if winner == "this very client" else "client-of-the-other"
        theirs = replace(
            mine,
            intent=intent(IntentKind.REGISTER, id="theirs"),
            registration=registration(client_id=client_id),
        )
        name = f"oauthclient-{world.uid}"
        body = record_secret(theirs, SYSTEM, None)
        world.cluster.edit(SECRETS, SYSTEM, name, lambda each: each.update(data=body["data"]))

    context, api = harmed(world, overtake)
    result = await reconcile(CLIENT, context)
    assert (result.reason, result.failed) == ("Progressing", True)
    # A client that the other does not know goes on record as one that is to be deleted.
    waiting = [each.registration for each in world.record.retiring]
    assert [each.client_id for each in waiting if each] == retiring
    assert api.attempts == 1 + len(retiring)
    assert list(world.provider.clients) == ["client-1"]
    assert world.record.intent is not None
    assert world.record.intent.id == "theirs"
