from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcr_protocol.bearer import (
    AccessTokenError,
    challenge,
    insufficient_scope,
    invalid_token,
    parse_bearer,
)
from dcr_protocol.errors import RegistrationErrorCode


def refusal(*authorization: str, query: str = "") -> AccessTokenError:
    with pytest.raises(AccessTokenError) as caught:
        parse_bearer(authorization, query)
    return caught.value


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER   abc  ", "abc"),
        ("Bearer a-._~+/9==", "a-._~+/9=="),
        ("Bearer eyJh.eyJp.sig_-", "eyJh.eyJp.sig_-"),
    ],
)
def test_s005_a_token_is_read_from_the_header(header: str, token: str) -> None:
    secret = parse_bearer([header])
    assert secret.get_secret_value() == token
    assert token not in repr(secret)


@pytest.mark.parametrize(
    "authorization",
    [(), ("",), ("Bearer",), ("Bearer ",), ("Basic YTpi",), ("DPoP abc",), ("Bearerabc",)],
)
def test_s005_a_missing_token_is_401_with_a_bare_challenge(authorization: tuple[str, ...]) -> None:
    error = refusal(*authorization)
    assert (error.status, error.headers) == (401, {"WWW-Authenticate": "Bearer"})
    assert error.code is RegistrationErrorCode.INVALID_TOKEN


@pytest.mark.parametrize(
    ("authorization", "query"),
    [
        (("Bearer abc", "Bearer abc"), ""),
        (("Bearer abc", "Basic YTpi"), ""),
        (("Bearer abc, Bearer def",), ""),
        (("Bearer abc def",), ""),
        (("Bearer abc,def",), ""),
        (("Bearer abc",), "access_token=abc"),
    ],
)
def test_s005_a_token_sent_twice_is_400_invalid_request(
    authorization: tuple[str, ...], query: str
) -> None:
    error = refusal(*authorization, query=query)
    assert (error.status, error.code) == (400, RegistrationErrorCode.INVALID_REQUEST)
    assert error.headers["WWW-Authenticate"].startswith('Bearer error="invalid_request", ')


@pytest.mark.parametrize(
    "query",
    [
        "access_token=abc",
        "a=b&access_token=abc",
        "access%5Ftoken=abc",
        "access_token=",
        "x&access_token=1",
    ],
)
def test_s005_a_token_in_the_query_is_refused(query: str) -> None:
    assert refusal(query=query).status == 400


@pytest.mark.parametrize("query", ["", "a=b", "access_tokens=1", "a=access_token", "access_token"])
def test_s005_another_query_is_none_of_our_business(query: str) -> None:
    assert parse_bearer(["Bearer abc"], query).get_secret_value() == "abc"


@pytest.mark.parametrize("token", ["a=b", "ü", "a;b", '"abc"', "=", "a\x00"])
def test_s005_a_token_with_strange_characters_is_401_invalid_token(token: str) -> None:
    error = refusal(f"Bearer {token}")
    assert (error.status, error.code) == (401, RegistrationErrorCode.INVALID_TOKEN)
    assert token not in str(error)


def test_s101_an_unusable_token_is_401_with_the_code_in_the_challenge() -> None:
    error = invalid_token("the access token has expired")
    assert (error.status, error.to_document()["error"]) == (401, "invalid_token")
    assert error.headers["WWW-Authenticate"] == (
        'Bearer error="invalid_token", error_description="the access token has expired"'
    )


def test_s005_a_token_that_lacks_the_right_is_403() -> None:
    error = insufficient_scope("no")
    assert (error.status, error.to_document()["error"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in error.headers["WWW-Authenticate"]


def test_a_challenge_cannot_be_broken_out_of() -> None:
    value = challenge(RegistrationErrorCode.INVALID_TOKEN, 'a"b\\c\r\nX: ü')
    assert value == 'Bearer error="invalid_token", error_description="a?b?c??X: ?"'
    assert challenge() == "Bearer"


@given(st.lists(st.text(max_size=30), max_size=2), st.text(max_size=30))
@settings(deadline=None)
def test_any_header_is_a_token_or_refused(authorization: list[str], query: str) -> None:
    with suppress(AccessTokenError):
        assert parse_bearer(authorization, query).get_secret_value().isascii()
