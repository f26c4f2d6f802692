"""Redirection URIs that only look as if a policy's pattern admitted them.

Each must be refused with invalid_redirect_uri: whoever gets one registered receives the codes of
somebody else's users.
"""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import Url

from dcr_protocol.errors import InvalidRedirectUri
from dcr_protocol.uri_patterns import parse_uri_pattern
from dcr_server.admission import checked_metadata
from dcr_server.policies import Policy

SITE = "https://*.example.com/cb"
BELOW = "https://app.example.com/cb/*"
ANYWHERE_BELOW = "https://*.example.com/*"
LOOPBACK = "http://127.0.0.1:*/cb"
NATIVE = "com.example.app:/*"

ATTACKS = {
    # Names that end or begin alike.
    "another name that ends alike": (SITE, "https://evil-example.com/cb"),
    "the name as the beginning of another": (SITE, "https://shop.example.com.evil.com/cb"),
    "the bare name": (SITE, "https://example.com/cb"),
    "the name in the path": (SITE, "https://evil.com/shop.example.com/cb"),
    "the name in the query": (SITE, "https://evil.com/cb?shop.example.com/cb"),
    "another top-level domain": (SITE, "https://shop.example.co/cb"),
    # The place of the asterisk.
    "several labels": (SITE, "https://a.b.example.com/cb"),
    "no label": (SITE, "https://.example.com/cb"),
    "two dots": (SITE, "https://shop..example.com/cb"),
    "the asterisk itself": (SITE, "https://*.example.com/cb"),
    "an encoded dot in the label": (SITE, "https://a%2eb.example.com/cb"),
    "an encoded slash in the label": (SITE, "https://evil.com%2f.example.com/cb"),
    "an encoded letter": (SITE, "https://shop.ex%61mple.com/cb"),
    "a dot after the name": (SITE, "https://shop.example.com./cb"),
    "a dot after the name, with a port": (ANYWHERE_BELOW, "https://shop.example.com.:443/cb"),
    "a label too long for any name": (SITE, f"https://{'a' * 64}.example.com/cb"),
    "a comma in the label": (SITE, "https://evil.com,.example.com/cb"),
    "a semicolon in the label": (SITE, "https://evil.com;.example.com/cb"),
    # User information.
    "the name as user": (SITE, "https://shop.example.com@evil.com/cb"),
    "the name as user and password": (SITE, "https://shop.example.com:x@evil.com/cb"),
    "a user": (SITE, "https://me@shop.example.com/cb"),
    "an empty user": (SITE, "https://@shop.example.com/cb"),
    "two users": (SITE, "https://a@b@shop.example.com/cb"),
    "an encoded at": (SITE, "https://shop.example.com%40evil.com/cb"),
    # Ports.
    "an empty port": (SITE, "https://shop.example.com:/cb"),
    "the default port, written": (SITE, "https://shop.example.com:443/cb"),
    "another port": (SITE, "https://shop.example.com:8443/cb"),
    "a port out of range": (LOOPBACK, "http://127.0.0.1:65536/cb"),
    "a port far out of range": (LOOPBACK, "http://127.0.0.1:4294967376/cb"),
    "zeros before a port": (LOOPBACK, "http://127.0.0.1:08080/cb"),
    "an empty port where any may be": (LOOPBACK, "http://127.0.0.1:/cb"),
    "a negative port": (LOOPBACK, "http://127.0.0.1:-1/cb"),
    "digits of another script": (LOOPBACK, "http://127.0.0.1:\u0668\u0660/cb"),
    "a user in the place of a port": (LOOPBACK, "http://127.0.0.1:80@evil.com/cb"),
    # Addresses written in other ways.
    "another loopback address": (LOOPBACK, "http://127.0.0.2:80/cb"),
    "a decimal address": (LOOPBACK, "http://2130706433:80/cb"),
    "a short address": (LOOPBACK, "http://127.1:80/cb"),
    "an octal address": (LOOPBACK, "http://0177.0.0.1:80/cb"),
    "a mapped address": (LOOPBACK, "http://[::ffff:127.0.0.1]:80/cb"),
    "a name for the address": (LOOPBACK, "http://localhost:80/cb"),
    "an IPv6 zone": ("http://[::1]:*/cb", "http://[::1%25lo]:80/cb"),
    "an IPv6 zone, not encoded": ("http://[::1]:*/cb", "http://[::1%lo]:80/cb"),
    "an IPv6 address, written out": ("http://[::1]:*/cb", "http://[0:0:0:0:0:0:0:1]:80/cb"),
    "an IPv6 address without brackets": ("http://[::1]:*/cb", "http://::1:80/cb"),
    "an address of the future": ("https://*/cb", "https://[v1.evil]/cb"),
    # Characters that are not what they seem.
    "a letter of another script": (SITE, "https://shop.ex\u0430mple.com/cb"),
    "a full-width letter": (SITE, "https://shop.\uff45xample.com/cb"),
    "a full-width dot": (SITE, "https://shop.example\uff0ecom/cb"),
    "an ideographic dot": (SITE, "https://evil.com\u3002shop.example.com/cb"),
    "a half-width ideographic dot": (SITE, "https://a\uff61b.example.com/cb"),
    "a full-width slash": (SITE, "https://evil.com\uff0f.example.com/cb"),
    "a fraction slash": (SITE, "https://evil.com\u2044.example.com/cb"),
    "a question mark in a ligature": (SITE, "https://evil.com\u2048.example.com/cb"),
    "account of, which holds a slash": (SITE, "https://evil.c\u2100.example.com/cb"),
    "a full-width at": (SITE, "https://shop.example.com\uff20evil.com/cb"),
    "a soft hyphen": (SITE, "https://sh\u00adop.example.com/cb"),
    "a zero-width joiner": (SITE, "https://shop.example.com\u200d/cb"),
    "a name in another script": (SITE, "https://m\u00fcnchen.example.com/cb"),
    "the punycode of a look-alike": (SITE, "https://shop.xn--xample-2of.com/cb"),
    "a Kelvin sign": ("https://*.kiosk.example/cb", "https://a.\u212aiosk.example/cb"),
    # Slashes and what browsers take for them.
    "a backslash for the slash": (SITE, "https://evil.com\\.example.com/cb"),
    "backslashes for the slashes": (SITE, "https:\\\\shop.example.com\\cb"),
    "a backslash before the at": (SITE, "https://evil.com\\@shop.example.com/cb"),
    "no slashes": (SITE, "https:shop.example.com/cb"),
    "one slash": (SITE, "https:/shop.example.com/cb"),
    "three slashes": (SITE, "https:///shop.example.com/cb"),
    "no scheme": (SITE, "//shop.example.com/cb"),
    "no host": ("https://*/cb", "https:///cb"),
    "another scheme": (SITE, "http://shop.example.com/cb"),
    "a scheme that begins alike": (SITE, "httpsx://shop.example.com/cb"),
    "a scheme in front": (SITE, "view-source:https://shop.example.com/cb"),
    "a scheme that runs": ("*", "javascript://shop.example.com/%0aalert(1)"),
    # White space, which browsers drop.
    "a tab": (SITE, "https://shop.example.com\t/cb"),
    "a newline in the scheme": (SITE, "htt\nps://shop.example.com/cb"),
    "a newline at the end": (SITE, "https://shop.example.com/cb\n"),
    "a carriage return in the name": (SITE, "https://evil.com/\r.example.com/cb"),
    "a space in front": (SITE, " https://shop.example.com/cb"),
    "a null": (SITE, "https://evil.com\0.example.com/cb"),
    # Ways out of a path.
    "dot segments": (BELOW, "https://app.example.com/cb/../admin"),
    "dot segments at the end": (BELOW, "https://app.example.com/cb/.."),
    "encoded dots": (BELOW, "https://app.example.com/cb/%2e%2e/admin"),
    "one encoded dot": (BELOW, "https://app.example.com/cb/.%2E/admin"),
    "an encoded slash": (BELOW, "https://app.example.com/cb/..%2fadmin"),
    "encoded dots and slash": (BELOW, "https://app.example.com/cb/%2e%2e%2Fadmin"),
    "an encoded backslash": (BELOW, "https://app.example.com/cb/..%5cadmin"),
    "a backslash": (BELOW, "https://app.example.com/cb/..\\admin"),
    "dot segments with a parameter": (BELOW, "https://app.example.com/cb/..;/admin"),
    "another path that begins alike": (BELOW, "https://app.example.com/cbevil"),
    "the path without its slash": (BELOW, "https://app.example.com/cb"),
    "the path in other letters": (BELOW, "https://app.example.com/CB/x"),
    "the path after two slashes": (BELOW, "https://app.example.com//cb/x"),
    "more after the path": (SITE, "https://shop.example.com/cb/evil"),
    "a broken escape": (BELOW, "https://app.example.com/cb/%2"),
    # Query and fragment.
    "a query": (SITE, "https://shop.example.com/cb?next=evil"),
    "an empty query": (SITE, "https://shop.example.com/cb?"),
    "a fragment": (BELOW, "https://app.example.com/cb/x#evil"),
    "an empty fragment": (BELOW, "https://app.example.com/cb/#"),
    "a query in the place of the path": (BELOW, "https://app.example.com?/cb/"),
    # Schemes of applications.
    "a host in the place of the path": (NATIVE, "com.example.app://evil/cb"),
    "an empty host": (NATIVE, "com.example.app:///cb"),
    "a scheme that ends alike": (NATIVE, "evil.com.example.app:/cb"),
    "a scheme with more": (NATIVE, "com.example.app.evil:/cb"),
    "a path without a slash": (NATIVE, "com.example.app:cb"),
}


@pytest.mark.parametrize(("pattern", "uri"), ATTACKS.values(), ids=ATTACKS.keys())
def test_s042_s048_the_redirection_uri_is_refused(pattern: str, uri: str) -> None:
    policy = Policy(
        grant_types=("authorization_code",),
        response_types=("code",),
        token_endpoint_auth_methods=("none",),
        redirect_uris=(pattern,),
        allow_http_redirect_uris=True,
        allow_schemes_without_dot=True,
    )
    native = pattern in {LOOPBACK, NATIVE} or "[" in pattern
    with pytest.raises(InvalidRedirectUri):
        checked_metadata(
            {
                "redirect_uris": [uri],
                "token_endpoint_auth_method": "none",
                "application_type": "native" if native else "web",
            },
            policy,
        )
    # The rules alone refuse some of them; the pattern must not need that.
    assert pattern == "*" or not parse_uri_pattern(pattern).matches(uri)


def test_the_patterns_under_attack_admit_what_they_are_for() -> None:
    for pattern, uri in (
        (SITE, "https://shop.example.com/cb"),
        (BELOW, "https://app.example.com/cb/a/b?c=d"),
        (ANYWHERE_BELOW, "https://shop.example.com/"),
        (LOOPBACK, "http://127.0.0.1:49152/cb"),
        ("http://[::1]:*/cb", "http://[::1]:49152/cb"),
        (NATIVE, "com.example.app:/cb"),
    ):
        assert parse_uri_pattern(pattern).matches(uri)


# What a URI is made of, and what is used to make one look like another.
PIECES = st.sampled_from(
    [
        *(
            "https:",
            "http:",
            "//",
            "/",
            "\\",
            "@",
            ":",
            "?",
            "#",
            ".",
            "..",
            ";",
            "%",
            "*",
            ",",
            "_",
        ),
        *(
            "example.com",
            ".example.com",
            "evil.com",
            "shop",
            "EXAMPLE",
            "xn--",
            "[::1]",
            "127.0.0.1",
        ),
        *("%2e", "%2f", "%5c", "%40", "%00", "%c2", ":443", ":0", ":80", "0x7f", "1"),
        *("\t", "\n", "\r", " ", "\0", "\u3002", "\uff0e", "\uff0f", "\u00ad", "\u0430", "\u2100"),
    ]
)
HOSTS = ("*.example.com", "example.com", "127.0.0.1", "[::1]")
BOUND_PATTERNS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http"]),
    st.sampled_from(HOSTS),
    st.sampled_from(["", ":8443", ":443", ":*"]),
    st.sampled_from(["/cb", "/*", "/cb/*"]),
)


def _changed(pattern: str, changes: list[tuple[int, int, str]]) -> str:
    """Begin with what the pattern admits, and put pieces into it."""
    uri = pattern.replace("*.", "shop.", 1).replace(":*", ":8080").replace("/*", "/a/b?c=d")
    for position, length, piece in changes:
        at = position % (len(uri) + 1)
        uri = uri[:at] + piece + uri[at + length :]
    return uri


CHANGES = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 3), PIECES), max_size=4)


@given(BOUND_PATTERNS, CHANGES)
@example("https://*.example.com/*", [(12, 0, "\\")])
@example("https://*.example.com/*", [(12, 0, "%2e")])
def test_s048_what_a_bound_pattern_admits_is_for_a_browser_where_the_pattern_says(
    pattern: str, changes: list[tuple[int, int, str]]
) -> None:
    uri = _changed(pattern, changes)
    if not parse_uri_pattern(pattern).matches(uri):
        return
    try:
        # An implementation of the WHATWG standard that browsers follow.
        seen = Url(uri)
    except ValidationError:
        return  # no browser goes anywhere
    scheme, _, rest = pattern.partition("://")
    authority, _, path = rest.partition("/")
    host = authority.removesuffix(":*").removesuffix(":8443").removesuffix(":443")
    assert seen.scheme == scheme
    assert _is_on(seen.host or "", host)
    assert (seen.username, seen.password, seen.fragment) == (None, None, None)
    assert f"{seen.path}".startswith(f"/{path.removesuffix('*')}")
    if not authority.endswith(":*"):
        expected = {"": {"https": 443, "http": 80}[scheme], ":8443": 8443, ":443": 443}
        assert seen.port == expected[authority.removeprefix(host)]


def _is_on(host: str, pattern: str) -> bool:
    if not pattern.startswith("*."):
        return host == pattern
    label, _, rest = host.partition(".")
    return bool(label) and rest == pattern.removeprefix("*.")


@given(BOUND_PATTERNS)
def test_what_the_property_begins_with_is_admitted(pattern: str) -> None:
    assert parse_uri_pattern(pattern).matches(_changed(pattern, []))
