"""Proof that the simulator would see what it looks for: each oracle objects to what is wrong."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from dcr_operator.kube import OAUTH_CLIENTS, SECRETS, JsonObject, member
from dcr_operator.ports import EventType
from dcr_operator.record import record_name, record_secret
from dcr_operator.state import StoredRecord
from tests.fakes.faults import Fault, FaultAt, Schedule
from tests.fakes.kubernetes_api import member_of
from tests.fakes.operator_world import NAME, NAMESPACE, SYSTEM, World
from tests.fakes.provider import RegisteredClient
from tests.simulator import oracles
from tests.simulator.exploration import Depth, explore
from tests.simulator.oracles import Run
from tests.simulator.scenarios import DEAD, SCENARIOS, Scenario
from tests.simulator.simulation import Simulator
from tests.simulator.witness import Witness

CREATE = next(each for each in SCENARIOS if each.name == "create")
Oracle = Callable[[Run], Awaitable[None] | None]


async def o6(run: Run) -> None:
    undisturbed = await Simulator().run(CREATE, "idempotent")
    oracles.o6_the_same_end_by_any_history(run, oracles.fingerprint(undisturbed.world))


def nothing(_run: Run) -> None:
    """Leave it as it is."""


def _second_client(run: Run) -> None:
    (first,) = run.world.provider.clients.values()
    run.world.provider.clients["client-9"] = RegisteredClient("client-9", first.metadata, [], [])


def _no_client(run: Run) -> None:
    run.world.provider.clients.clear()


def _other_password(run: Run) -> None:
    (client,) = run.world.provider.clients.values()
    client.secrets = ["secret-9"]


def _no_secret(run: Run) -> None:
    run.world.cluster.delete(SECRETS, NAMESPACE, NAME)


def _dead(run: Run) -> None:
    run.ending = DEAD


def _edit_status(change: Callable[[JsonObject], object]) -> Callable[[Run], object]:
    return lambda run: run.world.cluster.edit(
        OAUTH_CLIENTS, NAMESPACE, NAME, lambda each: change(member_of(each, "status"))
    )


def _edit_spec(run: Run) -> None:
    run.world.set_client()


def _foreign_write(run: Run) -> None:
    run.world.cluster.written.add((SECRETS.plural, NAMESPACE, "somebody-elses"))


def _leak_in_an_event(run: Run) -> None:
    run.world.events.seen.append((EventType.NORMAL, "Ready", "the secret is secret-1"))


def _leak_in_the_log(run: Run) -> None:
    run.said.append("{'token': 'rat-2'}")


def _edit_at_the_provider(run: Run) -> None:
    (client,) = run.world.provider.clients.values()
    client.metadata["contacts"] = ["nobody@example.com"]


def _unanswered(run: Run) -> None:
    world = run.world
    record = replace(world.record, unanswered=3)
    meta = member(world.cluster.need(SECRETS, SYSTEM, record_name(world.uid)), "metadata")
    stored = StoredRecord(record, str(meta["uid"]), str(meta["resourceVersion"]))
    world.cluster.update(SECRETS, record_secret(record, SYSTEM, stored))


@pytest.mark.parametrize(
    ("oracle", "spoil", "objection"),
    [
        (oracles.o1_one_client_for_each_live_uid, nothing, ""),
        (oracles.o1_one_client_for_each_live_uid, _second_client, "client-9.* left behind"),
        (oracles.o1_one_client_for_each_live_uid, _no_client, "no client at the provider"),
        (oracles.o2_the_secret_opens_the_client, nothing, ""),
        (oracles.o2_the_secret_opens_the_client, _other_password, "client-1 refuses"),
        (oracles.o2_the_secret_opens_the_client, _no_secret, "there is no Secret"),
        (oracles.o2_the_secret_opens_the_client, _dead, "a Secret is left"),
        (oracles.o3_silence, nothing, ""),
        (oracles.o3_silence, _no_secret, "still busy: .'create secrets'"),
        (oracles.o3_silence, _no_client, "a resync writes"),
        (oracles.o4_the_status_tells_the_truth, nothing, ""),
        (oracles.o4_the_status_tells_the_truth, _dead, "still there"),
        (oracles.o4_the_status_tells_the_truth, _edit_spec, "older generation"),
        (
            oracles.o4_the_status_tells_the_truth,
            _edit_status(lambda status: status.update(clientId="client-9")),
            "another client_id",
        ),
        (
            oracles.o4_the_status_tells_the_truth,
            _edit_status(lambda status: status.update(conditions=[])),
            r"O4: \[\]",
        ),
        (oracles.o5_nothing_of_others_is_touched_and_nothing_is_told, nothing, ""),
        (
            oracles.o5_nothing_of_others_is_touched_and_nothing_is_told,
            _foreign_write,
            "somebody-elses",
        ),
        (
            oracles.o5_nothing_of_others_is_touched_and_nothing_is_told,
            _leak_in_an_event,
            "told to everybody",
        ),
        (
            oracles.o5_nothing_of_others_is_touched_and_nothing_is_told,
            _leak_in_the_log,
            "told to everybody",
        ),
        (oracles.o5_nothing_of_others_is_touched_and_nothing_is_told, _edit_spec, "the spec"),
        (o6, nothing, ""),
        (o6, _edit_at_the_provider, "O6: .'client'"),
        (o6, _unanswered, "O6: .'record'"),
    ],
)
async def test_an_oracle_objects_to_what_is_wrong_and_to_nothing_else(
    oracle: Oracle, spoil: Callable[[Run], object], objection: str
) -> None:
    run = await Simulator().run(CREATE, "idempotent")
    spoil(run)
    if not objection:
        await _ask(oracle, run)
        return
    with pytest.raises(AssertionError, match=objection):
        await _ask(oracle, run)


async def _ask(oracle: Oracle, run: Run) -> None:
    judging = oracle(run)
    if inspect.isawaitable(judging):
        await judging


def _unprotected(world: World) -> None:
    world.cluster.edit(
        OAUTH_CLIENTS, NAMESPACE, NAME, lambda each: member_of(each, "metadata").pop("finalizers")
    )


def _nobody(_world: World) -> None:
    """Leave it as it is."""


@pytest.mark.parametrize(
    ("spoil", "call", "objection"),
    [
        (_nobody, "provider update", "on record is"),
        (_unprotected, "provider update", "before the finalizer is stored"),
    ],
)
async def test_a_request_without_what_comes_before_it_is_objected_to(
    spoil: Callable[[World], object], call: str, objection: str
) -> None:
    world = (await Simulator().run(CREATE, "idempotent")).world
    spoil(world)
    with pytest.raises(AssertionError, match=objection):
        Witness(world, Schedule(), seamless=False).before(call)


async def test_a_moment_without_valid_credentials_is_objected_to() -> None:
    run = await Simulator().run(CREATE, "idempotent")
    _other_password(run)
    with pytest.raises(AssertionError, match="no Secret opens"):
        Witness(run.world, Schedule(), seamless=True).after("get secrets")


async def test_an_operation_without_points_would_be_noticed() -> None:
    async def at_rest(world: World) -> None:
        world.add_client()

    idle = Scenario("idle", at_rest, World.delete_client, DEAD)
    explored = await explore(Simulator(), idle, "idempotent", Depth())
    # Nothing was registered: neither an object nor a record, and nothing that could go wrong.
    assert (explored.points, explored.effects) == (2, 0)


async def test_a_fault_that_is_never_reached_is_told() -> None:
    run = await Simulator().run(CREATE, "idempotent", [FaultAt(Fault.CRASH_AFTER, 1000)])
    assert not run.reached
