"""Given what is there → the step, for a resource that is being deleted."""

from dataclasses import replace

import pytest

from dcr_operator.orphans import OrphanCause
from dcr_operator.outcomes import (
    CannotTell,
    CredentialsAccepted,
    CredentialsRejected,
    NotSupported,
    Outcome,
    RateLimited,
    Refused,
    RegistrationAccessTokenRejected,
    Unreachable,
)
from dcr_operator.plan import UNWANTED as CHECKS
from dcr_operator.plan import plan
from dcr_operator.reasons import Reason
from dcr_operator.resources import OnLostRegistrationAccessToken
from dcr_operator.state import (
    Attempt,
    InitialAccessTokenAbsent,
    IntentKind,
    Observed,
    Operation,
    ProviderUnusable,
    RecordUnreadable,
    Unwanted,
)
from dcr_operator.steps import (
    CloseRecord,
    DeleteRecord,
    DeleteSecret,
    Done,
    FetchInitialAccessToken,
    NoteResource,
    Probe,
    Register,
    ReleaseSecret,
    RemoveFinalizer,
    Step,
    Unregister,
    Wait,
)
from tests.fakes.operator_states import (
    NOW,
    TOKEN_FOUND,
    intent,
    orphan,
    registration,
    resource,
    snapshot,
    steady,
    stored,
    tenant,
    unmanaged,
    usable,
)

DOWN = ProviderUnusable(Reason.PROVIDER_UNAVAILABLE, "no answer")
ABSENT = ProviderUnusable(Reason.PROVIDER_NOT_FOUND, "there is none")
NOT_FOUND = NotSupported(404)
REFUSED_TOKEN = RegistrationAccessTokenRejected()
AGAIN = usable(on_lost_registration_access_token=OnLostRegistrationAccessToken.REREGISTER)
DELETING = stored(intent=intent(IntentKind.DELETE))
UNTRIABLE = stored(intent=intent(IntentKind.DELETE), registration=registration(client_secret=None))
UNCERTAIN = stored(registration=registration(uncertain=True))
UNCERTAIN_KEPT = stored(
    registration=registration(uncertain=True), provider=snapshot(idempotent=True)
)
OPEN = stored(registration=None, intent=intent(IntentKind.REGISTER))
REPEATABLE = stored(
    registration=None, intent=intent(IntentKind.REGISTER), provider=snapshot(idempotent=True)
)
HONOURS = usable(idempotent=True)
TOKENLESS = InitialAccessTokenAbsent("none")


def tried(outcome: Outcome, *, repeated: bool = False, **changes: object) -> Observed:
    attempt = Attempt(Operation.DELETE, outcome, repeated)
    return replace(steady(attempt=attempt), **changes)  # type: ignore[arg-type]  # fields of Observed


CASES: list[tuple[str, Observed, type[Step]]] = [
    ("without our finalizer: nothing", steady(resource=resource(finalizers=())), Done),
    ("unreadable record: wait", steady(record=RecordUnreadable("?")), Wait),
    ("registered: unregister", steady(), Unregister),
    ("registered, provider object gone: unregister", steady(provider=ABSENT), Unregister),
    (
        "registered without management: on record",
        steady(record=stored(registration=unmanaged())),
        CloseRecord,
    ),
    # The request did not succeed.
    ("401 to a repeat: probe", tried(REFUSED_TOKEN, repeated=True, record=DELETING), Probe),
    (
        "401 to a repeat, cannot tell: gone",
        tried(REFUSED_TOKEN, repeated=True, record=DELETING, probe=CannotTell("?")),
        DeleteRecord,
    ),
    (
        "401 to a repeat, nothing to probe with: gone",
        tried(REFUSED_TOKEN, repeated=True, record=UNTRIABLE),
        DeleteRecord,
    ),
    (
        "401 to a repeat, client works: wait",
        tried(REFUSED_TOKEN, repeated=True, record=DELETING, probe=CredentialsAccepted()),
        Wait,
    ),
    (
        "401 after an update without an answer, unknown credentials: wait",
        tried(REFUSED_TOKEN, record=UNCERTAIN, probe=CredentialsRejected()),
        Wait,
    ),
    (
        "the same where the owner lets it be: on record",
        tried(REFUSED_TOKEN, record=UNCERTAIN, probe=CredentialsRejected(), provider=AGAIN),
        CloseRecord,
    ),
    (
        "the same at a provider that keeps the token: gone",
        tried(REFUSED_TOKEN, record=UNCERTAIN_KEPT, probe=CredentialsRejected()),
        DeleteRecord,
    ),
    ("401 at first: probe", tried(REFUSED_TOKEN), Probe),
    (
        "401, nothing to probe with: wait",
        tried(REFUSED_TOKEN, record=stored(registration=registration(client_secret=None))),
        Wait,
    ),
    ("401, unknown client: gone", tried(REFUSED_TOKEN, probe=CredentialsRejected()), DeleteRecord),
    ("401, client works: wait", tried(REFUSED_TOKEN, probe=CredentialsAccepted()), Wait),
    (
        "401, client works, the owner lets it be: on record",
        tried(REFUSED_TOKEN, probe=CredentialsAccepted(), provider=AGAIN),
        CloseRecord,
    ),
    ("401, cannot tell: wait", tried(REFUSED_TOKEN, probe=CannotTell("?")), Wait),
    ("404: probe, since gateways say it too", tried(NOT_FOUND), Probe),
    ("404, unknown client: gone", tried(NOT_FOUND, probe=CredentialsRejected()), DeleteRecord),
    ("404, cannot tell: gone", tried(NOT_FOUND, probe=CannotTell("?")), DeleteRecord),
    ("404, nothing to probe with: gone", tried(NOT_FOUND, record=UNTRIABLE), DeleteRecord),
    ("404, client works: wait", tried(NOT_FOUND, probe=CredentialsAccepted()), Wait),
    ("405: on record", tried(NotSupported(405)), CloseRecord),
    ("403: wait", tried(Refused(403, "insufficient_scope", "no")), Wait),
    ("429: wait", tried(RateLimited(5.0)), Wait),
    ("unreachable: wait", tried(Unreachable("x", may_have_arrived=True)), Wait),
    # A registration whose outcome is unknown.
    ("unknown, not repeatable: on record", steady(record=OPEN), CloseRecord),
    ("unknown, repeatable, provider down: wait", steady(record=REPEATABLE, provider=DOWN), Wait),
    (
        "unknown, repeatable, provider gone: on record",
        steady(record=REPEATABLE, provider=ABSENT),
        CloseRecord,
    ),
    ("unknown, repeatable then, not now: on record", steady(record=REPEATABLE), CloseRecord),
    (
        "unknown, repeatable: the token first",
        steady(record=REPEATABLE, provider=HONOURS),
        FetchInitialAccessToken,
    ),
    (
        "unknown, repeatable: learn which",
        steady(record=REPEATABLE, provider=HONOURS, initial_access_token=TOKEN_FOUND),
        Register,
    ),
    (
        "unknown, no token: wait",
        steady(record=REPEATABLE, provider=HONOURS, initial_access_token=TOKENLESS),
        Wait,
    ),
    # Nothing is left at the provider.
    ("confirmed: the record goes", steady(unregistered=True), DeleteRecord),
    ("record gone: the Secret goes", steady(record=None), DeleteSecret),
    (
        "the old Secret goes too",
        steady(record=None, secret=None, previous_secret=tenant(name="old")),
        DeleteSecret,
    ),
    (
        "a Secret that is not ours stays",
        steady(record=None, secret=tenant(ours=False)),
        RemoveFinalizer,
    ),
    ("all gone: the finalizer goes", steady(record=None, secret=None), RemoveFinalizer),
    (
        "earlier orphans: the record is closed, not deleted",
        steady(unregistered=True, record=stored(orphans=(orphan(),))),
        CloseRecord,
    ),
    (
        "a closed record stays",
        steady(record=stored(registration=None, orphans=(orphan(),))),
        DeleteSecret,
    ),
]


@pytest.mark.parametrize(("_name", "observed", "step"), CASES, ids=[row[0] for row in CASES])
def test_what_is_there_decides_the_step(_name: str, observed: Observed, step: type[Step]) -> None:
    planned = plan(Unwanted(retain=False), observed, NOW)
    assert type(planned) is step
    if isinstance(planned, Wait):
        assert planned.reason is Reason.DELETION_BLOCKED
        assert "Retain" in planned.message


KEPT = stored(retain=True)
RETAINED: list[tuple[str, Observed, type[Step]]] = [
    ("first it is on record that the client stays", steady(), NoteResource),
    ("the Secret is released", steady(record=KEPT), ReleaseSecret),
    (
        "released: the finalizer goes",
        steady(record=KEPT, secret=tenant(ours=False)),
        RemoveFinalizer,
    ),
    ("no Secret: the finalizer goes", steady(record=KEPT, secret=None), RemoveFinalizer),
    (
        "renamed, the new Secret not there yet: the old one is released",
        steady(record=KEPT, secret=None, previous_secret=tenant(name="old")),
        ReleaseSecret,
    ),
    (
        "renamed to a Secret of others: the old one is released",
        steady(
            record=KEPT,
            secret=tenant(ours=False),
            previous_secret=tenant(name="old", uid="other"),
        ),
        ReleaseSecret,
    ),
    (
        "even with an unreadable record",
        steady(secret=None, record=RecordUnreadable("?")),
        RemoveFinalizer,
    ),
]


@pytest.mark.parametrize(("_name", "observed", "step"), RETAINED, ids=[row[0] for row in RETAINED])
def test_retain_lets_go_of_what_it_leaves(_name: str, observed: Observed, step: type[Step]) -> None:
    assert type(plan(Unwanted(retain=True), observed, NOW)) is step


def test_a_delete_that_was_under_way_is_a_repeat() -> None:
    assert plan(Unwanted(retain=False), steady(record=DELETING), NOW) == Unregister(
        DELETING.record.intent
    )


def test_what_is_left_behind_is_named() -> None:
    planned = plan(Unwanted(retain=False), tried(NotSupported(405)), NOW)
    assert isinstance(planned, CloseRecord)
    assert planned.orphan is not None
    assert (planned.orphan.cause, planned.orphan.client_id) == (
        OrphanCause.NOT_MANAGEABLE,
        "client-1",
    )


def test_the_order_of_the_checks_is_part_of_the_contract() -> None:
    assert [check.__name__ for check in CHECKS] == [
        "released",
        "claim_left",
        "elsewhere_unanswered",
        "at_once",
        "retained",
        "record_unreadable",
        "request_failed",
        "creation_unknown",
        "registered",
        "blocked",
        "record_left",
        "secret_left",
        "finalizer_left",
    ]
