"""Tokens are read strictly before anything about them is believed (RFC 7515, RFC 7519)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcr_protocol.json_document import JsonValue
from dcr_server.json_web_tokens import (
    CLOCK_SKEW,
    LONGEST_TOKEN,
    InvalidJwt,
    audiences,
    check_times,
    numeric_date,
    parse_jwt,
)
from tests.fakes.client_keys import base64url, client_key, to_json

NOW = 1_800_000_000
HEADER = base64url(to_json({"alg": "ES256"}))
CLAIMS = base64url(b'{"a":1}')
GOOD = f"{HEADER}.{CLAIMS}.AA"


def header_of(text: str) -> str:
    return f"{base64url(text.encode())}.{CLAIMS}.AA"


def claims_of(octets: bytes) -> str:
    return f"{HEADER}.{base64url(octets)}.AA"


def test_a_token_is_read_with_what_its_signature_covers() -> None:
    jwt = parse_jwt(client_key().sign({"sub": "x"}, {"typ": "application/AT+jwt", "kid": "k"}))
    assert (jwt.algorithm, jwt.kid, jwt.type) == ("ES256", "k", "at+jwt")
    assert jwt.claims == {"sub": "x"}
    assert jwt.signing_input.count(b".") == 1
    assert len(jwt.signature) == 64


@pytest.mark.parametrize(
    ("token", "why"),
    [
        pytest.param("", "three parts", id="nothing"),
        pytest.param(f"{HEADER}.{CLAIMS}", "three parts", id="two parts"),
        pytest.param(f"{GOOD}.AA", "three parts", id="four parts"),
        pytest.param(f"{GOOD}.AA.AA", "three parts", id="five parts, as an encrypted token"),
        pytest.param(f"{HEADER}.{CLAIMS}.é", "three parts", id="not ASCII"),
        pytest.param(f"{HEADER}.{CLAIMS}.AA==", "base64url", id="padding"),
        pytest.param(f"{HEADER}.{CLAIMS}.A", "base64url", id="an impossible length"),
        pytest.param(f"{HEADER}.{CLAIMS}.A+/A", "only form", id="base64, not base64url"),
        pytest.param(f"{HEADER}.{CLAIMS}.AB", "only form", id="another spelling of the same bits"),
        pytest.param(f"{HEADER}.{CLAIMS}.A A", "base64url", id="a blank"),
        pytest.param(f"{HEADER}.{CLAIMS}.AA\n", "base64url", id="a newline"),
        pytest.param(f"{GOOD}{'A' * LONGEST_TOKEN}", "longer than", id="too long"),
        pytest.param(header_of('{"alg":"ES256","alg":"none"}'), "repeats", id="alg twice"),
        pytest.param(header_of("[]"), "JSON object", id="a header that is an array"),
        pytest.param(header_of("{}"), "no alg", id="no alg"),
        pytest.param(header_of('{"alg":["ES256"]}'), "no alg", id="alg that is no string"),
        pytest.param(header_of('{"alg":null}'), "no alg", id="alg that is null"),
        pytest.param(header_of('{"alg":"ES256","crit":["exp"]}'), "crit", id="crit"),
        pytest.param(header_of('{"alg":"ES256","crit":[]}'), "crit", id="empty crit"),
        pytest.param(header_of('{"alg":"ES256","kid":1}'), "kid", id="kid that is no string"),
        pytest.param(header_of('{"alg":"ES256","typ":1}'), "typ", id="typ that is no string"),
        pytest.param(claims_of(b"{"), "claims: ", id="claims that are no JSON"),
        pytest.param(claims_of(b"1"), "claims: ", id="claims that are no object"),
        pytest.param(
            claims_of(b'{"a":1,"a":2}'),
            "claims: ",
            id="claim twice",
        ),
        pytest.param(claims_of(b"[" * 4000), "nested", id="nested claims"),
    ],
)
def test_what_parsers_disagree_about_is_refused(token: str, why: str) -> None:
    with pytest.raises(InvalidJwt, match=why):
        parse_jwt(token)


@pytest.mark.parametrize("value", ["1", True, None, [1], {}])
def test_a_numeric_date_is_a_number(value: JsonValue) -> None:
    assert numeric_date({}, "exp") is None
    assert numeric_date({"exp": 1.5}, "exp") == 1.5
    with pytest.raises(InvalidJwt, match="exp is not a number"):
        numeric_date({"exp": value}, "exp")


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        pytest.param({}, "no exp", id="no exp"),
        pytest.param({"exp": NOW - CLOCK_SKEW}, "expired", id="expired beyond the skew"),
        pytest.param({"exp": NOW + 661}, "ahead", id="too far ahead"),
        pytest.param({"exp": 10**30}, "ahead", id="as good as never"),
        pytest.param({"exp": NOW, "nbf": NOW + 61}, "nbf is in the future", id="not yet"),
        pytest.param({"exp": NOW, "iat": NOW + 61}, "iat is in the future", id="issued tomorrow"),
    ],
)
def test_times_that_are_not_now(claims: dict[str, JsonValue], why: str) -> None:
    with pytest.raises(InvalidJwt, match=why):
        check_times(claims, now=NOW, longest=600)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - CLOCK_SKEW + 1},
        {"exp": NOW + 660},
        {"exp": NOW + 60.5, "nbf": NOW + CLOCK_SKEW, "iat": NOW + CLOCK_SKEW},
        {"exp": NOW, "iat": 0},
    ],
)
def test_a_clock_may_be_wrong_by_the_skew(claims: dict[str, JsonValue]) -> None:
    assert check_times(claims, now=NOW, longest=600) == claims["exp"]


@pytest.mark.parametrize("claims", [{}, {"aud": []}, {"aud": None}, {"aud": ["a", 1]}])
def test_audiences_are_one_or_several(claims: dict[str, JsonValue]) -> None:
    assert audiences({"aud": "a"}) == ("a",)
    assert audiences({"aud": ["a", "b"]}) == ("a", "b")
    with pytest.raises(InvalidJwt, match="aud"):
        audiences(claims)


_PARTS = st.one_of(st.binary().map(base64url), st.just(HEADER), st.text())


@given(st.one_of(st.text(), st.tuples(_PARTS, _PARTS, _PARTS).map(".".join)))
def test_any_text_is_a_token_or_is_refused_in_order(text: str) -> None:
    with contextlib.suppress(InvalidJwt):
        assert parse_jwt(text).header["alg"] == "ES256"
