"""Conditions once from the outcome; their time moves only with their status."""

from datetime import timedelta

import pytest

from dcr_operator.conditions import Aspect, client_conditions, standing_conditions
from dcr_operator.reason_rows import ROWS
from dcr_operator.reasons import ConditionType, Reason, Row
from dcr_operator.resources import ConditionStatus
from dcr_operator.state import (
    IntentKind,
    Observed,
    ProviderUnusable,
    Undecipherable,
    Wish,
)
from dcr_operator.steps import Done, End, Stop, Wait
from tests.fakes.operator_states import NOW, desired, fresh, intent, registration, steady, stored

DONE = Done(Reason.READY, "all is well")
DOWN = ProviderUnusable(Reason.PROVIDER_UNAVAILABLE, "no answer")


def shown(observed: Observed, end: End, wish: Wish | None = None) -> dict[str, tuple[str, str]]:
    aspects = client_conditions(wish or desired(), observed, end)
    return {aspect.type.value: (aspect.status.value, aspect.reason.value) for aspect in aspects}


def test_all_is_well() -> None:
    assert shown(steady(), DONE) == {
        "Ready": ("True", "Ready"),
        "ProviderReady": ("True", "ProviderReady"),
        "Registered": ("True", "Registered"),
        "SecretPublished": ("True", "SecretPublished"),
    }


def test_what_was_not_reached_is_unknown() -> None:
    end = Wait(Reason.PROVIDER_UNAVAILABLE, "no answer")
    assert shown(fresh(provider=DOWN), end) == {
        "Ready": ("False", "ProviderUnavailable"),
        "ProviderReady": ("False", "ProviderUnavailable"),
        "Registered": ("Unknown", "Progressing"),
        "SecretPublished": ("Unknown", "Progressing"),
        "Reconciling": ("True", "ProviderUnavailable"),
    }


def test_a_stop_is_stalled_and_what_stands_stays() -> None:
    end = Stop(Reason.REGISTRATION_REJECTED, "no")
    observed = steady(record=stored(registration=registration(spec_hash="h0")))
    assert shown(observed, end) == {
        "Ready": ("False", "RegistrationRejected"),
        "ProviderReady": ("True", "ProviderReady"),
        "Registered": ("False", "RegistrationRejected"),
        "SecretPublished": ("True", "SecretPublished"),
        "Stalled": ("True", "RegistrationRejected"),
    }


def test_a_client_in_its_secret_is_ready_while_its_provider_is_not() -> None:
    found = shown(steady(provider=DOWN), DONE)
    assert found["Ready"] == ("True", "Ready")
    assert found["ProviderReady"] == ("False", "ProviderUnavailable")


def test_a_creation_without_an_answer_is_neither_there_nor_not() -> None:
    end = Stop(Reason.CREATION_OUTCOME_UNKNOWN, "no answer came")
    record = stored(registration=None, intent=intent(IntentKind.REGISTER))
    assert shown(fresh(record=record), end)["Registered"] == ("Unknown", "CreationOutcomeUnknown")


def test_an_invalid_spec_says_nothing_about_the_rest() -> None:
    end = Stop(Reason.INVALID_SPEC, "spec.x is missing")
    found = shown(Observed(steady().resource, None), end, Undecipherable("spec.x is missing"))
    assert found["Ready"] == ("False", "InvalidSpec")
    assert {found[kind][0] for kind in ("ProviderReady", "Registered")} == {"Unknown"}


BLAMED = [row for row in ROWS if row.remedy and row.reason is not Reason.PROGRESSING]


@pytest.mark.parametrize("row", BLAMED, ids=[row.reason.value for row in BLAMED])
def test_every_reason_stands_at_its_condition_and_at_ready(row: Row) -> None:
    end = Wait(row.reason, "why")
    found = shown(steady(), end)
    assert found["Ready"] == ("False", row.reason.value)
    assert found[row.condition.value][1] == row.reason.value


ASPECT = Aspect(ConditionType.READY, ConditionStatus.TRUE, Reason.READY, "new words")


@pytest.mark.parametrize(("status", "moves"), [("True", False), ("False", True), ("Unknown", True)])
def test_the_time_moves_only_with_the_status(status: str, *, moves: bool) -> None:
    previous = [{"type": "Ready", "status": status, "lastTransitionTime": "2026-01-01T12:00:00Z"}]
    (condition,) = standing_conditions((ASPECT,), previous, 4, NOW + timedelta(hours=1))
    assert condition == {
        "type": "Ready",
        "status": "True",
        "observedGeneration": 4,
        "lastTransitionTime": "2026-01-01T13:00:00Z" if moves else "2026-01-01T12:00:00Z",
        "reason": "Ready",
        "message": "new words",
    }


def test_a_first_condition_has_the_time_of_now() -> None:
    (condition,) = standing_conditions((ASPECT,), [], 1, NOW)
    assert isinstance(condition, dict)
    assert condition["lastTransitionTime"] == "2026-01-01T12:00:00Z"
