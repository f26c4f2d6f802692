"""A person asks for a look at the provider by an annotation; status answers."""

from dcr_operator.kube import OAUTH_CLIENTS, member
from tests.fakes.operator_world import NAME, NAMESPACE, World, ready_world

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
