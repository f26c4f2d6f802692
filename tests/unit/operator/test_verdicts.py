"""What an answer that is no success leads to, and what people are told about it."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from dcr_operator.outcomes import (
    InitialAccessTokenRejected,
    Malformed,
    NotSupported,
    Outcome,
    RateLimited,
    Refused,
    Registered,
    RegistrationAccessTokenRejected,
    Unreachable,
)
from dcr_operator.plan import plan
from dcr_operator.reasons import Reason
from dcr_operator.state import Attempt, IntentKind, Operation, ProviderUsable
from dcr_operator.steps import Step, Stop, Wait
from dcr_operator.verdicts import settles
from dcr_protocol.client_information import ClientInformation
from tests.fakes.operator_states import (
    NOW,
    desired,
    fresh,
    intent,
    registration,
    snapshot,
    steady,
    stored,
)

OPEN = stored(registration=None, intent=intent(IntentKind.REGISTER))
LOST = Attempt(Operation.READ, RegistrationAccessTokenRejected())

OUTCOMES: list[tuple[Outcome, type[Step], Reason]] = [
    (Refused(400, "invalid_redirect_uri", "no"), Stop, Reason.REGISTRATION_REJECTED),
    (InitialAccessTokenRejected("spent"), Wait, Reason.INITIAL_ACCESS_TOKEN_REJECTED),
    (NotSupported(404), Wait, Reason.REGISTRATION_NOT_SUPPORTED),
    (RateLimited(9.0), Wait, Reason.RATE_LIMITED),
    (Unreachable("reset", may_have_arrived=False), Wait, Reason.PROVIDER_UNAVAILABLE),
    (Malformed("html", may_have_arrived=True), Wait, Reason.PROVIDER_UNAVAILABLE),
    (Registered(ClientInformation("x")), Wait, Reason.INTERNAL_ERROR),
]


@pytest.mark.parametrize(("outcome", "step", "reason"), OUTCOMES, ids=lambda value: str(value)[:40])
def test_a_failed_registration_ends_the_pass(
    outcome: Outcome, step: type[Step], reason: Reason
) -> None:
    attempt = Attempt(Operation.REGISTER, outcome)
    # Even with the intent still open: one try in a pass.
    for record in (stored(registration=None), OPEN):
        planned = plan(desired(), fresh(record=record, attempt=attempt), NOW)
        assert isinstance(planned, Wait | Stop)
        assert (type(planned), planned.reason) == (step, reason)


def test_messages_hold_no_secret() -> None:
    kept = registration(client_secret=SecretStr("tell-nobody"))
    for attempt in (LOST, Attempt(Operation.UPDATE, Refused(400, "x", "y"))):
        planned = plan(desired(), steady(attempt=attempt, record=stored(registration=kept)), NOW)
        assert "tell-nobody" not in repr(planned)


def test_what_a_namespaced_provider_says_is_not_repeated() -> None:
    hardened = snapshot(connection=replace(snapshot().connection, hardened=True))
    for code, shown in (("invalid_redirect_uri", "invalid_redirect_uri"), ("evil", "status 400")):
        attempt = Attempt(Operation.REGISTER, Refused(400, code, "look at https://evil.example"))
        record = stored(registration=None, provider=hardened)
        seen = fresh(record=record, attempt=attempt, provider=ProviderUsable(hardened))
        planned = plan(desired(), seen, NOW)
        assert isinstance(planned, Stop)
        assert shown in planned.message
        assert "evil" not in planned.message


def test_our_own_words_about_a_namespaced_provider_are_shown() -> None:
    hardened = snapshot(connection=replace(snapshot().connection, hardened=True))
    record = stored(registration=None, provider=hardened)
    for outcome, shown in (
        (Malformed("look here", may_have_arrived=False), False),
        (Malformed("look here", may_have_arrived=False, ours=True), True),
        (Unreachable("look here", may_have_arrived=False, ours=True), True),
    ):
        attempt = Attempt(Operation.REGISTER, outcome)
        seen = fresh(record=record, attempt=attempt, provider=ProviderUsable(hardened))
        planned = plan(desired(), seen, NOW)
        assert isinstance(planned, Wait)
        assert ("look here" in planned.message) is shown


SETTLED = [
    (Refused(400, "invalid_redirect_uri", "y"), True, True),
    (Refused(409, "invalid_request", "its client was deleted"), True, True),
    (Refused(409, "", "a gateway"), True, False),
    (Refused(403, "insufficient_scope", "y"), True, False),
    (Refused(413, "", "a gateway"), True, False),
    (NotSupported(404), True, False),
    (NotSupported(405), True, False),
    (RateLimited(1.0), True, False),
    (InitialAccessTokenRejected("spent"), True, False),
    (RegistrationAccessTokenRejected(), True, False),
    (Unreachable("no connection", may_have_arrived=False), True, False),
    (Unreachable("timeout", may_have_arrived=True), False, False),
    (Malformed("a 201 of html", may_have_arrived=True), False, False),
]


@pytest.mark.parametrize(("outcome", "at_first", "repeated"), SETTLED, ids=lambda v: str(v)[:40])
def test_an_intent_is_closed_only_by_an_answer_about_every_request_of_it(
    outcome: Outcome, *, at_first: bool, repeated: bool
) -> None:
    assert settles(Attempt(Operation.REGISTER, outcome)) is at_first
    assert settles(Attempt(Operation.REGISTER, outcome, repeated=True)) is repeated


def test_a_refused_update_blames_the_management_not_the_registration() -> None:
    attempt = Attempt(Operation.UPDATE, NotSupported(405))
    planned = plan(desired(), steady(attempt=attempt), NOW)
    assert isinstance(planned, Stop)
    assert planned.reason is Reason.MANAGEMENT_NOT_SUPPORTED
