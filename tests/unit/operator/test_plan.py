"""Given what is wanted and what is there → the step and its reason, for a resource that stays."""

from dataclasses import replace

import pytest

from dcr_operator.outcomes import (
    CannotTell,
    CredentialsAccepted,
    CredentialsRejected,
    RateLimited,
    RegistrationAccessTokenRejected,
)
from dcr_operator.plan import plan
from dcr_operator.reasons import Reason
from dcr_operator.resources import (
    OnAmbiguousCreate,
    OnLostRegistrationAccessToken,
    OnVanishedClient,
)
from dcr_operator.secret_form import SecretForm
from dcr_operator.state import (
    Attempt,
    InitialAccessTokenAbsent,
    IntentKind,
    Observed,
    Operation,
    ProviderPolicy,
    ProviderUnusable,
    ProviderUsable,
    RecordUnreadable,
    Undecipherable,
)
from dcr_operator.steps import (
    AddFinalizer,
    DeleteSecret,
    Done,
    FetchInitialAccessToken,
    Probe,
    Publish,
    ReadRegistration,
    RefreshRecord,
    Register,
    Step,
    Stop,
    Update,
    Wait,
)
from tests.fakes.operator_states import (
    NOW,
    WANTED,
    desired,
    fresh,
    intent,
    registration,
    resource,
    snapshot,
    steady,
    stored,
    tenant,
    unmanaged,
    usable,
)

DOWN = ProviderUnusable(Reason.PROVIDER_UNAVAILABLE, "no answer", 7.0)
REFUSED_TOKEN = RegistrationAccessTokenRejected()
LOST = Attempt(Operation.READ, REFUSED_TOKEN)
OPEN = stored(registration=None, intent=intent(IntentKind.REGISTER))
REPEATABLE = stored(
    registration=None, intent=intent(IntentKind.REGISTER), provider=snapshot(idempotent=True)
)
OUTDATED = stored(registration=registration(spec_hash="h0"))
NEVER = OnAmbiguousCreate.STOP
AGAIN = OnLostRegistrationAccessToken.REREGISTER
FOREIGN = tenant(ours=False)
BROKEN = registration(client_id="a\nb")
DRIFTED = {"redirect_uris": ["https://other.example.com/"]}
CHANGED = registration(metadata={**WANTED, **DRIFTED})


def lost(probe: object = None, **policy: object) -> Observed:
    chosen = ProviderUsable(snapshot(), ProviderPolicy(**policy))  # type: ignore[arg-type]  # fields
    return steady(attempt=LOST, probe=probe, provider=chosen)


CASES: list[tuple[str, Observed, type[Step], Reason | None]] = [
    ("all as wanted: done", steady(), Done, Reason.READY),
    ("unreadable record: wait", steady(record=RecordUnreadable("?")), Wait, Reason.INTERNAL_ERROR),
    # A refused token: what probing says decides.
    ("token refused: probe", lost(), Probe, None),
    (
        "vanished: the initial access token first",
        lost(CredentialsRejected()),
        FetchInitialAccessToken,
        None,
    ),
    (
        "vanished, to stop: stop",
        lost(CredentialsRejected(), on_vanished_client=OnVanishedClient.STOP),
        Stop,
        Reason.CLIENT_VANISHED,
    ),
    (
        "token lost: stop",
        lost(CredentialsAccepted()),
        Stop,
        Reason.REGISTRATION_ACCESS_TOKEN_REJECTED,
    ),
    (
        "token lost, to register again: the initial access token first",
        lost(CredentialsAccepted(), on_lost_registration_access_token=AGAIN),
        FetchInitialAccessToken,
        None,
    ),
    ("cannot tell: stop", lost(CannotTell("?")), Stop, Reason.REGISTRATION_ACCESS_TOKEN_REJECTED),
    (
        "token refused, no secret to probe with: stop",
        steady(attempt=LOST, record=stored(registration=registration(client_secret=None))),
        Stop,
        Reason.REGISTRATION_ACCESS_TOKEN_REJECTED,
    ),
    # An open intent: the outcome of a registration is unknown.
    ("open, provider down: wait", fresh(record=OPEN, provider=DOWN), Wait, DOWN.reason),
    (
        "open, repeatable: repeat",
        fresh(record=REPEATABLE, provider=usable(idempotent=True)),
        Register,
        None,
    ),
    ("open, not repeatable: register again", fresh(record=OPEN), Register, None),
    (
        "open, not repeatable, to stop: stop",
        fresh(record=OPEN, provider=usable(on_ambiguous_create=NEVER)),
        Stop,
        Reason.CREATION_OUTCOME_UNKNOWN,
    ),
    # Nothing is registered.
    ("new, provider down: wait", fresh(provider=DOWN), Wait, Reason.PROVIDER_UNAVAILABLE),
    ("new, Secret not ours: wait", fresh(secret=FOREIGN), Wait, Reason.SECRET_CONFLICT),
    (
        "new: the initial access token first",
        fresh(initial_access_token=None),
        FetchInitialAccessToken,
        None,
    ),
    (
        "new, no initial access token: wait",
        fresh(initial_access_token=InitialAccessTokenAbsent("none")),
        Wait,
        Reason.INITIAL_ACCESS_TOKEN_MISSING,
    ),
    (
        "new: the finalizer before the request",
        fresh(resource=resource(finalizers=())),
        AddFinalizer,
        None,
    ),
    ("new, all prepared: register", fresh(), Register, None),
    # Registered.
    (
        "finalizer taken off: put back",
        steady(resource=resource(finalizers=("x",))),
        AddFinalizer,
        None,
    ),
    ("Secret not ours: wait", steady(secret=FOREIGN), Wait, Reason.SECRET_CONFLICT),
    ("Secret gone: publish", steady(secret=None), Publish, None),
    ("Secret gone, provider down: publish", steady(secret=None, provider=DOWN), Publish, None),
    ("Secret edited: publish", steady(secret=tenant(data={})), Publish, None),
    (
        "control characters: stop",
        steady(record=stored(registration=BROKEN)),
        Stop,
        Reason.METADATA_NOT_ACCEPTED,
    ),
    ("Secret refused: wait", steady(secret=None, secret_refused="no"), Wait, Reason.SECRET_REFUSED),
    (
        "Secret written and changed by others at once: wait",
        steady(secret=tenant(data={}), published=True),
        Wait,
        Reason.SECRET_REFUSED,
    ),
    (
        "Secret to be replaced and held by finalizers: wait",
        steady(secret=tenant(data={}, terminating=True)),
        Wait,
        Reason.SECRET_REFUSED,
    ),
    (
        "old Secret after renaming: delete",
        steady(previous_secret=tenant(name="old")),
        DeleteSecret,
        None,
    ),
    ("old Secret that is not ours: done", steady(previous_secret=tenant(ours=False)), Done, None),
    ("spec changed: update", steady(record=OUTDATED), Update, None),
    (
        "spec changed, provider down: wait",
        steady(record=OUTDATED, provider=DOWN),
        Wait,
        DOWN.reason,
    ),
    (
        "spec changed, no management: stop",
        steady(record=stored(registration=unmanaged(spec_hash="h0"))),
        Stop,
        Reason.MANAGEMENT_NOT_SUPPORTED,
    ),
    (
        "update left open: update",
        steady(record=stored(intent=intent(IntentKind.UPDATE))),
        Update,
        None,
    ),
    ("drift: update", steady(drift=("client_name",)), Update, None),
    (
        "provider's CA changed: record",
        steady(record=stored(provider=snapshot(idempotent=True))),
        RefreshRecord,
        None,
    ),
    ("resync is due: read", steady(read_is_due=True), ReadRegistration, None),
    ("resync is due, provider down: done", steady(read_is_due=True, provider=DOWN), Done, None),
    (
        "resync is due, no management: done",
        steady(read_is_due=True, record=stored(registration=unmanaged())),
        Done,
        None,
    ),
    ("provider down, all published: done", steady(provider=DOWN), Done, Reason.READY),
]


@pytest.mark.parametrize(
    ("_name", "observed", "step", "reason"), CASES, ids=[row[0] for row in CASES]
)
def test_what_is_there_decides_the_step(
    _name: str, observed: Observed, step: type[Step], reason: Reason | None
) -> None:
    planned = plan(desired(), observed, NOW)
    assert type(planned) is step
    assert reason is None or (isinstance(planned, Wait | Stop | Done) and planned.reason is reason)


BOTH = [
    (
        "a failed try before trying again",
        fresh(record=OPEN, attempt=Attempt(Operation.REGISTER, RateLimited(1.0))),
    ),
    ("Secret before the edit", steady(secret=None, record=OUTDATED)),
    ("the edit before reading", steady(read_is_due=True, record=OUTDATED)),
    ("Secret conflict before a token is fetched", fresh(secret=FOREIGN, initial_access_token=None)),
    (
        "the token before the finalizer",
        fresh(initial_access_token=None, resource=resource(finalizers=())),
    ),
]
FIRST: list[type[Step]] = [Wait, Publish, Update, Wait, FetchInitialAccessToken]


@pytest.mark.parametrize(
    ("case", "step"), list(zip(BOTH, FIRST, strict=True)), ids=[row[0] for row in BOTH]
)
def test_where_two_checks_apply_the_first_wins(
    case: tuple[str, Observed], step: type[Step]
) -> None:
    assert type(plan(desired(), case[1], NOW)) is step


def test_a_spec_that_cannot_be_read_stops() -> None:
    planned = plan(Undecipherable("spec.x is missing: set it"), steady(provider=None), NOW)
    assert planned == Stop(Reason.INVALID_SPEC, "spec.x is missing: set it")


def test_a_repeat_sends_the_very_bytes_of_the_intent() -> None:
    open_intent = intent(IntentKind.REGISTER, body=b'{"old":1}', spec_hash="h0")
    record = stored(registration=None, intent=open_intent, provider=snapshot(idempotent=True))
    observed = fresh(record=record, provider=usable(idempotent=True))
    assert plan(desired(), observed, NOW) == Register(b'{"old":1}', "h0", repeat=open_intent)


# Whether the provider honoured the key of the request when it was sent, and whether it does now.
@pytest.mark.parametrize(("then", "now"), [(False, False), (False, True), (True, False)])
def test_registering_again_counts_the_possible_orphan(*, then: bool, now: bool) -> None:
    record = REPEATABLE if then else OPEN
    planned = plan(desired(), fresh(record=record, provider=usable(idempotent=now)), NOW)
    assert isinstance(planned, Register)
    assert planned.orphan is not None
    assert (planned.orphan.intent_id, planned.orphan.client_id) == ("i1", None)
    assert planned.announce is not None
    assert planned.announce[0] is Reason.CREATION_OUTCOME_UNKNOWN


def test_an_update_is_repeated_only_with_the_same_body() -> None:
    first = plan(desired(), steady(record=OUTDATED), NOW)
    assert isinstance(first, Update)
    same = intent(IntentKind.UPDATE, body=first.body)
    for open_intent, repeat in ((same, same), (replace(same, body=b"{}"), None)):
        again = plan(desired(), steady(record=stored(intent=open_intent)), NOW)
        assert isinstance(again, Update)
        assert again.repeat == repeat


def test_metadata_that_was_not_accepted_stops_after_the_secret_is_published() -> None:
    changed = steady(record=stored(registration=CHANGED))
    planned = plan(desired(), changed, NOW)
    assert isinstance(planned, Stop)
    assert planned.reason is Reason.METADATA_NOT_ACCEPTED
    assert "redirect_uris" in planned.message


def test_another_type_of_secret_is_published() -> None:
    wish = desired(secret=SecretForm("dashboard", type="kubernetes.io/basic-auth"))
    assert isinstance(plan(wish, steady(), NOW), Publish)
