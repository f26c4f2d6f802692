"""Given a registration that another one is to replace → the step and its reason."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dcr_operator.kube import Key
from dcr_operator.plan import plan
from dcr_operator.plan_succession import MOST_RETIRING, registered_anew
from dcr_operator.reasons import Reason
from dcr_operator.retirement import whole_record
from dcr_operator.rotation_schedule import Rotation
from dcr_operator.state import (
    Desired,
    IntentKind,
    Observed,
    ProviderUnusable,
    Retirement,
    Retiring,
    Unwanted,
    Wish,
)
from dcr_operator.steps import (
    CloseRecord,
    DeleteSecret,
    Done,
    FetchInitialAccessToken,
    ObserveRetiring,
    Publish,
    Register,
    Retire,
    ScheduleRetirement,
    SetAside,
    Step,
    Stop,
    Unregister,
    Wait,
)
from tests.fakes.operator_states import (
    NOW,
    TOKEN_FOUND,
    desired,
    intent,
    registration,
    snapshot,
    steady,
    stored,
    tenant,
    unmanaged,
    usable,
)

DOWN = ProviderUnusable(Reason.PROVIDER_UNAVAILABLE, "no answer")
GONE = ProviderUnusable(Reason.PROVIDER_NOT_FOUND, "there is none")
FORMER = snapshot(key=Key("ClusterOAuthProvider", "", "former"))
MOVED = stored(provider=FORMER)
ISSUER = replace(snapshot().connection, issuer="https://new.example.com")
REISSUED = replace(usable(), snapshot=snapshot(connection=ISSUER))
OLD = registration(client_id="old")
WAITS = Retiring(FORMER, OLD)
LATER = Retiring(FORMER, OLD, not_before=NOW + timedelta(seconds=1))
DUE = Retiring(FORMER, OLD, not_before=NOW)
LONG_DUE = Retiring(FORMER, OLD, not_before=NOW - timedelta(hours=24))
UNMANAGED = Retiring(FORMER, unmanaged(), not_before=NOW)
OPEN = intent(IntentKind.REGISTER, provider=FORMER, retires=True)
OPEN_HERE = intent(IntentKind.REGISTER, provider=snapshot(), retires=True)
UNANSWERED = Retiring(FORMER, intent=OPEN, not_before=NOW)
NOT_WANTED = Unwanted(retain=False)


def retires(retiring: Retiring, *known: object) -> Observed:
    seen = tuple(Retirement(0, each) for each in known)  # type: ignore[arg-type]  # providers
    return steady(record=stored(retiring=(retiring,)), retirements=seen)


CASES: list[tuple[str, Wish, Observed, type[Step]]] = [
    ("the issuer is another: stop", desired(), steady(provider=REISSUED), Stop),
    ("another provider: the token first", desired(), steady(record=MOVED), FetchInitialAccessToken),
    (
        "another provider, token at hand: register",
        desired(),
        steady(record=MOVED, initial_access_token=TOKEN_FOUND),
        Register,
    ),
    ("another provider, down: wait", desired(), steady(record=MOVED, provider=DOWN), Wait),
    (
        "another provider, Secret gone: publish what works",
        desired(),
        steady(record=MOVED, secret=None, provider=DOWN),
        Publish,
    ),
    (
        "another provider, renamed too: the old Secret goes when the new one is out",
        desired(),
        steady(record=MOVED, previous_secret=tenant(name="old")),
        DeleteSecret,
    ),
    (
        "moved back, the answer from elsewhere is missing: set it aside",
        desired(),
        steady(record=stored(intent=OPEN)),
        SetAside,
    ),
    (
        "the answer that retires is missing: Secret first",
        desired(),
        steady(record=stored(intent=OPEN_HERE), secret=None, initial_access_token=TOKEN_FOUND),
        Publish,
    ),
    (
        "the answer that retires is missing: register again",
        desired(),
        steady(record=stored(intent=OPEN_HERE), initial_access_token=TOKEN_FOUND),
        Register,
    ),
    ("published: the overlap begins", desired(), retires(WAITS), ScheduleRetirement),
    ("within the overlap: done", desired(), retires(LATER), Done),
    ("the overlap is over: look", desired(), retires(DUE), ObserveRetiring),
    ("looked: unregister", desired(), retires(DUE, usable()), Retire),
    ("its provider is gone: try all the same", desired(), retires(DUE, GONE), Retire),
    ("its provider is down: done for now", desired(), retires(DUE, DOWN), Done),
    ("down for a day: on record", desired(), retires(LONG_DUE, DOWN), Retire),
    ("deleted: no overlap is waited for", NOT_WANTED, retires(LATER), ObserveRetiring),
    ("deleted, looked: unregister the old one first", NOT_WANTED, retires(LATER, DOWN), Retire),
    ("deleted, registering elsewhere", NOT_WANTED, steady(record=stored(intent=OPEN)), SetAside),
]


@pytest.mark.parametrize(
    ("_name", "wish", "observed", "step"), CASES, ids=[row[0] for row in CASES]
)
def test_what_is_there_decides_the_step(
    _name: str, wish: Wish, observed: Observed, step: type[Step]
) -> None:
    assert type(plan(wish, observed, NOW)) is step


INNER: list[tuple[str, Wish, Observed, type[Step]]] = [
    ("a registration is deleted", desired(), retires(DUE, usable()), Unregister),
    (
        "without management it is put on record",
        desired(),
        retires(UNMANAGED, usable()),
        CloseRecord,
    ),
    ("after a day it is put on record", desired(), retires(LONG_DUE, DOWN), CloseRecord),
    ("no answer, no key: put on record", desired(), retires(UNANSWERED, usable()), CloseRecord),
    (
        "retaining waits for nothing",
        Unwanted(retain=True),
        steady(
            record=stored(retiring=(replace(LATER, intent=intent(IntentKind.DELETE)),)),
            retirements=(Retirement(0, DOWN, unregistered=True),),
        ),
        CloseRecord,
    ),
]


@pytest.mark.parametrize(
    ("_name", "wish", "observed", "step"), INNER, ids=[row[0] for row in INNER]
)
def test_a_retiring_registration_goes_by_the_steps_of_a_deletion(
    _name: str, wish: Wish, observed: Observed, step: type[Step]
) -> None:
    planned = plan(wish, observed, NOW)
    assert isinstance(planned, Retire)
    assert type(planned.step) is step


def test_a_new_registration_at_the_same_provider_retires_the_one_in_force() -> None:
    wish: Desired = desired()
    planned = registered_anew(wish, steady(initial_access_token=TOKEN_FOUND), NOW)
    assert planned == Register(wish.request, wish.spec_hash, retires=True)


def test_the_overlap_is_that_of_the_wish() -> None:
    planned = plan(desired(overlap=timedelta(hours=1)), retires(WAITS), NOW)
    assert planned == ScheduleRetirement(NOW + timedelta(hours=1))


def test_what_cannot_be_deleted_lets_the_next_one_go() -> None:
    observed = steady(
        record=stored(retiring=(DUE, DUE)),
        retirements=(Retirement(0, DOWN), Retirement(1, usable())),
    )
    planned = plan(desired(), observed, NOW)
    assert isinstance(planned, Retire)
    assert planned.index == 1


def test_a_record_is_written_whole_if_it_is_looked_at_as_a_whole() -> None:
    whole = stored(retiring=(DUE,))
    assert whole_record(whole, whole.record) == whole.record
    assert whole_record(None, whole.record) == whole.record


ASLEEP = replace(LATER, not_before=NOW + timedelta(days=1))


@pytest.mark.parametrize(
    ("waiting", "move", "rotation"),
    [(MOST_RETIRING - 1, Register, Register), (MOST_RETIRING, Wait, Done)],
)
def test_a_record_is_never_filled_with_registrations_that_wait_for_their_end(
    waiting: int, move: type[Step], rotation: type[Step]
) -> None:
    retiring = (ASLEEP,) * waiting
    moving = steady(
        record=stored(provider=FORMER, retiring=retiring), initial_access_token=TOKEN_FOUND
    )
    assert type(plan(desired(), moving, NOW)) is move
    rotating = steady(
        record=stored(retiring=retiring), initial_access_token=TOKEN_FOUND, rotation_request="now"
    )
    assert type(plan(desired(rotation=Rotation(reregister=True)), rotating, NOW)) is rotation
