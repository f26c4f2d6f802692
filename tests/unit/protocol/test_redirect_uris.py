import pytest

from dcr_protocol.redirect_uris import DANGEROUS_SCHEMES, RedirectUriRules, flaw_in_redirect_uri

WEB = RedirectUriRules(application_type="web")
WEB_IMPLICIT = RedirectUriRules(application_type="web", uses_implicit=True)
WEB_HTTP = RedirectUriRules(application_type="web", allow_http=True)
NATIVE = RedirectUriRules(application_type="native")
NATIVE_ANY_SCHEME = RedirectUriRules(application_type="native", allow_schemes_without_dot=True)


@pytest.mark.parametrize("uri", ["https://a.example/#", "https://a.example/cb#x", "https://a#?b"])
@pytest.mark.parametrize("rules", [WEB, NATIVE])
def test_s041_a_redirect_uri_with_a_fragment_is_refused(uri: str, rules: RedirectUriRules) -> None:
    assert flaw_in_redirect_uri(uri, rules) == "must not have a fragment"


@pytest.mark.parametrize(
    ("uri", "flaw"),
    [
        ("/callback", "is not an absolute URI"),
        ("a.example/callback", "is not an absolute URI"),
        ("//a.example/callback", "is not an absolute URI"),
        ("https:///callback", "has no usable host"),
        ("https:/callback", "has no usable host"),
        ("https://%6cocalhost/callback", "has no usable host"),
        ("https://*.example.com/callback", "must not hold a wildcard"),
        ("https://a.example/*", "must not hold a wildcard"),
        ("https://a.example/?next=*", "must not hold a wildcard"),
        ("https://me@a.example/callback", "must not hold user information"),
        ("https://me:pw@a.example/callback", "must not hold user information"),
        ("https://@a.example/callback", "must not hold user information"),
        ("https://a.example/a/../callback", "must not hold dot segments"),
        ("https://a.example/a/%2e%2e/callback", "must not hold dot segments"),
        ("https://a.example/.", "must not hold dot segments"),
    ],
)
@pytest.mark.parametrize("rules", [WEB, NATIVE, WEB_HTTP])
def test_s042_a_redirect_uri_says_exactly_where_it_leads(
    uri: str, flaw: str, rules: RedirectUriRules
) -> None:
    assert flaw_in_redirect_uri(uri, rules) == flaw


@pytest.mark.parametrize("scheme", sorted(DANGEROUS_SCHEMES))
@pytest.mark.parametrize("rules", [WEB, NATIVE_ANY_SCHEME])
def test_s042_a_scheme_that_reaches_no_application_is_refused(
    scheme: str, rules: RedirectUriRules
) -> None:
    for uri in (f"{scheme}:alert(1)", f"{scheme.upper()}://a.example/x"):
        assert flaw_in_redirect_uri(uri, rules) == f"must not use the scheme {scheme}"


@pytest.mark.parametrize(
    "uri",
    [
        "https://a.example",
        "https://a.example/callback?tenant=1",
        "https://A.example:443/CallBack/",
        "https://localhost:8443/callback",
        "http://localhost:8080/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:3000/callback",
    ],
)
def test_s043_web_clients_use_https_or_their_own_device(uri: str) -> None:
    assert flaw_in_redirect_uri(uri, WEB) is None


@pytest.mark.parametrize(
    ("uri", "flaw"),
    [
        ("http://a.example/callback", "must use https, except on localhost"),
        ("http://127.0.0.2/callback", "must use https, except on localhost"),
        ("http://127.0.0.1.example/callback", "must use https, except on localhost"),
        ("http://localhost.example/callback", "must use https, except on localhost"),
        ("com.example.app:/callback", "must use https, since application_type is web"),
        ("urn:ietf:wg:oauth:2.0:oob", "must use https, since application_type is web"),
    ],
)
def test_s044_web_clients_do_not_use_http_elsewhere_or_private_schemes(uri: str, flaw: str) -> None:
    actual = flaw_in_redirect_uri(uri, WEB)
    assert actual is not None
    assert actual.startswith(flaw)


def test_s044_http_for_the_code_flow_is_a_switch() -> None:
    assert flaw_in_redirect_uri("http://a.example/callback", WEB_HTTP) is None


@pytest.mark.parametrize(
    "uri",
    [
        "http://a.example/cb",
        "http://127.0.0.1/cb",
        "https://localhost/cb",
        "https://LocalHost:8443/cb",
        "https://localhost./cb",
    ],
)
@pytest.mark.parametrize("allow_http", [True, False])
def test_s044_web_clients_with_implicit_use_https_and_never_localhost(
    uri: str, allow_http: bool
) -> None:
    rules = RedirectUriRules(application_type="web", uses_implicit=True, allow_http=allow_http)
    flaw = flaw_in_redirect_uri(uri, rules)
    assert flaw == "must use https and not localhost, since tokens travel in the redirection"
    assert flaw_in_redirect_uri("https://a.example/cb", rules) is None


@pytest.mark.parametrize(
    "uri",
    [
        "com.example.app:/callback",
        "com.example.app:callback",
        "com.example.app://callback",
        "http://localhost:1234/callback",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:0/callback",
        "http://[::1]/callback",
        "https://app.example.com/callback",
    ],
)
@pytest.mark.parametrize("uses_implicit", [True, False])
def test_s045_native_clients_use_schemes_loopback_or_claimed_https(
    uri: str, uses_implicit: bool
) -> None:
    rules = RedirectUriRules(application_type="native", uses_implicit=uses_implicit)
    assert flaw_in_redirect_uri(uri, rules) is None


@pytest.mark.parametrize(
    ("uri", "flaw"),
    [
        ("http://a.example/callback", "must use http only on localhost"),
        ("http://10.0.0.1/callback", "must use http only on localhost"),
        ("http://[::2]/callback", "must use http only on localhost"),
        ("https://localhost/callback", "must not claim an https URI on the loopback"),
        ("https://127.0.0.1/callback", "must not claim an https URI on the loopback"),
    ],
)
def test_s045_native_clients_do_not_use_other_hosts_over_http(uri: str, flaw: str) -> None:
    actual = flaw_in_redirect_uri(uri, NATIVE)
    assert actual is not None
    assert actual.startswith(flaw)


@pytest.mark.parametrize("uri", ["cursor://anysphere.cursor/callback", "myapp:/callback"])
def test_s046_a_private_scheme_without_a_dot_is_a_switch(uri: str) -> None:
    flaw = flaw_in_redirect_uri(uri, NATIVE)
    assert flaw == "must use a scheme in reverse domain notation, such as com.example.app"
    assert flaw_in_redirect_uri(uri, NATIVE_ANY_SCHEME) is None


@pytest.mark.parametrize("port", ["", ":0", ":49152", ":65535"])
def test_s047_a_loopback_uri_needs_no_particular_port(port: str) -> None:
    assert flaw_in_redirect_uri(f"http://127.0.0.1{port}/callback", NATIVE) is None


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1",
        "http://localhost:8080",
        "https://app.example.com",
        "com.example.app:",
        "com.example.app://",
    ],
)
def test_s049_native_clients_register_the_complete_uri(uri: str) -> None:
    assert flaw_in_redirect_uri(uri, NATIVE) == "must have a path"
