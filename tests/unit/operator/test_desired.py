"""From the resource to the exact bytes of the request."""

import json
from datetime import timedelta

import pytest
from pydantic import JsonValue

from dcr_operator.desired import canonical_json, desired_client, update_body
from dcr_operator.kube import JsonObject, Key
from dcr_operator.resources import parse_oauth_client
from dcr_operator.state import Desired, Unwanted

REDIRECT: JsonObject = {"redirectUris": ["https://dashboard.example.com/callback"]}


def document(**spec: JsonValue) -> JsonObject:
    wanted: JsonObject = {"providerRef": {"name": "main"}, "clientMetadata": dict(REDIRECT)}
    return {
        "metadata": {"name": "dashboard", "namespace": "team-a", "uid": "u"},
        "spec": {**wanted, **spec},
    }


def wish(**spec: JsonValue) -> Desired:
    found = desired_client(parse_oauth_client(document(**spec)))
    assert isinstance(found, Desired)
    return found


def sent(**metadata: JsonValue) -> JsonObject:
    body = json.loads(wish(clientMetadata=metadata).request)
    assert isinstance(body, dict)
    return body


def test_what_servers_have_different_defaults_for_is_always_said() -> None:
    assert sent(**REDIRECT) == {
        "application_type": "web",
        "grant_types": ["authorization_code"],
        "redirect_uris": ["https://dashboard.example.com/callback"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
    }


RESPONSE_TYPES: list[tuple[list[JsonValue], list[JsonValue]]] = [
    (["authorization_code", "refresh_token"], ["code"]),
    (["client_credentials"], []),
    (["urn:ietf:params:oauth:grant-type:device_code"], []),
]


@pytest.mark.parametrize(("grants", "responses"), RESPONSE_TYPES)
def test_response_types_follow_the_grants(
    grants: list[JsonValue], responses: list[JsonValue]
) -> None:
    assert sent(grantTypes=grants)["response_types"] == responses


def test_grants_follow_response_types_as_our_server_has_it() -> None:
    body = sent(**REDIRECT, responseTypes=["id_token"])
    assert (body["grant_types"], body["response_types"]) == (["implicit"], ["id_token"])


def test_what_our_server_would_not_know_is_left_to_the_provider() -> None:
    body = sent(**REDIRECT, responseTypes=["vp_token"])
    assert body["response_types"] == ["vp_token"]
    assert "grant_types" not in body


def test_what_the_user_sets_is_sent_as_it_is() -> None:
    body = sent(
        **REDIRECT,
        applicationType="native",
        tokenEndpointAuthMethod="none",
        responseTypes=["code id_token"],
    )
    assert (body["application_type"], body["token_endpoint_auth_method"]) == ("native", "none")
    assert body["response_types"] == ["code id_token"]


def test_nothing_is_sent_as_null_or_empty_text() -> None:
    assert not [value for value in sent(**REDIRECT).values() if value in (None, "")]


def test_the_order_in_the_resource_changes_neither_bytes_nor_hash() -> None:
    one = wish(clientMetadata={**REDIRECT, "clientName": "A", "scope": "openid"})
    other = wish(clientMetadata={"scope": "openid", "clientName": "A", **REDIRECT})
    assert (one.request, one.spec_hash) == (other.request, other.spec_hash)
    assert one.spec_hash != wish().spec_hash


def test_an_update_is_the_wish_and_the_client_id() -> None:
    wanted = wish()
    body = json.loads(update_body(wanted, "client-1"))
    assert body == {**wanted.metadata, "client_id": "client-1"}


def test_names_beyond_ascii_are_utf_8() -> None:
    assert canonical_json({"client_name": "Übersicht"}) == '{"client_name":"Übersicht"}'.encode()


@pytest.mark.parametrize(
    ("ref", "key"),
    [
        ({"name": "main"}, Key("ClusterOAuthProvider", "", "main")),
        ({"kind": "OAuthProvider", "name": "own"}, Key("OAuthProvider", "team-a", "own")),
    ],
)
def test_the_provider_is_found_by_kind(ref: JsonObject, key: Key) -> None:
    assert wish(providerRef=ref).provider == key


def test_the_secret_is_named_after_the_resource_unless_told_otherwise() -> None:
    assert wish().secret.name == "dashboard"
    assert wish(secret={"name": "other"}).secret.name == "other"


@pytest.mark.parametrize(("policy", "retain"), [("Delete", False), ("Retain", True)])
def test_a_resource_that_is_being_deleted_is_unwanted(policy: str, *, retain: bool) -> None:
    body = document(deletionPolicy=policy)
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert desired_client(parse_oauth_client(body)) == Unwanted(retain=retain)


@pytest.mark.parametrize(
    ("rotation", "minutes"),
    [({}, 5), ({"rotation": {"overlap": "1m"}}, 5), ({"rotation": {"overlap": "2h"}}, 120)],
)
def test_a_registration_that_was_replaced_stays_for_five_minutes_at_least(
    rotation: JsonObject, minutes: int
) -> None:
    assert wish(**rotation).overlap == timedelta(minutes=minutes)
