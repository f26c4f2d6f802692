from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from dcr_operator.orphans import Orphan, OrphanCause
from dcr_operator.resource_gone import (
    AS_OLD,
    YOUNG,
    Ending,
    Traces,
    ending_at_start,
    gone_resource,
    held_as_orphans,
    is_retained,
    known_ending,
)
from dcr_operator.state import Intent, IntentKind, Record, Retiring
from tests.fakes.operator_states import registration, snapshot, stored

NOW: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
LONG_AGO: Final = NOW - timedelta(days=30)
ORPHAN: Final = Orphan(OrphanCause.AMBIGUOUS_CREATE, "https://id.example.com", NOW)
OPEN: Final = Intent(IntentKind.REGISTER, "i-1", NOW, "hash")


def record(**changes: object) -> Record:
    values = {"began_at": LONG_AGO, **changes}
    return stored(**values).record


NOTHING_HELD: Final = record(registration=None)

KNOWN = [
    ("it is registered", record(), Ending.UNREGISTER),
    ("it is being registered", record(registration=None, intent=OPEN), Ending.UNREGISTER),
    ("it is to be retained", record(retain=True), Ending.RETAINED),
    (
        "what was replaced is left",
        record(registration=None, retiring=(Retiring(snapshot(), registration()),)),
        Ending.UNREGISTER,
    ),
    ("an empty record goes", NOTHING_HELD, Ending.UNREGISTER),
    ("orphans stay on record", replace(NOTHING_HELD, orphans=(ORPHAN,)), Ending.NOTHING),
]


@pytest.mark.parametrize(("_name", "held", "ending"), KNOWN, ids=[row[0] for row in KNOWN])
def test_what_becomes_of_a_client_whose_resource_was_seen_to_go(
    _name: str, held: Record, ending: Ending
) -> None:
    assert known_ending(held) is ending


JUST_NOW = record(began_at=NOW - timedelta(minutes=1))
AT_START = [
    ("old: deleted, or not restored yet", record(), LONG_AGO, False, Ending.DOUBTFUL),
    ("old, of an earlier version", record(began_at=None), LONG_AGO, False, Ending.DOUBTFUL),
    ("its deletion was seen", record(gone_at=LONG_AGO), LONG_AGO, False, Ending.UNREGISTER),
    ("seen, and made again since", record(gone_at=LONG_AGO), LONG_AGO, True, Ending.UNREGISTER),
    ("it has just begun", JUST_NOW, JUST_NOW.began_at, False, Ending.UNREGISTER),
    ("just begun, and one of its name is there", JUST_NOW, NOW, True, Ending.DOUBTFUL),
    (
        "just begun, and its Secret is a restored one",
        JUST_NOW,
        NOW - timedelta(minutes=1) + AS_OLD,
        False,
        Ending.DOUBTFUL,
    ),
    ("just begun, and no API server says when", JUST_NOW, None, False, Ending.DOUBTFUL),
    (
        "not so young any more",
        record(began_at=NOW - YOUNG),
        NOW - YOUNG,
        False,
        Ending.DOUBTFUL,
    ),
    ("retained", record(retain=True, gone_at=LONG_AGO), LONG_AGO, False, Ending.RETAINED),
    ("nothing is held", NOTHING_HELD, LONG_AGO, False, Ending.UNREGISTER),
]


@pytest.mark.parametrize(
    ("_name", "held", "made_at", "namesake", "ending"), AT_START, ids=[row[0] for row in AT_START]
)
def test_a_start_leaves_alone_what_is_in_doubt(
    _name: str, held: Record, made_at: datetime | None, namesake: bool, ending: Ending
) -> None:
    assert ending_at_start(Traces(held, made_at, namesake), NOW) is ending


def test_a_gone_resource_is_held_by_us_until_its_client_is_gone() -> None:
    resource = gone_resource(record(gone_at=NOW))
    assert resource.gone
    assert resource.has_finalizer
    assert resource.identity == record().resource
    assert resource.deleted_at == NOW


@pytest.mark.parametrize(
    ("client", "retained"),
    [
        ({"spec": {"deletionPolicy": "Retain"}}, True),
        ({"spec": {"deletionPolicy": "Delete"}}, False),
        ({"spec": {}}, False),
        ({}, False),
        ({"spec": "?"}, False),
    ],
)
def test_only_retain_retains(client: dict[str, object], retained: bool) -> None:
    assert is_retained(client) is retained  # type: ignore[arg-type]  # any JSON


HELD = [
    ("a registration", record(), ["client"]),
    ("nothing", NOTHING_HELD, []),
    ("one without an answer", record(registration=None, intent=OPEN), ["intent"]),
    ("a move without an answer", record(intent=OPEN), ["intent", "client"]),
    ("one that was only claimed", record(intent=replace(OPEN, kind=IntentKind.ADOPT)), []),
    (
        "an update without an answer",
        record(intent=replace(OPEN, kind=IntentKind.UPDATE)),
        ["client"],
    ),
    (
        "what was replaced",
        record(retiring=(Retiring(snapshot(), registration(client_id="old")),)),
        ["client", "client"],
    ),
]


@pytest.mark.parametrize(("_name", "held", "kinds"), HELD, ids=[row[0] for row in HELD])
def test_what_a_record_holds_can_be_told_as_orphans(
    _name: str, held: Record, kinds: list[str]
) -> None:
    orphans = held_as_orphans(held)
    assert ["client" if each.client_id else "intent" for each in orphans] == kinds
    assert all(bool(each.management) == bool(each.client_id) for each in orphans)
    assert {each.since for each in orphans} <= {LONG_AGO}
