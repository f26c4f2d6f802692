import base64
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from dcr_protocol.basic_credentials import format_basic_credentials, parse_basic_credentials
from dcr_protocol.errors import ProtocolError, RegistrationErrorCode


def basic(user_pass: bytes) -> str:
    return "Basic " + base64.b64encode(user_pass).decode()


@pytest.mark.parametrize(
    ("header", "client_id", "client_secret"),
    [
        (basic(b"s6BhdRkqt3:gX1fBat3bV"), "s6BhdRkqt3", "gX1fBat3bV"),
        ("basic  " + basic(b"a:b").partition(" ")[2], "a", "b"),
        (basic(b"a:b:c"), "a", "b:c"),
        (basic(b"a%3Ab:%C3%BC+x%25"), "a:b", "ü x%"),
        (basic(b"https%3A%2F%2Fa.example:x"), "https://a.example", "x"),
        (basic(b"a:"), "a", ""),
        (basic(b"a:100%"), "a", "100%"),
    ],
)
def test_both_parts_are_form_urlencoded(header: str, client_id: str, client_secret: str) -> None:
    found, secret = parse_basic_credentials(header)
    assert (found, secret.get_secret_value()) == (client_id, client_secret)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Bearer abc",
        "Basic !!!!",
        "Basic YTpi=YTpi",
        "Basic ü",
        basic(b"no separator"),
        basic(b":secret"),
        basic(b"a:\xff"),
        basic(b"a:%FF"),
    ],
)
def test_what_is_no_credentials_is_invalid_client(header: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_basic_credentials(header)
    assert caught.value.code is RegistrationErrorCode.INVALID_CLIENT
    assert caught.value.status == 401
    assert caught.value.headers["WWW-Authenticate"].startswith("Basic realm=")


@given(st.text(min_size=1).filter(lambda text: text.isprintable()), st.text())
@settings(deadline=None)
def test_what_is_sent_is_what_arrives(client_id: str, client_secret: str) -> None:
    secret = SecretStr("".join(c for c in client_secret if not "\ud800" <= c <= "\udfff"))
    header = format_basic_credentials(client_id, secret)
    found, received = parse_basic_credentials(header.get_secret_value())
    assert (found, received) == (client_id, secret)


@given(st.text(max_size=40))
@settings(deadline=None)
def test_any_header_is_credentials_or_refused(header: str) -> None:
    with suppress(ProtocolError):
        parse_basic_credentials("Basic " + header)


def test_the_header_shows_in_no_repr() -> None:
    header = format_basic_credentials("a", SecretStr("s3cret"))
    assert base64.b64encode(b"a:s3cret").decode() not in repr(header)
