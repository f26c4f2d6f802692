"""private_key_jwt: RFC 7523 §3, OpenID Connect Core §9 (S-190)."""

from collections.abc import Mapping

import pytest

from dcr_protocol.json_document import JsonValue
from dcr_server.client_assertions import (
    check_client_assertion,
    read_client_assertion,
    registered_keys,
    verify_client_assertion,
)
from dcr_server.json_web_tokens import InvalidJwt
from dcr_server.records import SingleUse
from tests.fakes.client_keys import assertion_claims, client_key

NOW = 1_800_000_000
ISSUER = "https://auth.test"
TOKEN_ENDPOINT = "https://auth.test/token"
KEY = client_key()
METADATA: Mapping[str, JsonValue] = {"jwks": KEY.jwks}


def signed(**claims: JsonValue) -> str:
    return KEY.sign(assertion_claims("client", ISSUER, NOW, **claims))


def check(
    text: str,
    metadata: Mapping[str, JsonValue] = METADATA,
    audiences: tuple[str, ...] = (ISSUER, TOKEN_ENDPOINT),
) -> SingleUse:
    assertion = read_client_assertion(text)
    assert assertion.client_id == "client"
    use = check_client_assertion(assertion, metadata, accepted_audiences=audiences, now=NOW)
    verify_client_assertion(assertion, metadata, registered_keys(metadata))
    return use


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({}, id="the issuer as audience"),
        pytest.param({"aud": TOKEN_ENDPOINT}, id="the token endpoint as audience"),
        pytest.param({"aud": [ISSUER]}, id="an array of one"),
        pytest.param({"aud": [ISSUER, TOKEN_ENDPOINT]}, id="an array of names that are all ours"),
        pytest.param({"exp": NOW + 3660, "nbf": NOW + 60, "iat": None}, id="a clock that is fast"),
        pytest.param({"exp": NOW - 59, "iat": NOW - 119}, id="a clock that is slow"),
    ],
)
def test_s190_what_rfc_7523_asks_for_is_accepted(claims: dict[str, JsonValue]) -> None:
    check(signed(**claims))


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        pytest.param({"iss": "other"}, "iss and sub", id="made by another"),
        pytest.param({"sub": "other"}, "iss and sub", id="about another"),
        pytest.param({"iss": None, "sub": None}, "iss and sub", id="about nobody"),
        pytest.param({"iss": "", "sub": ""}, "iss and sub", id="about the empty name"),
        pytest.param({"aud": None}, "aud", id="for nobody"),
        pytest.param({"aud": "https://other.test"}, "aud", id="for another server"),
        pytest.param({"aud": [ISSUER, "https://other.test"]}, "aud", id="for another server too"),
        pytest.param({"aud": f"{ISSUER}/"}, "aud", id="a trailing slash"),
        pytest.param({"aud": "client"}, "aud", id="for itself, as an ID Token"),
        pytest.param({"exp": None}, "no exp", id="for ever"),
        pytest.param({"exp": NOW - 60}, "expired", id="over"),
        pytest.param({"exp": NOW + 3661}, "ahead", id="for too long"),
        pytest.param({"nbf": NOW + 61}, "nbf", id="not yet"),
        pytest.param({"iat": NOW + 61}, "iat", id="from the future"),
        pytest.param({"jti": None}, "no jti", id="without jti"),
        pytest.param({"jti": ""}, "no jti", id="with an empty jti"),
        pytest.param({"jti": 1}, "no jti", id="a jti that is no string"),
    ],
)
def test_s190_each_claim_must_be_right(claims: dict[str, JsonValue], why: str) -> None:
    with pytest.raises(InvalidJwt, match=why):
        check(signed(**claims))


@pytest.mark.parametrize("kind", ["at+jwt", "application/at+jwt", "dpop+jwt", "logout+jwt"])
def test_a_token_for_another_purpose_is_none(kind: str) -> None:
    claims = assertion_claims("client", ISSUER, NOW)
    for typ in ("JWT", "jwt", "client-authentication+jwt"):
        check(KEY.sign(claims, {"typ": typ}))
    with pytest.raises(InvalidJwt, match="typ"):
        check(KEY.sign(claims, {"typ": kind}))


def test_the_registered_algorithm_is_the_only_one() -> None:
    check(signed(), {**METADATA, "token_endpoint_auth_signing_alg": "ES256"})
    with pytest.raises(InvalidJwt, match="alg"):
        check(signed(), {**METADATA, "token_endpoint_auth_signing_alg": "PS256"})


def test_the_audience_may_be_narrowed_to_the_issuer() -> None:
    check(signed(), audiences=(ISSUER,))
    with pytest.raises(InvalidJwt, match="aud"):
        check(signed(aud=TOKEN_ENDPOINT), audiences=(ISSUER,))


@pytest.mark.parametrize("metadata", [{}, {"jwks": {}}, {"jwks": {"keys": []}}, {"jwks": "x"}])
def test_without_a_registered_key_nothing_verifies(metadata: dict[str, JsonValue]) -> None:
    with pytest.raises(InvalidJwt, match="no key fits"):
        check(signed(), metadata)


def test_an_assertion_is_single_until_it_cannot_be_used_any_more() -> None:
    use = check(signed(exp=NOW + 10.5))
    assert use.expires_at == NOW + 11 + 60
    assert use.hash == check(signed()).hash
    assert use.hash != check(signed(jti="twice")).hash
