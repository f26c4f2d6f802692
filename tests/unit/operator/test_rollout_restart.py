"""Pods start anew once for each content of the Secret, where their workload's owner allows it."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from dcr_operator.kube import SECRETS, JsonObject, member, object_meta, text, texts
from dcr_operator.plan import plan
from dcr_operator.ports import EventType
from dcr_operator.rollout_restart import content_hash, kept
from dcr_operator.secret_content import SecretContent, secret_content
from dcr_operator.secret_form import SecretForm
from dcr_operator.state import Observed, StoredRecord
from dcr_operator.steps import Done, Publish, RestartWorkloads, Step
from dcr_operator.workloads import ALLOW_ANNOTATION, Restarted, Workload, template_annotation
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.kubernetes_api import member_of
from tests.fakes.operator_states import (
    NOW,
    WANTED,
    desired,
    registration,
    resource,
    snapshot,
    steady,
    stored,
    tenant,
)
from tests.fakes.operator_world import METADATA, NAME, NAMESPACE, RESYNC, World, document
from tests.fakes.provider import FakeProvider

WEB = Workload("Deployment", "web")
WISH = desired(restarts=(WEB,))
SPEC = [{"kind": "Deployment", "name": "web"}]
ANNOTATION = template_annotation(NAME)
OTHER_URIS = stored(registration=registration(metadata={**WANTED, "redirect_uris": ["https://x/"]}))


def content(**changes: object) -> SecretContent:
    found = secret_content(SecretForm("dashboard"), snapshot(), registration(**changes))
    assert isinstance(found, SecretContent)
    return found


DONE_FOR = Restarted(WEB, content_hash(content(), steady()))
CASES: list[tuple[str, Observed, type[Step]]] = [
    ("nothing is known: restart", steady(), RestartWorkloads),
    ("other content before: restart", steady(restarted=(Restarted(WEB, "x"),)), RestartWorkloads),
    ("refused before: try", steady(restarted=(Restarted(WEB, None, "no"),)), RestartWorkloads),
    ("done for this content: done", steady(restarted=(DONE_FOR,)), Done),
    ("tried in this pass: done", steady(restarts_tried=True), Done),
    ("before the pass stops", steady(record=OTHER_URIS), RestartWorkloads),
    ("the Secret first", steady(secret=None), Publish),
]


@pytest.mark.parametrize(("_name", "observed", "step"), CASES, ids=[row[0] for row in CASES])
def test_a_restart_is_the_last_thing_before_a_pass_rests(
    _name: str, observed: Observed, step: type[Step]
) -> None:
    assert type(plan(WISH, observed, NOW)) is step


def test_without_workloads_nothing_is_restarted() -> None:
    assert isinstance(plan(desired(), steady(), NOW), Done)


def test_a_suspended_client_restarts_nothing() -> None:
    assert isinstance(plan(replace(WISH, suspended=True), steady(), NOW), Done)


def test_a_secret_of_somebody_else_restarts_nothing() -> None:
    planned = plan(WISH, steady(secret=tenant(ours=False)), NOW)
    assert not isinstance(planned, RestartWorkloads)


@pytest.mark.parametrize(
    ("created", "before", "first"),
    [(True, None, True), (True, "dashboard", False), (False, None, False)],
)
def test_only_a_secret_that_never_was_has_no_pods_with_older_content(
    *, created: bool, before: str | None, first: bool
) -> None:
    observed = steady(secret_created=created, resource=resource(published_secret=before))
    planned = plan(WISH, observed, NOW)
    assert isinstance(planned, RestartWorkloads)
    assert planned.first is first


def test_the_hash_follows_the_content_and_tells_nothing_without_its_key() -> None:
    observed = steady()
    one = content_hash(content(), observed)
    assert content_hash(content(), observed) == one
    assert content_hash(content(client_secret=SecretStr("other")), observed) != one
    assert isinstance(observed.record, StoredRecord)
    elsewhere = replace(observed, record=replace(observed.record, uid="another-uid"))
    assert content_hash(content(), elsewhere) != one


def test_what_is_no_longer_asked_for_is_forgotten() -> None:
    gone = Restarted(Workload("DaemonSet", "gone"), "x")
    assert kept(WISH, (gone, DONE_FOR)) == (DONE_FOR,)


# Whole passes.


def add_workload(world: World, *, allows: str | None = NAME, kind: str = "Deployment") -> None:
    found = Workload(kind, "web").resource
    body = document(found, NAMESPACE, "web", spec={"template": {"metadata": {"labels": {}}}})
    if allows is not None:
        member_of(body, "metadata")["annotations"] = {ALLOW_ANNOTATION: allows}
    world.cluster.create(found, body)


def workload(world: World, kind: str = "Deployment") -> JsonObject:
    return world.cluster.need(Workload(kind, "web").resource, NAMESPACE, "web")


def template(world: World, kind: str = "Deployment") -> dict[str, str]:
    whole = member(member(workload(world, kind), "spec"), "template")
    return texts(member(whole, "metadata"), "annotations")


def rollouts(world: World, kind: str = "Deployment") -> int:
    """Count what a controller would have rolled out: changes of the template."""
    return object_meta(workload(world, kind)).generation - 1


def entry(world: World) -> JsonObject:
    entries = world.status["rolloutRestarts"]
    assert isinstance(entries, list)
    (found,) = entries
    assert isinstance(found, dict)
    return found


async def a_world(provider: FakeProvider | None = None, **workload_of: str | None) -> World:
    """A client that is Ready with a workload that has its first content."""
    world = World(provider or FakeProvider())
    world.add_provider(onLostRegistrationAccessToken="Reregister")
    add_workload(world, **workload_of)  # type: ignore[arg-type]  # allows, kind
    world.add_client(rolloutRestart=SPEC)
    await world.settle()
    return world


def change_content(world: World) -> None:
    world.set_client(rolloutRestart=SPEC, secret={"template": {"note": "x"}})


async def test_the_first_content_restarts_nothing_and_costs_no_write() -> None:
    world = World()
    world.add_provider()
    add_workload(world)
    world.add_client(rolloutRestart=SPEC)
    await world.run_pass()
    assert len(world.wire.writes) == 5
    assert rollouts(world) == 0
    assert entry(world)["contentHash"]
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_other_content_restarts_once_and_is_told() -> None:
    world = await a_world()
    change_content(world)
    await world.settle()
    assert rollouts(world) == 1
    assert template(world) == {ANNOTATION: entry(world)["contentHash"]}
    assert world.events.reasons.count("RolloutRestarted") == 1
    for _ in range(3):
        world.advance(RESYNC)
        await world.settle()
    assert rollouts(world) == 1


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
async def test_the_other_kinds_are_restarted_too(kind: str) -> None:
    world = World()
    world.add_provider()
    add_workload(world, kind=kind)
    restart = [{"kind": kind, "name": "web"}]
    world.add_client(rolloutRestart=restart)
    await world.settle()
    world.set_client(rolloutRestart=restart, secret={"template": {"note": "x"}})
    await world.settle()
    assert rollouts(world, kind) == 1


async def test_all_that_a_pass_changes_makes_one_rollout() -> None:
    world = await a_world()
    renamed = {**METADATA, "tokenEndpointAuthMethod": "client_secret_post"}
    world.set_client(
        rolloutRestart=SPEC, clientMetadata=renamed, secret={"template": {"note": "x"}}
    )
    await world.settle()
    assert (world.secret() or {})["token_endpoint_auth_method"] == "client_secret_post"
    assert rollouts(world) == 1


async def test_content_that_did_not_change_restarts_nothing() -> None:
    world = await a_world()
    world.set_client(rolloutRestart=SPEC, clientMetadata={**METADATA, "clientName": "Other"})
    await world.settle()
    world.cluster.delete(SECRETS, NAMESPACE, NAME)
    await world.settle()
    assert world.secret() is not None
    assert rollouts(world) == 0


async def test_an_annotation_that_somebody_removes_restarts_nothing_again() -> None:
    world = await a_world()
    change_content(world)
    await world.settle()

    def strip(body: JsonObject) -> None:
        whole = member_of(member_of(body, "spec"), "template")
        member_of(whole, "metadata")["annotations"] = {}

    world.cluster.edit(WEB.resource, NAMESPACE, "web", strip)
    world.advance(RESYNC)
    await world.settle()
    assert template(world) == {}


@pytest.mark.parametrize("allows", [None, "", "another", "*", "dashboard2"])
async def test_a_workload_that_does_not_allow_it_is_left_alone(allows: str | None) -> None:
    world = await a_world(allows=allows)
    change_content(world)
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert rollouts(world) == 0
    assert "annotate it dcr-operator.dev/allow-restart: dashboard" in text(entry(world), "message")
    assert "contentHash" not in entry(world)
    assert world.events.reasons.count("RolloutRestartRefused") == 1
    # Its owner changes his mind.
    allowed: JsonObject = {ALLOW_ANNOTATION: "another, dashboard"}
    world.cluster.edit(
        WEB.resource,
        NAMESPACE,
        "web",
        lambda each: member_of(each, "metadata").update(annotations=allowed),
    )
    await world.settle()
    assert rollouts(world) == 1
    assert "message" not in entry(world)


async def test_a_workload_that_is_not_there_is_told_and_no_failure() -> None:
    world = World()
    world.add_provider()
    world.add_client(rolloutRestart=SPEC)
    await world.settle()
    change_content(world)
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert entry(world)["message"] == "Deployment web does not exist"
    kind, reason, _ = world.events.seen[-1]
    assert (kind, reason) == (EventType.WARNING, "RolloutRestartRefused")


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("fault", list(Fault))
async def test_a_fault_at_any_point_of_a_change_ends_in_one_rollout(
    fault: Fault, *, idempotent: bool
) -> None:
    for call in range(1, 40):
        world = await a_world(FakeProvider(idempotent=idempotent))
        change_content(world)
        reached = await world.run_pass_with(FaultAt(fault, call))
        world.restart()
        await world.run_pass()
        world.advance(RESYNC)
        await world.settle()
        assert world.condition() == ("True", "Ready")
        assert (world.secret() or {})["note"] == "x"
        assert rollouts(world) == 1
        if not reached:
            return
    raise AssertionError("a pass makes more calls than the sweep covers")


async def test_nothing_of_the_content_is_in_status_or_on_the_workload() -> None:
    world = await a_world()
    change_content(world)
    await world.settle()
    secret = world.secret() or {}
    shown = f"{entry(world)} {workload(world)} {world.events.seen}"
    assert secret["client_secret"] not in shown
