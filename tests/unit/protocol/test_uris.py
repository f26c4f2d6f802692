from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcr_protocol.uris import Uri, flaw_in_url, split_uri

HTTPS = frozenset({"https"})
WEB = frozenset({"http", "https"})


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("https://a.example", Uri("https", None, "a.example", None, "", None, None)),
        ("HTTPS://A.Example/P", Uri("https", None, "a.example", None, "/P", None, None)),
        ("https://a.example.:8443/", Uri("https", None, "a.example", 8443, "/", None, None)),
        ("https://a.example:/", Uri("https", None, "a.example", None, "/", None, None)),
        ("https://a:b@c/d?e#f", Uri("https", "a:b", "c", None, "/d", "e", "f")),
        ("http://[::1]:80/?#", Uri("http", None, "[::1]", 80, "/", "", "")),
        ("com.example.app:/cb", Uri("com.example.app", None, "", None, "/cb", None, None)),
        ("cursor://anysphere/cb", Uri("cursor", None, "anysphere", None, "/cb", None, None)),
        ("urn:a:b%20c", Uri("urn", None, "", None, "a:b%20c", None, None)),
        ("file:///etc", Uri("file", None, "", None, "/etc", None, None)),
    ],
)
def test_an_absolute_uri_is_taken_apart(text: str, uri: Uri) -> None:
    assert split_uri(text) == uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "/callback",
        "//a.example/callback",
        "a.example/callback",
        "1http://a.example",
        "https://a.example/a b",
        " https://a.example/",
        "https://a.example/\n",
        "https://a.example/\t",
        "https://ä.example/",
        "https://a.example/ü",
        "https://a.example/%",
        "https://a.example/%2",
        "https://a.example/%zz",
        "https://a.example\\@b.example/",
        "https://a.example/<x>",
        "https://a.example:port/",
        "https://a.example:65536/",
        "https://a.example:123456/",
        "https://a@b@c/",
        "https://[::1/",
        "https://::1]/",
        "https://[not-ip]/",
        "https://[1.2.3.4]/",
        "https://[::1]a/",
        "https://a.example/[x]",
        "https://a.example/#a#b",
        "x:/[",
        "x:[",
    ],
)
def test_s042_what_is_not_an_absolute_uri_is_nothing(text: str) -> None:
    assert split_uri(text) is None


@pytest.mark.parametrize(
    ("path", "has_dots"),
    [
        ("/a/b", False),
        ("/a.b/..c/d..", False),
        ("/...", False),
        ("/.", True),
        ("/..", True),
        ("/a/../b", True),
        ("/a/./b", True),
        ("/a/%2e%2E/b", True),
        ("/a/.%2e", True),
        ("/%2e", True),
    ],
)
def test_s042_dot_segments_are_seen_even_when_escaped(path: str, has_dots: bool) -> None:
    uri = split_uri(f"https://a.example{path}")
    assert uri is not None
    assert uri.has_dot_segments is has_dots


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x", "https://A.example:443/y?z", True),
        ("http://a.example", "http://a.example:80", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example", "https://b.example", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    uri, another = split_uri(one), split_uri(other)
    assert uri is not None
    assert another is not None
    assert (uri.origin == another.origin) is same


@pytest.mark.parametrize(
    ("text", "schemes", "flaw"),
    [
        ("https://a.example/logo.png", HTTPS, None),
        ("http://a.example/logo.png", WEB, None),
        ("https://a.example/#section", HTTPS, None),
        ("http://a.example/logo.png", HTTPS, "must use https"),
        ("ftp://a.example/logo.png", WEB, "must use https or http"),
        ("javascript:alert(1)", WEB, "must use https or http"),
        ("logo.png", WEB, "is not an absolute URI"),
        ("https:///logo.png", HTTPS, "has no usable host"),
        ("https:logo.png", HTTPS, "has no usable host"),
        ("https://%61.example/", HTTPS, "has no usable host"),
        ("https://me:secret@a.example/", HTTPS, "must not hold user information"),
    ],
)
def test_a_url_is_absolute_with_a_host_and_without_user(
    text: str, schemes: frozenset[str], flaw: str | None
) -> None:
    assert flaw_in_url(text, schemes=schemes) == flaw


@given(st.text(st.characters(max_codepoint=127), max_size=40))
@settings(deadline=None)
def test_any_text_is_a_uri_or_not(text: str) -> None:
    uri = split_uri(text)
    assert uri is None or text.lower().startswith(uri.scheme + ":")


@given(
    st.from_regex(
        r"(https?|com\.example):(//[a-z0-9.\-_%:\[\]@]{0,12})?[a-z/.%;:@]{0,12}(\?[a-z=/?]{0,4})?",
        fullmatch=True,
    )
)
def test_another_reader_of_uris_does_not_disagree(text: str) -> None:
    uri = split_uri(text)
    if uri is None:
        return
    other = urlsplit(text)
    assert (uri.scheme, uri.path, uri.query or "") == (other.scheme, other.path, other.query)
    assert uri.port == other.port
    assert uri.host.strip("[]") == (other.hostname or "").removesuffix(".")
