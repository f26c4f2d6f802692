"""Whatever a stranger sends is registered or refused with an error of the RFC."""

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from dcr_protocol.client_metadata import ClientMetadata, parse_client_metadata
from dcr_protocol.errors import InvalidClientMetadata, InvalidRedirectUri, ProtocolError
from dcr_protocol.rules import MetadataRules, check_client_metadata
from tests.unit.protocol.test_json_document import JSON_VALUES

NAMES = st.one_of(
    st.sampled_from(sorted(ClientMetadata.model_fields)),
    st.sampled_from(["client_name#de", "logo_uri#fr-CA", "scope#de", "client_id", "x", "#"]),
    st.text(max_size=5),
)
URIS = st.sampled_from(
    [
        "https://a.example/cb",
        "https://a.example",
        "https://b.example:8443/cb?x=1",
        "http://localhost:8080/cb",
        "http://[::1]/",
        "com.example.app:/cb",
        "https://a.example/#f",
        "javascript:alert(1)",
        "//a",
        "urn:x",
        "https://[",
        "https://a.example:99999/",
    ]
)
WORDS = st.sampled_from(
    [
        *("authorization_code", "implicit", "client_credentials", "refresh_token"),
        *("code", "token", "id_token", "code id_token", "none", "web", "native", "pairwise"),
        *("client_secret_basic", "private_key_jwt", "tls_client_auth", "RS256", "HS256"),
        *("urn:openid:params:grant-type:ciba", "poll", "ping", "RSA-OAEP", "openid profile"),
    ]
)
KEYS = st.dictionaries(
    st.sampled_from(["kty", "kid", "use", "n", "e", "x", "y", "crv", "d", "x5c"]),
    st.one_of(JSON_VALUES, st.sampled_from(["RSA", "EC", "OKP", "oct", "sig", "enc", "AQAB"])),
)
VALUES = st.one_of(
    JSON_VALUES,
    URIS,
    st.lists(URIS, max_size=3),
    WORDS,
    st.lists(WORDS, max_size=3),
    st.fixed_dictionaries({"keys": st.lists(KEYS, max_size=3)}),
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=8)
RULES = st.builds(MetadataRules, st.booleans(), st.booleans(), st.booleans())

FLOWS: st.SearchStrategy[dict[str, JsonValue]] = st.sampled_from(
    [
        {},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["refresh_token", "client_credentials"], "response_types": []},
        {"response_types": ["id_token code", "code"]},
        {"grant_types": ["implicit"], "response_types": ["token id_token"]},
        {"grant_types": ["authorization_code"], "response_types": ["none"]},
    ]
)
PLACES: st.SearchStrategy[dict[str, JsonValue]] = st.sampled_from(
    [
        {"redirect_uris": ["https://A.example:443/cb/%7e?x=%41", "https://b.example"]},
        {"redirect_uris": ["https://a.example/cb"], "application_type": "web"},
        {"redirect_uris": ["http://localhost:8080/cb"], "application_type": "native"},
        {"redirect_uris": ["com.example.app:/cb"], "application_type": "native"},
        {"redirect_uris": ["cursor://cb"], "application_type": "native"},
        {"redirect_uris": ["http://a.example/cb"], "post_logout_redirect_uris": []},
    ]
)
DETAILS = st.fixed_dictionaries(
    {},
    optional={
        "client_name": st.text(st.characters(categories=["L", "N", "Zs"]), min_size=1, max_size=20),
        "client_name#de": st.text(st.characters(categories=["L"]), min_size=1, max_size=20),
        "post_logout_redirect_uris": st.just(["https://a.example/bye"]),
        "token_endpoint_auth_method": WORDS,
        "subject_type": st.sampled_from(["public", "pairwise"]),
        "jwks": st.just({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}),
        "id_token_encrypted_response_alg": st.sampled_from(["RSA-OAEP", "dir"]),
        "backchannel_token_delivery_mode": st.just("poll"),
        "contacts": st.lists(WORDS, max_size=2),
        "software_statement": st.just("a.b.c"),
        "default_max_age": st.integers(0, 10**6),
        "require_auth_time": st.booleans(),
    },
)
MEMBERS_OF_A_CLIENT = st.builds(
    lambda *parts: parts[0] | parts[1] | parts[2], FLOWS, PLACES, DETAILS
)


@given(DOCUMENTS, RULES)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_object_is_registered_or_refused_by_the_protocol(
    document: dict[str, JsonValue], rules: MetadataRules
) -> None:
    with suppress(InvalidClientMetadata, InvalidRedirectUri):
        check_client_metadata(parse_client_metadata(document), rules)


@given(MEMBERS_OF_A_CLIENT, RULES)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_registered_can_be_sent_back_and_checked_again(
    document: dict[str, JsonValue], rules: MetadataRules
) -> None:
    try:
        parsed = parse_client_metadata(document)
        registered = check_client_metadata(parsed, rules)
    except ProtocolError:
        return
    assert parse_client_metadata(parsed.to_wire()) == parsed
    assert parse_client_metadata(registered.to_wire()) == registered
    assert check_client_metadata(registered, rules) == registered


@given(MEMBERS_OF_A_CLIENT)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_s048_what_is_registered_is_byte_for_byte_what_was_sent(
    document: dict[str, JsonValue],
) -> None:
    try:
        registered = check_client_metadata(parse_client_metadata(document)).to_wire()
    except ProtocolError:
        return
    document.pop("software_statement", None)  # not understood (S-071)
    for member, value in document.items():
        assert registered[member] == value
