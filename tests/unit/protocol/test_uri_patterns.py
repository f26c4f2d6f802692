import pytest

from dcr_protocol.uri_patterns import parse_uri_pattern


@pytest.mark.parametrize(
    ("pattern", "uri", "matches"),
    [
        ("*", "https://anything.example/x", True),
        ("https://a.example/cb", "https://a.example/cb", True),
        ("https://a.example/cb", "https://a.example/cb/", False),
        ("https://a.example/cb", "https://a.example/cb?x=1", False),
        ("https://a.example/cb", "https://A.example/cb", False),
        ("https://a.example/cb", "https://a.example/cb?", False),
        ("https://a.example/cb", "https://a.example:/cb", False),
        ("https://*.example.com/cb", "https://a.example.com/cb?", False),
        ("https://*.example.com/cb", "https://a.example.com:/cb", False),
        ("https://*.example.com/cb", "https://A.example.com/cb", True),
        ("https://*.example.com:8443/cb", "https://a.example.com:8443/cb", True),
        ("https://a.example/cb", "http://a.example/cb", False),
        ("https://a.example/cb", "https://a.example:8443/cb", False),
        ("https://a.example/cb", "https://me@a.example/cb", False),
        ("https://a.example:8443/cb", "https://a.example:8443/cb", True),
        ("https://a.example/*", "https://a.example/x/y?z=1", True),
        ("https://a.example/*", "https://a.example/", True),
        ("https://a.example/*", "https://a.example", False),
        ("https://a.example/app/*", "https://a.example/app/../admin", False),
        ("https://a.example/app/*", "https://a.example/app/%2e%2e/admin", False),
        ("https://a.example/app/*", "https://a.example/apple", False),
        ("https://*.example.com/cb", "https://a.example.com/cb", True),
        ("https://*.example.com/cb", "https://a.b.example.com/cb", False),
        ("https://*.example.com/cb", "https://example.com/cb", False),
        ("https://*.example.com/cb", "https://.example.com/cb", False),
        ("https://*.example.com/cb", "https://evilexample.com/cb", False),
        ("https://*/cb", "https://any.example/cb", True),
        ("https://*/cb", "https:///cb", False),
        ("http://127.0.0.1:*/cb", "http://127.0.0.1:49152/cb", True),
        ("http://127.0.0.1:*/cb", "http://127.0.0.1/cb", True),
        ("http://127.0.0.1:*/cb", "http://127.0.0.2:1/cb", False),
        ("http://[::1]:*/cb", "http://[::1]:8080/cb", True),
        ("http://[::1]/cb", "http://[::1]/cb", True),
        ("http://[::1]/cb", "http://[::1]:8080/cb", False),
        ("com.example.app:/*", "com.example.app:/cb", True),
        ("com.example.app:/cb", "com.example.app:/cb", True),
        ("com.example.app:/*", "com.example.other:/cb", False),
        ("https://a.example/*", "https://a.example:port/", False),
        ("https://a.example/*", "https://[/", False),
    ],
)
def test_a_pattern_admits_what_it_says_and_nothing_else(
    pattern: str, uri: str, matches: bool
) -> None:
    assert parse_uri_pattern(pattern).matches(uri) is matches


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "has no scheme"),
        ("a.example/cb", "has no scheme"),
        (":/cb", "has no scheme"),
        ("*://a.example/cb", "has no scheme"),
        ("https://a.*.example/cb", "in a host"),
        ("https://a*.example/cb", "in a host"),
        ("https://**.example/cb", "in a host"),
        ("https://a.example/*/cb", "in a path"),
        ("https://a.example/cb*", "in a path"),
        ("com.example.app:*", "in a path"),
        ("https://user@a/", "without user"),
        ("https://a.example#f", "without user"),
        ("https://münchen/", "in ASCII"),
        ("https://a:99999/", "a port is"),
        ("https://a:x/", "a port is"),
        ("https:///cb", "no host"),
        ("https://*.", "no host"),
        ("https://*", "which path"),
        ("https://*.example.com", "which path"),
    ],
)
def test_a_pattern_that_could_be_misread_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_uri_pattern(pattern)
