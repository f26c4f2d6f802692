"""A preview refuses what the API server would refuse of client metadata and of URLs."""

import pytest
import yaml

from dcr_operator.plan_preview import Preview, preview
from tests.integration.crd_rule_examples import EXAMPLES
from tests.integration.crd_rules import (
    CLIENT,
    CLUSTER_PROVIDER,
    PROVIDERS,
    Changes,
    Example,
    smallest,
)

_METADATA = "spec.clientMetadata"
_GRANTS, _REDIRECTS = f"{_METADATA}.grantTypes", f"{_METADATA}.redirectUris"
_URLS = (
    "spec.issuer",
    "spec.registrationEndpoint",
    "spec.allowedOrigins[]",
    "spec.backchannelOrigin",
)
_OF_METADATA = [each for each in EXAMPLES if each.path.startswith(_METADATA)]
# A rule about a change cannot be seen in one document.
_OF_URLS = [each for each in EXAMPLES if each.path in _URLS and not each.transition]


def shown(kind: str, changes: Changes) -> Preview:
    (made,) = preview(yaml.safe_dump(smallest(kind, "dashboard", "team", changes)))
    return made


@pytest.mark.parametrize("example", [*_OF_METADATA, *_OF_URLS], ids=str)
def test_what_a_rule_of_the_crds_refuses_is_a_problem(example: Example) -> None:
    problems = shown(example.kind, example.refused).problems
    assert [each for each in problems if each.startswith("spec.")] != []


@pytest.mark.parametrize("example", _OF_URLS, ids=str)
def test_a_url_that_the_crds_accept_is_none(example: Example) -> None:
    made = shown(example.kind, example.accepted)
    assert (made.problems, made.note) == ((), "valid; a provider alone sends nothing")


@pytest.mark.parametrize(
    ("grant_types", "application_type", "redirect_uri"),
    [
        (["authorization_code"], "web", "https://app.example.com/callback"),
        (["authorization_code"], "web", "http://app.example.com/callback"),
        (["authorization_code"], "native", "cursor://callback"),
        (["urn:example:grant-of-one-provider"], "web", "https://app.example.com/callback"),
    ],
)
def test_what_only_the_provider_can_judge_is_none(
    grant_types: list[str], application_type: str, redirect_uri: str
) -> None:
    changes = {
        _GRANTS: grant_types,
        _REDIRECTS: [redirect_uri],
        f"{_METADATA}.applicationType": application_type,
    }
    assert shown(CLIENT, changes).problems == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({_GRANTS: ["authorization_code"]}, "redirect_uris is needed"),
        (
            {_GRANTS: ["authorization_code"], _REDIRECTS: ["nope"]},
            "redirect_uris[0] is not an absolute URI",
        ),
    ],
)
def test_a_problem_of_the_metadata_is_told_beside_the_request(changes: Changes, told: str) -> None:
    made = shown(CLIENT, changes)
    assert len(made.problems) == 1
    assert f"problem: spec.clientMetadata is not valid: {told}" in made.to_text()
    assert made.body is not None


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_provider_without_tls_is_a_problem_and_not_called_valid(kind: str) -> None:
    made = shown(kind, {"spec.issuer": "http://id.example.com"})
    assert made.problems == (
        "spec.issuer must be an https URL (http is for loopback addresses only)",
    )
    assert "valid" not in made.note


@pytest.mark.parametrize(
    ("annotated", "url"),
    [
        (("a",), "<registration_endpoint of https://a.example.com>"),
        ((), "<registration_endpoint of the default provider>"),
        (("a", "b"), "<registration_endpoint of the default provider>"),
    ],
)
def test_a_client_that_names_no_provider_goes_to_the_default_if_the_files_say_which(
    annotated: tuple[str, ...], url: str
) -> None:
    client = smallest(CLIENT, "dashboard", "team", {})
    del client["spec"]["providerRef"]
    providers = [
        smallest(CLUSTER_PROVIDER, name, "", {"spec.issuer": f"https://{name}.example.com"})
        for name in ("a", "b")
    ]
    for each in providers:
        if each["metadata"]["name"] in annotated:
            each["metadata"]["annotations"] = {"dcr-operator.dev/is-default-provider": "true"}
    *_, made = preview(yaml.safe_dump_all([*providers, client]))
    assert made.url == url


def test_what_the_policy_of_the_provider_denies_is_a_problem() -> None:
    policy = {"spec.clientPolicy": {"grantTypes": ["authorization_code"]}}
    provider = smallest(CLUSTER_PROVIDER, "main", "", policy)
    client = smallest(CLIENT, "dashboard", "team", {})
    *_, made = preview(yaml.safe_dump_all([provider, client]))
    (problem,) = made.problems
    assert problem.startswith("denied by spec.clientPolicy of the provider: grant_types: client_")


def test_a_pattern_that_says_nothing_is_a_problem_of_the_provider() -> None:
    policy = {"spec.clientPolicy": {"redirectUris": ["https://app.*.example.com/"]}}
    (problem,) = shown(CLUSTER_PROVIDER, policy).problems
    assert problem.startswith("spec.clientPolicy.redirectUris[0] is not valid")


def test_a_software_statement_is_named_and_not_shown() -> None:
    made = shown(CLIENT, {"spec.softwareStatementRef": {"name": "statement", "key": "jwt"}})
    assert (made.body or {})["software_statement"] == "<key jwt of Secret team/statement>"
    assert made.problems == ()


def test_a_suspended_client_sends_nothing() -> None:
    assert shown(CLIENT, {"spec.suspend": True}).note.startswith("suspended: nothing is sent")


def test_an_adoption_is_shown_as_the_update_that_it_ends_with() -> None:
    adopt = {"spec.adopt": {"clientId": "legacy", "registrationRef": {"name": "access"}}}
    made = shown(CLIENT, adopt)
    assert (made.method, made.problems) == ("PUT", ())
    assert "team/access" in made.url
    assert made.body is not None
    assert made.body["client_id"] == "legacy"
