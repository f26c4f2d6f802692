"""A person asks for a look at the provider by an annotation; status answers."""

from dcr_operator.kube import OAUTH_CLIENTS, member
from dcr_operator.outcomes import Refused
from tests.fakes.operator_world import METADATA, NAME, NAMESPACE, World, new_world, ready_world
from tests.fakes.provider import FakeProvider

ANNOTATION = "dcr-operator.dev/reconcile-requested-at"


def ask(world: World, value: str | None) -> None:
    annotations = {} if value is None else {ANNOTATION: value}
    world.cluster.edit(
        OAUTH_CLIENTS,
        NAMESPACE,
        NAME,
        lambda each: member(each, "metadata").update(annotations=dict(annotations)),
    )


async def test_a_request_reads_the_registration_once_and_is_answered() -> None:
    world = await ready_world()
    ask(world, "now")
    await world.run_pass()
    assert any("read" in each for each in world.wire.requests)
    assert world.status["lastHandledReconcileAt"] == "now"
    await world.run_pass()
    assert not world.wire.requests
    assert not world.wire.writes


REFUSAL = Refused(400, "invalid_client_metadata", "no")


async def test_a_refused_registration_is_sent_again_on_request() -> None:
    world = new_world(FakeProvider(refuses=REFUSAL))
    await world.run_pass()
    ask(world, "once")
    await world.run_pass()
    assert world.wire.requests == ["provider register"]
    assert world.status["lastHandledReconcileAt"] == "once"
    await world.run_pass()
    assert not world.wire.requests
    world.provider.refuses = None
    ask(world, "twice")
    await world.run_pass()
    assert world.condition() == ("True", "Ready")


async def test_a_refused_update_is_sent_again_on_request() -> None:
    world = await ready_world()
    world.provider.refuses = REFUSAL
    world.set_client(clientMetadata={**METADATA, "clientName": "Other"})
    await world.run_pass()
    world.provider.refuses = None
    ask(world, "now")
    await world.run_pass()
    assert "provider update" in world.wire.requests
    assert world.condition() == ("True", "Ready")


async def test_the_next_request_is_another_one() -> None:
    world = await ready_world()
    for value in ("one", "two"):
        ask(world, value)
        await world.run_pass()
        assert world.wire.requests
        assert world.status["lastHandledReconcileAt"] == value


async def test_the_answer_stays_when_the_request_goes() -> None:
    world = await ready_world()
    ask(world, "now")
    await world.run_pass()
    ask(world, None)
    await world.run_pass()
    assert not world.wire.writes
    assert world.status["lastHandledReconcileAt"] == "now"


async def test_a_request_of_any_length_is_answered_once() -> None:
    world = await ready_world()
    ask(world, "x" * 5000)
    await world.run_pass()
    await world.run_pass()
    assert not world.wire.requests
