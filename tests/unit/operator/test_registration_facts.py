"""Merging answers into a registration, and what differs from the wish."""

from dataclasses import replace

from pydantic import JsonValue, SecretStr

from dcr_operator.registration_facts import (
    MOST_NAMELESS_ORPHANS,
    can_be_probed,
    drift_since,
    merged,
    new_registration,
    refused_members,
    with_orphan,
)
from dcr_protocol.client_information import ClientInformation
from tests.fakes.operator_states import orphan, registration, snapshot, stored

USED = SecretStr("rat")


def test_a_registration_without_one_of_the_pair_cannot_be_managed() -> None:
    for information in (
        ClientInformation("c", registration_access_token=USED),
        ClientInformation("c", registration_client_uri="https://id.example.com/c"),
    ):
        assert new_registration(information, "h").management() == ()


def test_what_an_answer_leaves_out_is_unchanged() -> None:
    known = registration(client_id_issued_at=1, client_secret_expires_at=2)
    assert (
        merged(known, ClientInformation("client-1", metadata=dict(known.metadata)), USED) == known
    )


def test_a_rotated_token_goes_first_and_the_one_that_worked_second() -> None:
    rotated = ClientInformation("client-1", registration_access_token=SecretStr("new"))
    found = merged(registration(), rotated, USED)
    tokens = [each.registration_access_token for each in found.management()]
    assert tokens == [SecretStr("new"), USED]


def test_once_the_new_token_has_worked_the_old_one_goes() -> None:
    known = registration(previous_registration_access_token=SecretStr("before"))
    found = merged(known, ClientInformation("client-1"), USED)
    assert found.previous_registration_access_token is None


def test_a_new_secret_replaces_the_old() -> None:
    information = ClientInformation(
        "client-1", client_secret=SecretStr("new"), client_secret_expires_at=9
    )
    found = merged(registration(), information, USED)
    assert (found.client_secret, found.client_secret_expires_at) == (SecretStr("new"), 9)


def test_only_a_secret_for_the_token_endpoint_can_be_probed() -> None:
    basic, none = registration(), registration(metadata={"token_endpoint_auth_method": "none"})
    assert can_be_probed(snapshot(), basic)
    assert not can_be_probed(snapshot(token_endpoint=None), basic)
    assert not can_be_probed(snapshot(), none)
    assert not can_be_probed(snapshot(), replace(basic, client_secret=None))


def test_what_is_not_echoed_is_no_drift_and_what_was_accepted_is_none() -> None:
    wanted: dict[str, JsonValue] = {"client_name": "A", "logo_uri": "https://a/", "scope": "a b"}
    recorded: dict[str, JsonValue] = {"client_name": "B", "scope": "b a"}
    assert drift_since(wanted, recorded, recorded) == ()
    assert drift_since(wanted, recorded, {**recorded, "scope": "a"}) == ("scope",)


def test_only_what_the_workload_needs_decides() -> None:
    wanted: dict[str, JsonValue] = {"client_name": "A", "redirect_uris": ["https://a/"]}
    given = registration(metadata={"client_name": "B", "redirect_uris": ["https://b/"]})
    assert refused_members(wanted, given) == ("redirect_uris",)


def test_named_orphans_all_stay_and_of_the_nameless_the_latest() -> None:
    named = replace(orphan(), client_id="c")
    nameless = [replace(orphan(), intent_id=f"i{n}") for n in range(MOST_NAMELESS_ORPHANS)]
    record = stored(orphans=(named, *nameless)).record
    latest = replace(orphan(), intent_id="latest")
    assert with_orphan(record, latest) == (named, *nameless[1:], latest)
    assert with_orphan(None, None) == ()
