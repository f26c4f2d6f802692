"""Defaults fill what a request leaves out, forced values win over it, and both are answered."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dcr_protocol.client_metadata import ClientMetadata, parse_client_metadata
from dcr_protocol.json_document import JsonValue
from dcr_server.policies import Policy
from tests.unit.server.registrant import EVERYTHING, MACHINE, registrant_at

Document = Mapping[str, JsonValue]
KEYS: Document = {"keys": []}


def provisioned(request: Document, *, defaults: Document, forced: Document) -> Document:
    policy = Policy.model_validate({"defaults": defaults, "forced": forced})
    return policy.provision(parse_client_metadata(request)).to_wire()


@pytest.mark.parametrize(
    ("request_", "defaults", "forced", "result"),
    [
        pytest.param({}, {"scope": "a"}, {}, {"scope": "a"}, id="a default fills an omission"),
        pytest.param({"scope": "b"}, {"scope": "a"}, {}, {"scope": "b"}, id="a request wins"),
        pytest.param({"scope": "b"}, {}, {"scope": "a"}, {"scope": "a"}, id="what is forced wins"),
        pytest.param({}, {}, {"scope": "a"}, {"scope": "a"}, id="what is forced comes unasked"),
        pytest.param({}, {"scope": "a"}, {"scope": "b"}, {"scope": "b"}, id="over a default too"),
        pytest.param(
            {"scope": ""}, {"scope": "a"}, {}, {"scope": "a"}, id="an empty value is an omission"
        ),
        pytest.param(
            {"require_auth_time": False},
            {"require_auth_time": True},
            {},
            {"require_auth_time": False},
            id="false is a value",
        ),
        pytest.param(
            {"jwks": KEYS}, {"jwks_uri": "https://a/"}, {}, {"jwks": KEYS}, id="keys are said once"
        ),
        pytest.param(
            {"jwks": KEYS},
            {},
            {"jwks_uri": "https://a/"},
            {"jwks_uri": "https://a/"},
            id="forced keys are the only ones",
        ),
        pytest.param(
            {"response_types": ["code"]},
            {"grant_types": ["client_credentials"]},
            {},
            {"response_types": ["code"]},
            id="grants and responses are one",
        ),
        pytest.param(
            {"response_types": ["code"]},
            {},
            {"grant_types": ["client_credentials"]},
            {"grant_types": ["client_credentials"]},
            id="forced grants too",
        ),
        pytest.param(
            {"client_name": "Bank", "client_name#de": "Bank", "tos_uri#de": "https://b/"},
            {},
            {"client_name": "Test"},
            {"client_name": "Test", "tos_uri#de": "https://b/"},
            id="a forced name in every language",
        ),
        pytest.param(
            {"client_name": "Shop"},
            {"client_name": "Test", "client_name#de": "Versuch"},
            {},
            {"client_name": "Shop"},
            id="a default in no language beside a name",
        ),
        pytest.param(
            {},
            {"client_name": "Test", "client_name#de": "Versuch"},
            {},
            {"client_name": "Test", "client_name#de": "Versuch"},
            id="a default in every language",
        ),
    ],
)
def test_s021_s022_what_a_policy_puts_into_metadata(
    request_: Document, defaults: Document, forced: Document, result: Document
) -> None:
    assert provisioned(request_, defaults=defaults, forced=forced) == result


REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "scope": st.sampled_from(["a", "b"]),
        "client_name": st.sampled_from(["A", "B"]),
        "client_name#de": st.sampled_from(["A", "B"]),
        "jwks": st.just({"keys": []}),
        "jwks_uri": st.just("https://a.example/"),
        "grant_types": st.sampled_from([["implicit"], ["client_credentials"]]),
        "response_types": st.sampled_from([["token"], []]),
    },
)


@given(REQUESTS, REQUESTS, REQUESTS)
def test_what_is_forced_is_always_there_and_providing_twice_changes_nothing(
    request_: Document, defaults: Document, forced: Document
) -> None:
    once = provisioned(request_, defaults=defaults, forced=forced)
    assert {**once, **forced} == once
    assert provisioned(once, defaults=defaults, forced=forced) == once


@pytest.mark.parametrize(
    ("members", "place", "said"),
    [
        ({"redirect_uri": ["https://a/"]}, "redirect_uri", "did you mean redirect_uris?"),
        ({"nonsense": 1}, "nonsense", "is no client metadata"),
        ({"client_id": "a"}, "client_id", "only the server"),
        ({"software_statement": "a.b.c"}, "software_statement", "the client's own"),
        ({"localized": {}}, "localized", "is no client metadata"),
        ({"scope#de": "a"}, "scope#de", "is no client metadata"),
        ({"scope": 3}, "scope", "must be a string"),
        ({"contacts": "a"}, "contacts", "must be an array"),
        ({"logo_uri": None}, "logo_uri", "has no value"),
        ({"logo_uri": ""}, "logo_uri", "has no value"),
        ({"client_name": "a\nb"}, "client_name", "control characters"),
    ],
)
@pytest.mark.parametrize("kind", ["defaults", "forced"])
def test_a_mistake_in_what_a_policy_puts_in_has_its_place(
    kind: str, members: Document, place: str, said: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Policy.model_validate({kind: members})
    (error,) = caught.value.errors()
    assert error["loc"] == (kind, place)
    assert said in error["msg"]


def test_all_mistakes_are_found_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        Policy.model_validate({"forced": {"scope": 1, "a": 2}, "defaults": ["scope"]})
    assert {error["loc"] for error in caught.value.errors()} == {
        ("forced", "scope"),
        ("forced", "a"),
        ("defaults",),
    }


def test_a_policy_is_made_of_parsed_metadata_as_well() -> None:
    forced = ClientMetadata(scope="a")
    assert Policy(forced=forced).forced is forced


def test_a_policy_that_is_passed_on_as_json_stays_what_it_is() -> None:
    policy = Policy.model_validate(
        {
            "defaults": {"client_name#de": "Laden", "default_max_age": 0},
            "forced": {"contacts": ["identity@example.com"]},
            "rate": "60/1m",
            "secret_lifetime": "90d",
        }
    )
    assert Policy.model_validate_json(policy.model_dump_json()) == policy


async def test_s021_s085_registration_and_update_answer_what_the_policy_put_in(
    tmp_path: Path,
) -> None:
    policy = EVERYTHING.model_copy(
        update={
            "defaults": ClientMetadata(client_name="Unnamed"),
            "forced": ClientMetadata(contacts=("identity@example.com",)),
        }
    )
    async with registrant_at(tmp_path, policies={"default": policy}) as registrant:
        client = await registrant.register({**MACHINE, "contacts": ["me@example.com"]})
        assert client.document["contacts"] == ["identity@example.com"]
        assert client["client_name"] == "Unnamed"
        updated = await registrant.put(client, {**MACHINE, "client_name": "Mine"})
    assert updated.json()["contacts"] == ["identity@example.com"]
    assert updated.json()["client_name"] == "Mine"


async def test_what_is_forced_is_checked_like_what_is_asked_for(tmp_path: Path) -> None:
    policy = EVERYTHING.model_copy(update={"forced": ClientMetadata(logo_uri="ftp://a/")})
    async with registrant_at(tmp_path, policies={"default": policy}) as registrant:
        response = await registrant.post()
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")
