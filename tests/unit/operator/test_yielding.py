"""An answer that met another writer: the record then knows the client, in one place."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from dcr_operator.orphans import Orphan, OrphanCause
from dcr_operator.state import IntentKind, Record, Registration, Retiring
from dcr_operator.yielding import with_answer, with_client
from tests.fakes.operator_states import NOW, intent, registration, snapshot, stored

OURS_OPEN = intent(IntentKind.REGISTER, id="ours")
THEIRS_OPEN = intent(IntentKind.REGISTER, id="theirs")
OUR_UPDATE = intent(IntentKind.UPDATE, id="ours")
MINE = registration(client_id="mine")
OTHER = registration(client_id="other")
FRESH = registration(client_id="mine", registration_access_token=SecretStr("fresh"))
NAMELESS = Orphan(OrphanCause.AMBIGUOUS_CREATE, snapshot().issuer, NOW, intent_id="ours")
NAMED = replace(NAMELESS, client_id="mine", intent_id=None)
ELSEWHERE = replace(NAMELESS, intent_id="another")


def record(**changes: object) -> Record:
    return stored(**{"registration": None, **changes}).record


def retiring(of: Registration) -> Retiring:
    return Retiring(snapshot(), of, not_before=NOW)


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        # Another has registered since: ours goes, and what was nameless has a name.
        (
            record(intent=THEIRS_OPEN, orphans=(NAMELESS, ELSEWHERE)),
            record(intent=THEIRS_OPEN, orphans=(ELSEWHERE,), retiring=(retiring(MINE),)),
        ),
        (record(registration=OTHER), record(registration=OTHER, retiring=(retiring(MINE),))),
        # It is there already, in whatever place.
        (record(registration=MINE), record(registration=MINE)),
        (record(retiring=(retiring(MINE),)), record(retiring=(retiring(MINE),))),
        # Only something else of the record was written: it is the answer to what stands there.
        (record(intent=OURS_OPEN), record(registration=MINE)),
        # What was given up can be managed again: it goes when ours takes its place.
        (
            record(intent=OURS_OPEN, registration=OTHER),
            record(registration=MINE, retiring=(retiring(OTHER),)),
        ),
    ],
)
def test_a_client_that_was_registered_is_on_record_once(live: Record, expected: Record) -> None:
    assert with_client(live, record(intent=OURS_OPEN), retiring(MINE)) == expected


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        # The token in force is the one that was answered to us.
        (record(registration=MINE), record(registration=FRESH)),
        (
            record(registration=MINE, intent=OUR_UPDATE),
            record(registration=FRESH, intent=OUR_UPDATE),
        ),
        (
            record(registration=MINE, intent=THEIRS_OPEN),
            record(registration=FRESH, intent=THEIRS_OPEN),
        ),
        # Another answer has come since.
        (
            record(registration=replace(FRESH, registration_access_token=SecretStr("later"))),
            record(registration=replace(FRESH, registration_access_token=SecretStr("later"))),
        ),
        # Another has given the client up: it can be deleted now.
        (
            record(registration=OTHER, orphans=(NAMED, ELSEWHERE)),
            record(registration=OTHER, orphans=(ELSEWHERE,), retiring=(retiring(FRESH),)),
        ),
        (record(registration=OTHER), record(registration=OTHER, retiring=(retiring(FRESH),))),
        (
            record(registration=OTHER, retiring=(retiring(MINE),)),
            record(registration=OTHER, retiring=(retiring(MINE),)),
        ),
    ],
)
def test_what_an_answer_has_changed_is_on_record_once(live: Record, expected: Record) -> None:
    ours = record(registration=MINE, intent=OUR_UPDATE)
    assert with_answer(live, ours, retiring(FRESH)) == expected
