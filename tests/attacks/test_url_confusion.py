"""A URL whose host depends on who reads it must not be fetched: another host would be checked."""

import ipaddress
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic_core import Url

from dcr_server.fetch_targets import FetchError, Target, parse_target

PIECES = st.sampled_from(
    [
        *(
            "https://",
            "HTTPS://",
            "http://",
            "//",
            "/",
            "\\",
            "@",
            ":",
            "?",
            "#",
            "[",
            "]",
            "%",
            ";",
        ),
        *(
            "a.example",
            "A.Example.",
            "evil.test",
            "localhost",
            "127.0.0.1",
            "::1",
            "1",
            "0x7f",
            "0",
        ),
        *("127", ".", "..", "443", "65536", "%2e", "%40", "%00", "。", "①", "ß", "xn--", "-", "_"),
        *(
            "\t",
            "\n",
            "\r",
            " ",
            "\x00",
            "\u00ad",
            "\u200d",
            "*",
            "'",
            '"',
            "<",
            "|",
            "^",
            "~",
            "$",
        ),
    ]
)
URLS = st.one_of(
    st.lists(PIECES, max_size=8).map("".join),
    st.lists(PIECES, max_size=6).map(lambda pieces: "https://" + "".join(pieces)),
    st.lists(PIECES, max_size=5).map(lambda pieces: "https://a.example" + "".join(pieces)),
    st.text(max_size=30).map(lambda text: f"https://{text}"),
)


def same_host(host: str | None, target: Target) -> bool:
    """Compare names without their case and the last dot, addresses by their value."""
    text = (host or "").strip("[]").lower().removesuffix(".")
    try:
        return ipaddress.ip_address(text) == ipaddress.ip_address(target.host)
    except ValueError:
        return text == target.host


@settings(max_examples=1000, deadline=None)
@given(url=URLS)
@example(url="https://a.example\\@evil.test/")
@example(url="https://a.example#@evil.test/")
@example(url="https://a.example&@evil.test# @b.test/")
@example(url="https://a.example:443:80/")
@example(url="https://[::ffff:127.0.0.1]/")
@example(url="https://a.example./")
@example(url="https://1.1.1.1./")
def test_s170_all_parsers_see_the_host_that_is_checked(url: str) -> None:
    try:
        target = parse_target(url)
    except FetchError:
        return
    assert url.lower().startswith("https://")
    assert same_host(urlsplit(url).hostname, target)
    assert (urlsplit(url).port or 443) == target.port
    # Its `host` shows names for people; this is what is resolved.
    assert same_host(httpx.URL(url).raw_host.decode("ascii"), target)
    # Refused there is as good as the same.
    try:
        strict = Url(url)
    except ValueError:
        return
    assert same_host(strict.host, target)
    assert strict.port == target.port


@pytest.mark.parametrize(
    "url", ["https://a.example/x", "https://[2a00::1]:8443/", "https://1.1.1.1"]
)
def test_what_is_fetched_is_read_alike_by_all(url: str) -> None:
    target = parse_target(url)
    assert same_host(urlsplit(url).hostname, target)
    assert same_host(httpx.URL(url).host, target)
    assert same_host(Url(url).host, target)
