"""A suspended client is left alone by everything but its deletion, and goes on where it was."""

import pytest

from dcr_operator.kube import OAUTH_CLIENTS, SECRETS, member
from dcr_operator.plan import plan
from dcr_operator.ports import EventType
from dcr_operator.reasons import Reason
from dcr_operator.state import IntentKind, Observed, RecordUnreadable
from dcr_operator.steps import Done, Step, Stop
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_states import (
    NOW,
    desired,
    fresh,
    intent,
    registration,
    steady,
    stored,
    tenant,
)
from tests.fakes.operator_world import METADATA, NAME, NAMESPACE, World, new_world, ready_world
from tests.fakes.provider import FakeProvider

SUSPENDED = desired(suspended=True)
RENAMED = {**METADATA, "clientName": "New name"}
CASES: list[tuple[str, Observed, type[Step]]] = [
    ("all in place", steady(), Done),
    ("a read is due", steady(read_is_due=True), Done),
    ("new", fresh(), Stop),
    ("edited", steady(record=stored(registration=registration(spec_hash="h0"))), Stop),
    ("a request is open", steady(record=stored(intent=intent(IntentKind.UPDATE))), Stop),
    ("the Secret is gone", steady(secret=None), Stop),
    ("the Secret is not ours", steady(secret=tenant(ours=False)), Stop),
    ("the record cannot be read", steady(record=RecordUnreadable("?")), Stop),
]


@pytest.mark.parametrize(("_name", "observed", "step"), CASES, ids=[row[0] for row in CASES])
def test_whatever_there_is_to_do_waits(_name: str, observed: Observed, step: type[Step]) -> None:
    planned = plan(SUSPENDED, observed, NOW)
    assert type(planned) is step
    assert isinstance(planned, Done | Stop)
    assert planned.reason is Reason.SUSPENDED


async def _suspended(world: World, **spec: object) -> None:
    """Two passes: status is written by the first, and nothing else by either."""
    world.set_client(suspend=True, **spec)
    await world.run_pass()
    assert world.wire.writes == ["patch_status oauthclients"]
    assert not world.wire.requests
    result = await world.run_pass()
    assert (world.wire.writes, world.wire.requests) == ([], [])
    assert (result.reason, result.failed, result.requeue_after) == ("Suspended", False, 300.0)


async def test_suspending_a_client_that_is_ready_keeps_it_ready_and_says_so() -> None:
    world = await ready_world()
    await _suspended(world)
    assert world.condition() == ("True", "Suspended")
    assert world.condition("Stalled") == ("", "")
    assert world.status["observedGeneration"] == 2
    world.advance(10_000)
    await world.run_pass()
    assert not world.wire.requests


async def test_an_edit_and_a_deleted_secret_wait_until_it_is_resumed() -> None:
    world = await ready_world()
    world.cluster.delete(SECRETS, NAMESPACE, NAME)
    await _suspended(world, clientMetadata=RENAMED)
    assert world.condition() == ("False", "Suspended")
    assert world.condition("Stalled") == ("True", "Suspended")
    assert world.secret() is None
    assert world.events.seen[-1][0] is EventType.NORMAL
    world.set_client(clientMetadata=RENAMED)
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert world.secret() is not None
    assert world.provider.clients["client-1"].metadata["client_name"] == "New name"


async def test_a_client_that_is_born_suspended_is_registered_on_resuming() -> None:
    world = new_world()
    await _suspended(world)
    assert not world.provider.clients
    world.set_client()
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_deleting_a_suspended_client_unregisters_it() -> None:
    world = await ready_world()
    await _suspended(world)
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert not world.provider.clients


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_registration_without_an_answer_stays_open_and_is_continued(
    *, idempotent: bool
) -> None:
    world = new_world(FakeProvider(idempotent=idempotent))
    await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "provider register"))
    world.restart()
    await _suspended(world)
    assert world.record.intent is not None
    world.set_client()
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert len(world.provider.clients) == 1 + len(world.record.orphans)


async def test_a_request_by_annotation_is_answered_on_resuming() -> None:
    world = await ready_world()
    await _suspended(world)
    asked = {"dcr-operator.dev/reconcile-requested-at": "now"}
    world.cluster.edit(
        OAUTH_CLIENTS,
        NAMESPACE,
        NAME,
        lambda each: member(each, "metadata").update(annotations=dict(asked)),
    )
    await world.run_pass()
    assert "lastHandledReconcileAt" not in world.status
    world.set_client()
    await world.run_pass()
    assert world.wire.requests == ["provider read"]
    assert world.status["lastHandledReconcileAt"] == "now"
