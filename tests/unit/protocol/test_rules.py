import pytest
from pydantic import JsonValue

from dcr_protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from dcr_protocol.rules import MetadataRules
from dcr_protocol.vocabulary import CIBA
from tests.unit.protocol.registration_requests import (
    PUBLIC_JWKS,
    checked,
    machine_client,
    native_client,
    web_client,
)

Document = dict[str, JsonValue]


def refused(document: Document, description: str) -> None:
    with pytest.raises(InvalidClientMetadata, match=description):
        checked(document)


def accepted(document: Document) -> None:
    assert document.items() <= checked(document).to_wire().items()


def test_s022_defaults_are_provisioned_and_answered() -> None:
    sent: Document = {"redirect_uris": ["https://a.example/cb"]}
    assert checked(sent).to_wire() == sent | {
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "application_type": "web",
    }


def test_s022_what_was_sent_is_not_replaced() -> None:
    assert checked(web_client()).to_wire() == web_client()


def test_s022_content_encryption_has_a_default() -> None:
    sent = web_client(id_token_encrypted_response_alg="dir")
    assert checked(sent).id_token_encrypted_response_enc == "A128CBC-HS256"
    accepted(sent | {"id_token_encrypted_response_enc": "A256GCM"})


def test_s028_the_order_of_array_members_is_kept() -> None:
    accepted(web_client(grant_types=["refresh_token", "authorization_code"], scope="b a"))


@pytest.mark.parametrize("scope", ["openid", "a b", "https://a.example/read x:y", "!#[]~"])
def test_a_scope_of_single_values_is_accepted(scope: str) -> None:
    accepted(web_client(scope=scope))


@pytest.mark.parametrize("scope", [" ", "a  b", " a", "a ", 'a"b', "a\\b", "ä"])
def test_a_scope_outside_its_syntax_is_refused(scope: str) -> None:
    refused(web_client(scope=scope), "scope must hold values")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("application_type", "browser"),
        ("application_type", "service"),
        ("subject_type", "private"),
        ("backchannel_token_delivery_mode", "pull"),
    ],
)
def test_a_word_that_decides_about_rules_must_be_known(member: str, value: str) -> None:
    refused(web_client(**{member: value}), f"{member} must be")


@pytest.mark.parametrize("nothing", [{"redirect_uris": []}, {"redirect_uris": None}])
@pytest.mark.parametrize(
    "flow",
    [
        {},
        {"grant_types": ["implicit"], "response_types": ["token"]},
        {"grant_types": ["authorization_code", "client_credentials"]},
    ],
)
def test_s040_a_redirect_flow_needs_a_redirect_uri(nothing: Document, flow: Document) -> None:
    with pytest.raises(InvalidRedirectUri, match="is needed"):
        checked(flow | nothing)


def test_s045_every_uri_must_fit_the_application_type() -> None:
    with pytest.raises(InvalidRedirectUri, match=r"redirect_uris\[1\] must use http only on"):
        checked(native_client("com.example.app:/cb", "http://a.example/cb"))


@pytest.mark.parametrize(
    "uri",
    [
        "https://a.example",
        "https://a.example/",
        "HTTPS://A.Example:443/CB/?B=%c3%BC&a=1",
        "https://a.example//double//",
    ],
)
def test_s048_a_redirect_uri_is_stored_byte_for_byte(uri: str) -> None:
    assert checked(web_client(redirect_uris=[uri])).redirect_uris == (uri,)


def test_s050_a_native_client_may_have_a_secret_of_its_own() -> None:
    sent = native_client("com.example.app:/cb") | {"token_endpoint_auth_method": None}
    assert checked(sent).token_endpoint_auth_method == "client_secret_basic"


@pytest.mark.parametrize("redirects", [{}, {"redirect_uris": []}])
def test_s052_a_client_without_redirect_flow_needs_no_redirect_uri(redirects: Document) -> None:
    accepted(machine_client(**redirects))


def test_s044_and_s046_the_switches_of_a_server_reach_the_uris() -> None:
    rules = MetadataRules(allow_http_redirect_uris=True, allow_schemes_without_dot=True)
    for document in (
        web_client(redirect_uris=["http://a.example/cb"]),
        native_client("cursor://cb"),
    ):
        assert checked(document, rules).redirect_uris is not None
        with pytest.raises(InvalidRedirectUri):
            checked(document)


def test_s044_hybrid_flows_count_as_implicit() -> None:
    hybrid = web_client(
        grant_types=["authorization_code", "implicit"],
        response_types=["code id_token"],
        redirect_uris=["http://localhost/cb"],
    )
    with pytest.raises(InvalidRedirectUri, match="tokens travel"):
        checked(hybrid)


def test_s071_a_software_statement_that_is_not_processed_is_dropped() -> None:
    sent = web_client(software_statement="a.b.c")
    assert checked(sent).software_statement is None
    assert checked(sent, MetadataRules(keep_software_statement=True)).software_statement == "a.b.c"


def test_backchannel_authentication_needs_its_members() -> None:
    ciba = machine_client(grant_types=[CIBA])
    endpoint = "https://a.example/notify"
    refused(ciba, "needs backchannel_token_delivery_mode")
    accepted(ciba | {"backchannel_token_delivery_mode": "poll"})
    for mode in ("ping", "push"):
        wanted: Document = ciba | {"backchannel_token_delivery_mode": mode}
        refused(wanted, f"{mode} needs backchannel_client_notification_endpoint")
        accepted(wanted | {"backchannel_client_notification_endpoint": endpoint})


@pytest.mark.parametrize(
    ("members", "description"),
    [
        ({"id_token_encrypted_response_enc": "A128GCM"}, "needs id_token_encrypted"),
        ({"userinfo_encrypted_response_enc": "A128GCM"}, "needs userinfo_encrypted"),
        ({"request_object_encryption_enc": "A128GCM"}, "needs request_object_encryption_alg"),
        ({"authorization_encrypted_response_enc": "A128GCM"}, "needs authorization"),
        ({"introspection_encrypted_response_enc": "A128GCM"}, "needs introspection"),
        ({"token_endpoint_auth_signing_alg": "none"}, "must not be none"),
        ({"authorization_signed_response_alg": "none"}, "must not be none"),
        ({"introspection_signed_response_alg": "none"}, "must not be none"),
        ({"backchannel_authentication_request_signing_alg": "none"}, "must not be none"),
        ({"backchannel_authentication_request_signing_alg": "HS256"}, "must be asymmetric"),
        (
            {"request_object_signing_alg": "none", "require_signed_request_object": True},
            "require_signed_request_object",
        ),
        (
            {
                "token_endpoint_auth_method": "client_secret_jwt",
                "token_endpoint_auth_signing_alg": "ES256",
            },
            "needs an HS algorithm",
        ),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": "HS256",
                "jwks": PUBLIC_JWKS,
            },
            "needs an asymmetric algorithm",
        ),
        (
            {
                "id_token_signed_response_alg": "none",
                "grant_types": ["authorization_code", "implicit"],
                "response_types": ["code id_token"],
            },
            "id_token_signed_response_alg must not be none",
        ),
    ],
)
def test_algorithms_that_contradict_are_refused(members: Document, description: str) -> None:
    refused(web_client(**members), description)


@pytest.mark.parametrize(
    "members",
    [
        {"id_token_signed_response_alg": "none"},
        {"userinfo_signed_response_alg": "none"},
        {"request_object_signing_alg": "none", "require_signed_request_object": False},
        {"token_endpoint_auth_signing_alg": "ES256"},
        {
            "token_endpoint_auth_method": "client_secret_jwt",
            "token_endpoint_auth_signing_alg": "HS256",
        },
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
            "jwks": PUBLIC_JWKS,
        },
    ],
)
def test_algorithms_that_fit_are_accepted(members: Document) -> None:
    accepted(web_client(**members))


SYMMETRIC: list[Document] = [
    {"id_token_signed_response_alg": "HS256"},
    {"userinfo_signed_response_alg": "HS384"},
    {"request_object_signing_alg": "HS512"},
    {"authorization_signed_response_alg": "HS256"},
    {"introspection_signed_response_alg": "HS256"},
    {"id_token_encrypted_response_alg": "dir"},
    {"userinfo_encrypted_response_alg": "A128KW"},
    {"request_object_encryption_alg": "A256GCMKW"},
]


@pytest.mark.parametrize("members", SYMMETRIC, ids=str)
def test_a_client_without_secret_has_no_symmetric_key(members: Document) -> None:
    # OIDC Core §10.1: symmetric signatures must not be used by public clients.
    accepted(web_client(**members))
    public: Document = {"token_endpoint_auth_method": "none"}
    keys: Document = {"token_endpoint_auth_method": "private_key_jwt", "jwks": PUBLIC_JWKS}
    for method in (public, keys):
        refused(web_client(**members, **method), "needs a client with a secret")


def test_a_client_without_secret_may_have_asymmetric_algorithms() -> None:
    algorithms: Document = {
        "id_token_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "none",
        "id_token_encrypted_response_alg": "ECDH-ES+A256KW",
        "request_object_encryption_alg": "RSA-OAEP",
        "jwks": PUBLIC_JWKS,
    }
    accepted(web_client(**algorithms, token_endpoint_auth_method="none"))
