import json
from typing import Any

import pytest
from pydantic import JsonValue

from dcr_protocol.response_errors import (
    MalformedResponse,
    NotSupported,
    ProtocolResponseError,
    RateLimited,
    RequestRefused,
    ServerUnavailable,
    TokenRejected,
)
from dcr_protocol.server_metadata import (
    IDEMPOTENCY_SUPPORTED,
    MEMBERS_WITH_DEFAULT,
    SECRET_ROTATION_SUPPORTED,
    AuthorizationServerMetadata,
    discovery_document,
    discovery_urls,
    openid_configuration_document,
    parse_server_metadata,
)

ISSUER = "https://as.example"
COMPLETE: dict[str, Any] = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/token",
    "registration_endpoint": f"{ISSUER}/connect/register",
    "grant_types_supported": ("client_credentials",),
    "token_endpoint_auth_methods_supported": ("client_secret_basic",),
    "response_modes_supported": ("query",),
    "response_types_supported": ("code",),
}


def metadata(**changes: Any) -> AuthorizationServerMetadata:  # noqa: ANN401 - any member
    return AuthorizationServerMetadata(**(COMPLETE | changes))


def read(issuer: str = ISSUER, **members: JsonValue) -> AuthorizationServerMetadata:
    body = json.dumps({"issuer": ISSUER, **members}).encode()
    return parse_server_metadata(issuer, 200, body)


@pytest.mark.parametrize(
    ("issuer", "openid", "oauth"),
    [
        (
            "https://as.example",
            "https://as.example/.well-known/openid-configuration",
            "https://as.example/.well-known/oauth-authorization-server",
        ),
        (
            "https://as.example/",
            "https://as.example/.well-known/openid-configuration",
            "https://as.example/.well-known/oauth-authorization-server",
        ),
        (
            "https://as.example:8443/realms/R",
            "https://as.example:8443/realms/R/.well-known/openid-configuration",
            "https://as.example:8443/.well-known/oauth-authorization-server/realms/R",
        ),
        (
            "http://AS.example/t/",
            "http://AS.example/t/.well-known/openid-configuration",
            "http://AS.example/.well-known/oauth-authorization-server/t",
        ),
    ],
)
def test_s181_openid_is_appended_and_rfc_8414_is_inserted(
    issuer: str, openid: str, oauth: str
) -> None:
    assert discovery_urls(issuer) == (openid, oauth)


@pytest.mark.parametrize("issuer", ["", "as.example", "https://a?x=1", "https://a#f", "https:///"])
def test_an_issuer_that_is_no_url_is_refused(issuer: str) -> None:
    with pytest.raises(ValueError, match="an issuer is an absolute URL"):
        discovery_urls(issuer)


def test_what_the_server_publishes_is_what_the_client_reads() -> None:
    published = metadata(registration_idempotency_supported=True)
    body = json.dumps(discovery_document(published)).encode()
    assert parse_server_metadata(ISSUER, 200, body) == published


def test_s183_the_document_says_what_has_a_default() -> None:
    for member in MEMBERS_WITH_DEFAULT:
        with pytest.raises(ValueError, match=f"discovery needs {member}"):
            discovery_document(metadata(**{member: None}))


def test_s184_algorithms_are_published_with_the_jwt_methods() -> None:
    methods = ("private_key_jwt",)
    with pytest.raises(ValueError, match="auth_signing_alg_values_supported"):
        discovery_document(metadata(token_endpoint_auth_methods_supported=methods))
    with pytest.raises(ValueError, match="must not hold none"):
        discovery_document(
            metadata(token_endpoint_auth_signing_alg_values_supported=("ES256", "none"))
        )
    complete = metadata(
        token_endpoint_auth_methods_supported=methods,
        token_endpoint_auth_signing_alg_values_supported=("ES256",),
    )
    assert discovery_document(complete)["token_endpoint_auth_methods_supported"] == [*methods]


def test_s185_openid_requires_what_the_other_document_does_not() -> None:
    assert openid_configuration_document(metadata()) == discovery_document(metadata()) | {
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def test_s185_rs256_is_among_the_algorithms_of_id_tokens() -> None:
    only_es256 = metadata(id_token_signing_alg_values_supported=("ES256",))
    assert discovery_document(only_es256)["id_token_signing_alg_values_supported"] == ["ES256"]
    with pytest.raises(ValueError, match="must hold RS256"):
        openid_configuration_document(only_es256)


def test_the_document_has_no_null() -> None:
    assert None not in openid_configuration_document(metadata()).values()


@pytest.mark.parametrize(
    "issuer",
    [
        "https://as.example/",
        "https://AS.example",
        "https://as.example:443",
        "http://as.example",
        "https://other.example",
    ],
)
def test_s182_another_issuer_is_refused_even_if_it_looks_the_same(issuer: str) -> None:
    with pytest.raises(MalformedResponse, match="names the issuer"):
        read(issuer)


@pytest.mark.parametrize("issuer", [None, 1, ["https://as.example"]])
def test_c001_a_document_without_issuer_is_refused(issuer: JsonValue) -> None:
    body = json.dumps({"issuer": issuer, "registration_endpoint": ISSUER}).encode()
    with pytest.raises(MalformedResponse, match="names no issuer"):
        parse_server_metadata(ISSUER, 200, body)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]"])
def test_a_document_that_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponse, match="not a JSON object"):
        parse_server_metadata(ISSUER, 200, body)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NotSupported),
        (405, NotSupported),
        (401, TokenRejected),
        (403, RequestRefused),
        (429, RateLimited),
        (500, ServerUnavailable),
        (301, MalformedResponse),
        (204, MalformedResponse),
    ],
)
def test_c001_what_is_no_document_is_told_apart(
    status: int, error: type[ProtocolResponseError]
) -> None:
    with pytest.raises(error) as caught:
        parse_server_metadata(ISSUER, status, b"", {"Retry-After": "5"})
    assert caught.value.retry_after == 5


def test_members_of_a_wrong_type_are_left_out() -> None:
    found = read(
        registration_endpoint="https://as.example/register",
        scopes_supported="openid",
        grant_types_supported=["a", 1],
        token_endpoint=7,
        registration_idempotency_supported="yes",
        mtls_endpoint_aliases=[],
        unknown={"x": 1},
    )
    assert found == AuthorizationServerMetadata(
        issuer=ISSUER, registration_endpoint="https://as.example/register"
    )


def test_our_extensions_are_members_of_the_model() -> None:
    members = AuthorizationServerMetadata.model_fields
    assert {IDEMPOTENCY_SUPPORTED, SECRET_ROTATION_SUPPORTED} <= members.keys()
