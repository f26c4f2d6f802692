"""clientPolicy: what may be asked for, and what may be in force."""

from dataclasses import replace

import pytest

from dcr_operator.client_policy import (
    ClientPolicy,
    violations_of_answer,
    violations_of_request,
)
from dcr_operator.kube import JsonObject
from dcr_protocol.vocabulary import REDIRECT_URI_MEMBERS, URI_MEMBERS

SITE = "https://*.apps.example.com/*"
POLICY = ClientPolicy(
    grant_types=("authorization_code", "client_credentials"),
    token_endpoint_auth_methods=("client_secret_basic",),
    redirect_uris=(SITE, "https://app.example.com/callback"),
    scopes=("openid", "orders.*"),
    extra_members=("tenant",),
)
NOTHING = ClientPolicy((), (), (), ())
ALLOWED: JsonObject = {
    "grant_types": ["authorization_code"],
    "token_endpoint_auth_method": "client_secret_basic",
    "redirect_uris": ["https://a.apps.example.com/x", "https://app.example.com/callback"],
    "post_logout_redirect_uris": ["https://a.apps.example.com/bye"],
    "scope": "openid orders.read",
    "client_uri": "https://app.example.com",
    "logo_uri": "https://app.example.com/logo.png?v=2",
    "tos_uri#de": "https://a.apps.example.com/agb#eins",
    "jwks_uri": "https://app.example.com/keys",
    "request_uris": ["https://app.example.com/request#hash"],
    "client_name": "Any text",
    "tenant": {"id": 7, "uri": "https://elsewhere.example.net/"},
}


def test_what_the_policy_lists_may_be_asked_for_and_be_in_force() -> None:
    assert violations_of_request(POLICY, ALLOWED) == ()
    assert violations_of_answer(POLICY, ALLOWED) == ()


def test_without_a_policy_nothing_is_limited() -> None:
    anything: JsonObject = {"grant_types": ["implicit"], "other": 1}
    assert violations_of_request(None, anything) == violations_of_answer(None, anything) == ()


def test_what_the_policy_leaves_out_is_not_limited() -> None:
    anything: JsonObject = {
        "grant_types": ["implicit"],
        "scope": "admin",
        "redirect_uris": ["https://anywhere.example.net/"],
        "token_endpoint_auth_method": "none",
    }
    assert violations_of_request(ClientPolicy(), anything) == ()


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("grant_types", ["implicit"], "grant_types: implicit is not among grantTypes"),
        ("grant_types", "implicit", "grant_types: implicit is not among grantTypes"),
        ("grant_types", [["authorization_code"]], "grant_types: ['authorization_code'] is not"),
        ("token_endpoint_auth_method", "none", "none is not among tokenEndpointAuthMethods"),
        ("scope", "openid admin", "scope: admin is not among scopes (openid, orders.*)"),
        ("scope", "orders", "scope: orders is not among scopes"),
        ("scope", ["admin"], "scope: admin is not among scopes"),
        ("redirect_uris", ["https://app.example.com/"], "redirect_uris[0]: https://app.example"),
        ("redirect_uris", "https://evil.example.net/", "redirect_uris: https://evil.example.net/"),
        ("redirect_uris", ["https://a.b.apps.example.com/"], "redirect_uris[0]"),
        ("redirect_uris", ["https://a.apps.example.com@evil.net/"], "redirect_uris[0]"),
        ("redirect_uris", ["https://a.apps.example.com/../x"], "redirect_uris[0]"),
        ("redirect_uris", ["https://a.apps.example.com/#x"], "redirect_uris[0]"),
        ("post_logout_redirect_uris", ["https://app.example.com/bye"], "post_logout_redirect_uris"),
        ("client_uri", "https://app.example.com.evil.net/", "client_uri: https://app.example.com."),
        ("client_uri", "http://app.example.com/", "client_uri: http://app.example.com/"),
        ("client_uri", "https://app.example.com:8443/", "client_uri"),
        ("client_uri", "javascript:alert(1)", "client_uri"),
        ("client_uri", 7, "client_uri: 7 is not among"),
        ("logo_uri#de", "https://evil.example.net/", "logo_uri#de: https://evil.example.net/"),
        ("client_uri", "https://a\\n\u200b.example/", "client_uri: https://a"),
    ],
)
def test_what_the_policy_does_not_list_is_neither_asked_for_nor_in_force(
    member: str, value: object, said: str
) -> None:
    metadata: JsonObject = {**ALLOWED, member: value}  # type: ignore[dict-item]  # JSON
    (request,) = violations_of_request(POLICY, metadata)
    (answer,) = violations_of_answer(POLICY, metadata)
    assert said in request
    assert request == answer
    assert request.isprintable()


@pytest.mark.parametrize("member", sorted(URI_MEMBERS))
def test_every_uri_member_is_covered(member: str) -> None:
    outside: JsonObject = {member: "https://evil.example.net/"}
    assert len(violations_of_request(POLICY, outside)) == 1
    assert len(violations_of_answer(POLICY, outside)) == 1
    assert violations_of_request(POLICY, {member: "https://a.apps.example.com/x"}) == ()
    # Only redirections are held to the path.
    other_path: JsonObject = {member: "https://app.example.com/other"}
    is_redirect = member in REDIRECT_URI_MEMBERS
    assert bool(violations_of_request(POLICY, other_path)) == is_redirect


def test_an_extra_member_must_be_named_and_one_of_the_providers_own_need_not() -> None:
    metadata: JsonObject = {"tenant": 1, "redirect_uri_regexes": [".*"], "tenant#de": 1}
    assert violations_of_request(POLICY, metadata) == (
        "redirect_uri_regexes is not among extraMembers",
        "tenant#de is not among extraMembers",
    )
    assert violations_of_answer(POLICY, metadata) == ()


def test_empty_lists_allow_nothing() -> None:
    said = violations_of_request(NOTHING, {**ALLOWED, "tenant": 1})
    assert {each.partition(":")[0].partition("[")[0] for each in said} == {
        "grant_types",
        "token_endpoint_auth_method",
        "scope",
        "redirect_uris",
        "post_logout_redirect_uris",
        "client_uri",
        "logo_uri",
        "tos_uri#de",
        "jwks_uri",
        "request_uris",
        "tenant is not among extraMembers",
    }
    assert any("(nothing)" in each for each in said)


@pytest.mark.parametrize(
    ("pattern", "page", "admitted"),
    [
        ("*", "https://anywhere.example.net/", True),
        ("com.example.app:/*", "https://anywhere.example.net/", False),
        ("com.example.app:/callback", "com.example.app:/callback", False),
        ("http://127.0.0.1:*/callback", "http://127.0.0.1:4000/page", True),
        ("http://127.0.0.1:*/callback", "http://127.0.0.2/page", False),
        ("https://app.example.com?x=1", "https://app.example.com/page", True),
        ("https://*/callback", "https://anywhere.example.net/page?a=b", True),
        ("https://app.example.com/cb", "https://app.example.com/a/../b", False),
    ],
)
def test_pages_are_at_the_site_of_a_pattern(pattern: str, page: str, *, admitted: bool) -> None:
    policy = ClientPolicy(redirect_uris=(pattern,))
    assert (violations_of_request(policy, {"client_uri": page}) == ()) == admitted


def test_the_number_of_clients_is_no_matter_of_metadata() -> None:
    assert violations_of_request(ClientPolicy(max_clients_per_namespace=0), {"scope": "x"}) == ()


def test_policies_are_told_apart_by_their_digest() -> None:
    assert replace(POLICY).digest == POLICY.digest
    assert replace(POLICY, scopes=None).digest != POLICY.digest
