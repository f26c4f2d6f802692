import pytest
from pydantic import JsonValue, ValidationError

from dcr_protocol.client_metadata import ClientMetadata, parse_client_metadata
from dcr_protocol.errors import InvalidClientMetadata, InvalidRedirectUri, ProtocolError
from dcr_protocol.vocabulary import (
    FORBIDDEN_IN_UPDATE,
    LOCALIZABLE_MEMBERS,
    READ_ONLY_MEMBERS,
    TLS_CLIENT_AUTH_MEMBERS,
    URI_MEMBERS,
)
from tests.unit.protocol.registration_requests import web_client


def test_what_was_sent_is_answered_in_one_order_without_null() -> None:
    sent = web_client(contacts=["a@example.com"], default_max_age=0, require_auth_time=False)
    wire = parse_client_metadata(sent).to_wire()
    assert wire == sent
    assert list(wire) == [name for name in ClientMetadata.model_fields if name in sent]


def test_s020_members_that_we_do_not_understand_are_dropped() -> None:
    sent = web_client(example_extension="x", owner=None, localized={"client_name#de": "x"})
    assert parse_client_metadata(sent).to_wire() == web_client()


@pytest.mark.parametrize("member", READ_ONLY_MEMBERS)
def test_s023_members_that_the_server_assigns_are_not_understood(member: str) -> None:
    assert parse_client_metadata(web_client(**{member: "mine"})).to_wire() == web_client()


@pytest.mark.parametrize("nothing", [None, ""])
def test_s026_null_and_the_empty_string_are_omissions(nothing: JsonValue) -> None:
    sent = dict.fromkeys(ClientMetadata.model_fields, nothing) | {"client_name#de": nothing}
    assert parse_client_metadata(sent).to_wire() == {}


def test_s026_an_empty_array_is_not_an_omission() -> None:
    sent = web_client(response_types=[], contacts=[])
    assert parse_client_metadata(sent).to_wire() == sent


@pytest.mark.parametrize(
    ("member", "value", "description"),
    [
        ("grant_types", "authorization_code", "grant_types: must be an array"),
        ("grant_types", {"a": "b"}, "grant_types: must be an array"),
        ("grant_types", [1], r"grant_types\[0\]: must be a string"),
        ("grant_types", ["authorization_code", None], r"grant_types\[1\]: must be a string"),
        ("contacts", [""], r"contacts\[0\]: must not be empty"),
        ("client_name", 1, "client_name: must be a string"),
        ("client_name", True, "client_name: must be a string"),
        ("client_name", ["a"], "client_name: must be a string"),
        ("client_name", "tab\there", "client_name: must not hold control characters"),
        ("client_name", "nul\x00", "client_name: must not hold control characters"),
        ("client_name", "\x85", "client_name: must not hold control characters"),
        ("client_name", "\ud800", "client_name: must not hold half"),
        ("client_name", "x" * 513, "client_name: String should have at most 512"),
        ("require_auth_time", "true", "require_auth_time: must be true or false"),
        ("require_auth_time", 1, "require_auth_time: must be true or false"),
        ("default_max_age", "60", "default_max_age: must be a whole number"),
        ("default_max_age", True, "default_max_age: must be a whole number"),
        ("default_max_age", 1.5, "default_max_age: must be a whole number"),
        ("default_max_age", -1, "default_max_age: Input should be greater"),
        ("default_max_age", 10**30, "default_max_age"),
        ("jwks", "{}", "jwks: must be an object"),
        ("jwks", [], "jwks: must be an object"),
        ("client_name#de", 1, "client_name#de: must be a string"),
        ("client_name#de", ["a"], "client_name#de: must be a string"),
    ],
)
def test_s027_a_value_of_a_wrong_type_is_invalid_client_metadata(
    member: str, value: JsonValue, description: str
) -> None:
    with pytest.raises(InvalidClientMetadata, match=description):
        parse_client_metadata(web_client(**{member: value}))


@pytest.mark.parametrize("value", ["https://a.example/cb", [1], [""], {}, True, [["https://a"]]])
def test_s027_redirect_uris_of_a_wrong_type_are_invalid_redirect_uri(value: JsonValue) -> None:
    with pytest.raises(InvalidRedirectUri, match="redirect_uris"):
        parse_client_metadata(web_client(redirect_uris=value))


@pytest.mark.parametrize("member", sorted(ClientMetadata.model_fields.keys() - {"localized"}))
def test_s027_no_member_takes_a_nested_array(member: str) -> None:
    with pytest.raises(ProtocolError, match=member):
        parse_client_metadata({member: [[["x"]]]})


def test_s174_the_number_of_redirect_uris_is_limited() -> None:
    uris: list[JsonValue] = [f"https://a.example/{number}" for number in range(101)]
    with pytest.raises(InvalidRedirectUri, match="at most 100"):
        parse_client_metadata(web_client(redirect_uris=uris))


def test_a_deep_key_set_is_refused_and_not_a_crash() -> None:
    deep: JsonValue = "x"
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(InvalidClientMetadata):
        parse_client_metadata({"jwks": {"keys": deep}})


@pytest.mark.parametrize("base", sorted(LOCALIZABLE_MEMBERS))
def test_s160_a_member_with_a_language_tag_is_kept_as_sent(base: str) -> None:
    sent: dict[str, JsonValue] = {f"{base}#ja-Jpan-JP": "https://a.example/jp", base: "https://a"}
    metadata = parse_client_metadata(sent)
    assert metadata.localized == {f"{base}#ja-Jpan-JP": "https://a.example/jp"}
    assert metadata.to_wire() == sent


def test_s160_languages_differ_by_more_than_case() -> None:
    with pytest.raises(InvalidClientMetadata, match="two values for the language DE"):
        parse_client_metadata({"client_name#de": "Ja", "client_name#DE": "Doch"})


@pytest.mark.parametrize(
    "name",
    [
        "scope#de",
        "redirect_uris#de",
        "unknown#de",
        "Client_Name#de",
        "client_name#",
        "client_name#d_e",
        "client_name#de#at",
        "client_name#waytoolongtag",
        "#de",
        "client_id#de",
    ],
)
def test_s162_a_tagged_member_of_unknown_base_or_tag_is_unknown(name: str) -> None:
    assert parse_client_metadata({name: "x"}).to_wire() == {}


def test_metadata_cannot_be_changed() -> None:
    metadata = parse_client_metadata(web_client())
    with pytest.raises(ValidationError):
        metadata.client_name = "other"  # type: ignore[misc]  # frozen is what is tested


def test_a_refusal_quotes_no_value() -> None:
    with pytest.raises(InvalidClientMetadata) as caught:
        parse_client_metadata({"jwks": "topsecret", "client_name": {"d": "topsecret"}})
    assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize(
    "members",
    [URI_MEMBERS, LOCALIZABLE_MEMBERS, TLS_CLIENT_AUTH_MEMBERS],
    ids=["uris", "localizable", "tls"],
)
def test_the_vocabulary_names_members_of_the_model(members: frozenset[str]) -> None:
    assert set(members) <= ClientMetadata.model_fields.keys()


def test_every_member_that_holds_uris_is_known_as_such() -> None:
    named = {
        name
        for name in ClientMetadata.model_fields
        if name.endswith(("_uri", "_uris", "_endpoint")) and "san" not in name
    }
    assert named == URI_MEMBERS


def test_the_model_has_no_member_that_the_server_assigns() -> None:
    assert ClientMetadata.model_fields.keys().isdisjoint(READ_ONLY_MEMBERS)
    assert frozenset(READ_ONLY_MEMBERS) > FORBIDDEN_IN_UPDATE


def test_every_member_has_a_description() -> None:
    assert [n for n, field in ClientMetadata.model_fields.items() if not field.description] == []


def test_s163_a_localized_name_is_no_longer_than_the_name() -> None:
    assert parse_client_metadata({"client_name#de": "n" * 512}).localized
    with pytest.raises(InvalidClientMetadata, match="client_name#de: longer than 512"):
        parse_client_metadata({"client_name#de": "n" * 513})
