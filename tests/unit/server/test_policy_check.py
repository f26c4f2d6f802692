"""Every mistake that one can make in a policy has its place, its value and what to do."""

from collections.abc import Mapping

import pytest

from dcr_server.policies import Policy, development_policies
from dcr_server.policy_check import problems_in_policies, problems_in_unread_policies

Members = Mapping[str, object]
MACHINES: Members = {
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_methods": ["client_secret_basic"],
    "scopes": ["orders.read", "stock.*"],
}
WEB: Members = {
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_methods": ["client_secret_basic", "none"],
    "redirect_uris": ["https://*.apps.example.com/*", "https://a.example/cb"],
}


def found(members: Members) -> tuple[list[str], list[str]]:
    """Errors and warnings."""
    problems = list(problems_in_policies({"p": Policy.model_validate(members)}))
    assert all(problem.path[:2] == ("policies", "p") for problem in problems)
    return (
        [str(problem).removeprefix("policies.p.") for problem in problems if problem.is_error],
        [str(problem).removeprefix("policies.p.") for problem in problems if not problem.is_error],
    )


@pytest.mark.parametrize("members", [MACHINES, WEB])
def test_a_good_policy_has_no_problem(members: Members) -> None:
    assert found(members) == ([], [])


@pytest.mark.parametrize(
    ("members", "error"),
    [
        pytest.param(
            {**MACHINES, "grant_types": ["client_credentials", "refresh_tokens"]},
            "grant_types.1=refresh_tokens: is not known, did you mean refresh_token?",
            id="a grant type, misspelt",
        ),
        pytest.param(
            {**MACHINES, "grant_types": ["client_credentials", "magic"]},
            "grant_types.1=magic: is not known; others are absolute URIs",
            id="a grant type that nobody knows",
        ),
        pytest.param(
            {**WEB, "response_types": ["code", "id_tokens"]},
            "response_types.1=id_tokens: is none of code, ",
            id="a response type",
        ),
        pytest.param(
            {**WEB, "token_endpoint_auth_methods": ["client_secret"]},
            "token_endpoint_auth_methods.0=client_secret: is not known, did you mean client_",
            id="an auth method",
        ),
        pytest.param(
            {**MACHINES, "scopes": ["a b"]},
            "scopes.0=a b: one scope value for each entry: [a, b]",
            id="scopes with spaces",
        ),
        pytest.param(
            {**MACHINES, "scopes": ["a", ""]},
            "scopes.1=: holds characters that a scope",
            id="no scope",
        ),
        pytest.param(
            {**MACHINES, "scopes": ['a"b']},
            'scopes.0=a"b: holds characters that a scope value cannot have',
            id="a quote in a scope",
        ),
        pytest.param(
            {**MACHINES, "scopes": ["*.read"]},
            "scopes.0=*.read: * can only stand at the end",
            id="an asterisk in front",
        ),
        pytest.param(
            {**WEB, "redirect_uris": ["http://a.example/cb"]},
            "redirect_uris.0=http://a.example/cb: can never be registered: a redirect URI must use",
            id="http",
        ),
        pytest.param(
            {**WEB, "redirect_uris": ["http://*.a.example/*"]},
            "redirect_uris.0=http://*.a.example/*: can never match: a redirect URI must use http",
            id="http with an asterisk",
        ),
        pytest.param(
            {**WEB, "redirect_uris": ["cursor://a/*"]},
            "redirect_uris.0=cursor://a/*: can never match: a redirect URI must use a scheme in",
            id="a scheme without dot",
        ),
        pytest.param(
            {**WEB, "redirect_uris": ["javascript:/*"]},
            "redirect_uris.0=javascript:/*: can never match: a redirect URI must not use",
            id="a scheme that runs",
        ),
        pytest.param(
            {**WEB, "redirect_uris": []},
            "grant_types.0=authorization_code: nobody can register it: redirect_uris lists none",
            id="no redirect URI",
        ),
        pytest.param(
            {**WEB, "response_types": []},
            "grant_types.0=authorization_code: nobody can register it: response_types lists none",
            id="no response type",
        ),
        pytest.param(
            {**WEB, "grant_types": ["implicit"]},
            "grant_types.0=implicit: nobody can register it: response_types lists none that goes",
            id="no response type of the implicit grant",
        ),
        pytest.param(
            {**WEB, "response_types": ["code id_token"]},
            "grant_types.0=authorization_code: nobody can register it: response_types lists none",
            id="a hybrid response without the implicit grant",
        ),
        pytest.param(
            {**MACHINES, "token_endpoint_auth_methods": ["tls_client_auth", "none"]},
            "grant_types.0=client_credentials: nobody can register it: "
            "token_endpoint_auth_methods has none of client_secret_basic",
            id="no method that the token endpoint serves",
        ),
        pytest.param(
            {**MACHINES, "token_endpoint_auth_methods": []},
            "grant_types.0=client_credentials: nobody can register it: "
            "token_endpoint_auth_methods lists none",
            id="no method at all",
        ),
        pytest.param(
            {**MACHINES, "forced": {"scope": "admin"}},
            "forced.scope=admin: against the policy itself: the policy grants none",
            id="a forced scope",
        ),
        pytest.param(
            {**MACHINES, "defaults": {"scope": "orders.read admin"}},
            "defaults.scope=orders.read admin: against the policy itself: scopes grants no more "
            "than orders.read of it",
            id="a default scope in part",
        ),
        pytest.param(
            {**MACHINES, "forced": {"grant_types": ["implicit"]}},
            "forced.grant_types: against the policy itself: grant_types: the policy does not allow",
            id="forced grants",
        ),
        pytest.param(
            {**MACHINES, "forced": {"token_endpoint_auth_method": "none"}},
            "forced.token_endpoint_auth_method=none: against the policy itself: ",
            id="a forced method",
        ),
        pytest.param(
            {**WEB, "defaults": {"redirect_uris": ["https://b.example/cb"]}},
            "defaults.redirect_uris: against the policy itself: the policy does not allow the",
            id="a default redirect URI",
        ),
        pytest.param(
            {**WEB, "redirect_uris": ["*"], "forced": {"redirect_uris": ["http://a.example/"]}},
            "forced.redirect_uris: must use http only on localhost",
            id="a forced redirect URI against the rules",
        ),
        pytest.param(
            {**WEB, "forced": {"logo_uri": "ftp://a.example/"}},
            "forced.logo_uri=ftp://a.example/: logo_uri must use https or http",
            id="a forced page",
        ),
        pytest.param(
            {**WEB, "forced": {"tos_uri#de": "ftp://a.example/"}},
            "forced.localized: tos_uri#de must use https or http",
            id="a forced page in a language",
        ),
        pytest.param(
            {**WEB, "forced": {"application_type": "desktop"}},
            "forced.application_type=desktop: application_type must be web or native",
            id="a forced word",
        ),
        pytest.param(
            {**MACHINES, "forced": {"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}},
            "forced.jwks: jwks: key 0 holds private or symmetric key material",
            id="a forced secret key",
        ),
    ],
)
def test_an_error(members: Members, error: str) -> None:
    errors, _ = found(members)
    assert [text for text in errors if text.startswith(error)], errors


@pytest.mark.parametrize(
    ("members", "warning"),
    [
        pytest.param({}, "policies.p: admits nothing: list grant_types", id="an empty policy"),
        pytest.param(
            {
                **MACHINES,
                "grant_types": ["client_credentials", "urn:example:grant-type:x"],
            },
            None,
            id="a grant type of somebody else's",
        ),
        pytest.param(
            {
                **MACHINES,
                "grant_types": [
                    "client_credentials",
                    "urn:ietf:params:oauth:grant-type:token_exchange",
                ],
            },
            "grant_types.1=urn:ietf:params:oauth:grant-type:token_exchange: is not known, did you "
            "mean urn:ietf:params:oauth:grant-type:token-exchange?",
            id="a grant type of somebody else's that looks misspelt",
        ),
        pytest.param(
            {**MACHINES, "scopes": ["*"]}, "scopes.0=*: grants whatever", id="every scope"
        ),
        pytest.param(
            {**WEB, "redirect_uris": ["*"]}, "redirect_uris.0=*: any site and", id="any URI"
        ),
        pytest.param(
            {**WEB, "redirect_uris": ["https://*/cb"]},
            "redirect_uris.0=https://*/cb: any site may receive the codes: name the host",
            id="any host",
        ),
        pytest.param(
            {**WEB, "redirect_uris": ["https://*.com/*"]},
            "redirect_uris.0=https://*.com/*: all names of a top-level domain match",
            id="a top-level domain",
        ),
        pytest.param(
            {**WEB, "grant_types": [*MACHINES["grant_types"], "implicit"], "response_types": []},  # type: ignore[misc]  # a list
            "grant_types.1=implicit: nobody can register it: response_types lists none that goes",
            id="one grant of two that nobody can register",
        ),
        pytest.param(
            {**WEB, "response_types": ["code", "id_token"]},
            "response_types.1=id_token: nobody can register it: it needs implicit in grant_types",
            id="a response type without its grant",
        ),
        pytest.param(
            {**MACHINES, "redirect_uris": ["https://a.example/cb"]},
            "redirect_uris: has no effect: no grant in grant_types redirects",
            id="redirect URIs that no grant uses",
        ),
        pytest.param(
            {**WEB, "audiences": ["https://api.example"]},
            "audiences: has no effect: access tokens are issued for client_credentials only",
            id="audiences of no token",
        ),
        pytest.param(
            {**WEB, "access_token_lifetime": "1h"},
            "access_token_lifetime: has no effect",
            id="a lifetime of no token",
        ),
        pytest.param(
            {**MACHINES, "max_clients": 1, "max_clients_per_subject": 2},
            "max_clients_per_subject=2: is never reached: max_clients is 1",
            id="a limit behind another",
        ),
        pytest.param(
            {**MACHINES, "client_lifetime": "7d", "unused_client_lifetime": "7d"},
            "unused_client_lifetime=7d: has no effect: client_lifetime ends before",
            id="an end behind another",
        ),
        pytest.param(
            {**MACHINES, "client_lifetime": "7d", "secret_lifetime": "90m"}, None, id="no such end"
        ),
        pytest.param(
            {**WEB, "token_endpoint_auth_methods": ["none"], "secret_lifetime": "90d"},
            "secret_lifetime=90d: has no effect: no method in token_endpoint_auth_methods has a",
            id="a lifetime of no secret",
        ),
        pytest.param(
            {**MACHINES, "statement_issuers": ["https://a.example"]},
            "statement_issuers: has no effect: software_statement is ignored",
            id="issuers of ignored statements",
        ),
        pytest.param(
            {**MACHINES, "forced": {"contacts": ["a"]}, "defaults": {"contacts": ["b"]}},
            "defaults.contacts: has no effect: forced has it too",
            id="a default that never counts",
        ),
    ],
)
def test_a_warning(members: Members, warning: str | None) -> None:
    errors, warnings = found(members)
    assert errors == []
    if warning is None:
        assert warnings == []
    else:
        assert [text for text in warnings if text.startswith(warning)], warnings


def test_what_cannot_be_read_keeps_nobody_from_hearing_of_the_rest() -> None:
    problems = problems_in_unread_policies(
        {"a": {**MACHINES, "scopes": ["a b"]}, "b": {"nonsense": 1}, "c": None}
    )
    assert [problem.path for problem in problems] == [("policies", "a", "scopes", "0")]
    assert list(problems_in_unread_policies(["a"])) == []


def test_the_policy_of_dev_has_no_error() -> None:
    assert not [
        problem for problem in problems_in_policies(development_policies()) if problem.is_error
    ]
