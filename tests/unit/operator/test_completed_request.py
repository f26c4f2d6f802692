"""A software statement from a Secret: sent with every request, followed when it changes, hidden."""

import json

import pytest
from pydantic import SecretStr

from dcr_operator.completed_request import completed
from dcr_operator.desired import canonical_json
from dcr_operator.kube import SECRETS, member
from dcr_operator.outcomes import Refused
from dcr_operator.plan import plan
from dcr_operator.reasons import Reason
from dcr_operator.state import (
    Desired,
    IntentKind,
    Lacking,
    Observed,
    SoftwareStatementAbsent,
    SoftwareStatementFound,
    Undecipherable,
    Unwanted,
)
from dcr_operator.steps import Publish, Register, Step, Update, Wait
from tests.fakes.operator_states import (
    NOW,
    WANTED,
    desired,
    fresh,
    intent,
    registration,
    snapshot,
    steady,
    stored,
    usable,
)
from tests.fakes.operator_world import NAME, NAMESPACE, World, document, encoded
from tests.fakes.provider import FakeProvider

FIRST = "eyJhbGciOiJFUzI1NiJ9.eyJzb2Z0d2FyZV9pZCI6ImEifQ.c2lnbmF0dXJl"
SECOND = "eyJhbGciOiJFUzI1NiJ9.eyJzb2Z0d2FyZV9pZCI6ImIifQ.c2lnbmF0dXJl"
REF = {"name": "statement", "key": "jwt"}
ABSENT = SoftwareStatementAbsent("key jwt of Secret team-a/statement does not exist.")


def test_the_statement_becomes_a_member_of_the_request() -> None:
    found = SoftwareStatementFound(SecretStr(FIRST))
    whole = completed(desired(), steady(software_statement=found), NOW)
    assert isinstance(whole, Desired)
    assert whole.request == canonical_json({**WANTED, "software_statement": FIRST})
    assert whole.spec_hash != desired().spec_hash
    assert FIRST not in repr(whole)


@pytest.mark.parametrize("wish", [desired(), Unwanted(retain=False), Undecipherable("?")])
def test_without_a_reference_nothing_is_added(wish: Desired | Unwanted | Undecipherable) -> None:
    assert completed(wish, steady(), NOW) == wish


OPEN = intent(IntentKind.REGISTER, body=b"{}")
LACKING: list[tuple[str, Observed, type[Step]]] = [
    ("new: wait", fresh(), Wait),
    ("open, not repeatable: wait", fresh(record=stored(registration=None, intent=OPEN)), Wait),
    (
        "open, repeatable: the repeat has what it needs",
        fresh(
            record=stored(registration=None, intent=OPEN, provider=snapshot(idempotent=True)),
            provider=usable(idempotent=True),
        ),
        Register,
    ),
    ("registered: wait", steady(), Wait),
    ("registered, the Secret is gone: publish", steady(secret=None), Publish),
    ("edited: wait", steady(record=stored(registration=registration(spec_hash="h0"))), Wait),
]


@pytest.mark.parametrize(("_name", "observed", "step"), LACKING, ids=[row[0] for row in LACKING])
def test_nothing_is_sent_without_the_statement(
    _name: str, observed: Observed, step: type[Step]
) -> None:
    wish = desired(lacking=Lacking(Reason.SOFTWARE_STATEMENT_MISSING, "?"))
    planned = plan(wish, observed, NOW)
    assert type(planned) is step
    if isinstance(planned, Wait):
        assert planned.reason is Reason.SOFTWARE_STATEMENT_MISSING


def test_bodies_are_not_in_the_repr_of_steps() -> None:
    assert FIRST not in repr([Register(FIRST.encode(), "h"), Update(FIRST.encode(), "h")])


def put_statement(world: World, text: str, **members: str) -> None:
    world.cluster.delete(SECRETS, NAMESPACE, "statement")
    body = document(SECRETS, NAMESPACE, "statement", data=encoded({"jwt": text}), **members)
    world.cluster.create(SECRETS, body)


def world_with(statement: str | None = FIRST, provider: FakeProvider | None = None) -> World:
    world = World(provider or FakeProvider())
    world.add_provider()
    if statement is not None:
        put_statement(world, statement)
    world.add_client(softwareStatementRef=REF)
    return world


def sent(world: World) -> object:
    (client,) = world.provider.clients.values()
    return client.metadata.get("software_statement")


async def test_it_is_registered_with_the_client_and_shown_nowhere() -> None:
    world = world_with(f"{FIRST}\n")
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert sent(world) == FIRST
    shown = f"{world.status} {world.events.seen} {world.secret()} {world.record!r}"
    assert FIRST not in shown
    assert "software_statement" not in member(world.status, "registeredMetadata")
    assert "drift" not in world.status


async def test_another_statement_follows_by_one_put() -> None:
    world = world_with()
    await world.settle()
    put_statement(world, SECOND)
    await world.run_pass()
    assert world.wire.requests == ["provider update"]
    assert sent(world) == SECOND
    await world.run_pass()
    assert (world.wire.writes, world.wire.requests) == ([], [])


async def test_a_reference_that_is_taken_back_takes_the_statement_away() -> None:
    world = world_with()
    await world.settle()
    world.set_client()
    await world.settle()
    assert sent(world) is None


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (None, ""),
        ("", ""),
        ("not a JWT", ""),
        ("hunter2", ""),
        ("eyJhbGciOiJub25lIn0.eyJhIjoxfQ.", ""),  # RFC 7591 §2.3: signed, always
        (f"{FIRST} {SECOND}", ""),
        ("eyJ" + "a" * 70000 + ".b.c", ""),
        (FIRST, "kubernetes.io/service-account-token"),
    ],
)
async def test_what_is_no_statement_is_told_and_never_sent(
    statement: str | None, kind: str
) -> None:
    world = world_with(None)
    if statement is not None:
        put_statement(world, statement, type=kind or "Opaque")
    await world.settle()
    assert world.condition() == ("False", "SoftwareStatementMissing")
    assert world.condition("Registered") == ("False", "SoftwareStatementMissing")
    assert not world.provider.clients
    told = world.events.seen[0][2]
    assert told.startswith("key jwt of Secret team-a/statement")
    assert not statement or statement not in told
    put_statement(world, FIRST)
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_the_secret_of_a_client_is_kept_up_while_its_statement_is_missing() -> None:
    world = world_with()
    await world.settle()
    before = world.secret()
    world.cluster.delete(SECRETS, NAMESPACE, "statement")
    world.cluster.delete(SECRETS, NAMESPACE, NAME)
    await world.settle()
    assert world.secret() == before
    assert world.condition() == ("False", "SoftwareStatementMissing")
    assert sent(world) == FIRST
    world.delete_client()
    await world.settle()
    assert not world.provider.clients


async def test_a_refused_statement_is_sent_again_when_it_is_another_one() -> None:
    refused = Refused(400, "invalid_software_statement", "expired")
    world = world_with(provider=FakeProvider(refuses=refused))
    await world.settle()
    assert world.condition() == ("False", "RegistrationRejected")
    world.provider.refuses = None
    await world.run_pass()
    assert not world.wire.requests
    put_statement(world, SECOND)
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert sent(world) == SECOND


async def test_the_record_holds_the_whole_request() -> None:
    world = world_with()
    await world.settle()
    assert world.record.registration is not None
    whole = json.dumps(dict(world.record.registration.metadata))
    assert FIRST in whole  # in the operator's namespace, to compare with
