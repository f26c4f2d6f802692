"""A policy admits what it lists and denies everything else."""

from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from dcr_protocol.client_metadata import parse_client_metadata
from dcr_protocol.errors import InvalidClientMetadata, InvalidRedirectUri, ProtocolError
from dcr_protocol.json_document import JsonValue
from dcr_protocol.rules import check_client_metadata
from dcr_server.policies import Policy, development_policies

MACHINES = Policy(
    grant_types=("client_credentials",),
    token_endpoint_auth_methods=("client_secret_basic",),
    scopes=("orders.read", "stock.*"),
)
WEB = Policy(
    grant_types=("authorization_code", "implicit"),
    response_types=("code", "id_token token"),
    token_endpoint_auth_methods=("client_secret_basic",),
    redirect_uris=("https://*.apps.example.com/cb",),
)
MACHINE: Mapping[str, JsonValue] = {"grant_types": ["client_credentials"]}
SHOP: Mapping[str, JsonValue] = {"redirect_uris": ["https://shop.apps.example.com/cb"]}


def admitted(policy: Policy, document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return policy.admit(check_client_metadata(parse_client_metadata(document))).to_wire()


def test_an_empty_policy_denies_even_the_defaults() -> None:
    with pytest.raises(InvalidClientMetadata):
        admitted(Policy(), MACHINE)


@pytest.mark.parametrize(
    ("policy", "document", "error"),
    [
        pytest.param(MACHINES, SHOP, InvalidClientMetadata, id="another grant"),
        pytest.param(
            MACHINES,
            {**MACHINE, "token_endpoint_auth_method": "client_secret_post"},
            InvalidClientMetadata,
            id="another auth method",
        ),
        pytest.param(
            MACHINES, {**MACHINE, "scope": "admin"}, InvalidClientMetadata, id="no scope left"
        ),
        pytest.param(
            WEB, {"redirect_uris": ["https://evil.example/cb"]}, InvalidRedirectUri, id="host"
        ),
        pytest.param(
            WEB,
            {**SHOP, "post_logout_redirect_uris": ["https://evil.example/"]},
            InvalidClientMetadata,
            id="host of a post-logout redirect URI",
        ),
        pytest.param(
            WEB,
            {**SHOP, "grant_types": ["implicit"], "response_types": ["id_token"]},
            InvalidClientMetadata,
            id="another response type",
        ),
    ],
)
def test_what_is_not_listed_is_denied(
    policy: Policy, document: Mapping[str, JsonValue], error: type[ProtocolError]
) -> None:
    with pytest.raises(error):
        admitted(policy, document)


def test_s025_response_types_are_compared_as_sets() -> None:
    document: Mapping[str, JsonValue] = {
        **SHOP,
        "grant_types": ["implicit"],
        "response_types": ["token id_token"],
    }
    assert admitted(WEB, document)["response_types"]


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("orders.read", "orders.read"),
        ("stock.a admin stock.b", "stock.a stock.b"),
        ("orders.read orders.write", "orders.read"),
    ],
)
def test_s029_scopes_that_are_not_granted_are_dropped(asked: str, granted: str) -> None:
    assert admitted(MACHINES, {**MACHINE, "scope": asked})["scope"] == granted


def test_without_a_wish_no_scope_is_granted() -> None:
    assert "scope" not in admitted(MACHINES, MACHINE)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(MACHINE, id="machine"),
        pytest.param(SHOP, id="web"),
        pytest.param(
            {
                "application_type": "native",
                "redirect_uris": ["com.example.app:/cb", "http://127.0.0.1/cb"],
                "token_endpoint_auth_method": "none",
            },
            id="native",
        ),
    ],
)
def test_the_development_policy_admits_ordinary_clients(
    document: Mapping[str, JsonValue],
) -> None:
    assert admitted(development_policies()["default"], document)


@pytest.mark.parametrize(
    "fields",
    [
        {"redirect_uris": ["no-scheme/*"]},
        {"max_clients": -1},
        {"max_clients_per_subject": -1},
        {"scope": ["a"]},
        {"secret_lifetime": "1 year"},
        {"client_lifetime": 0},
        {"rate": "60"},
        {"rate": "0/1m"},
        {"rate": "60/m"},
        {"forced": ["scope"]},
        {"software_statement": "wanted"},
        {"introspect": "all"},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(fields: dict[str, JsonValue]) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate(fields)


@pytest.mark.parametrize(
    ("switch", "document"),
    [
        ("allow_http_redirect_uris", {"redirect_uris": ["http://shop.example.com/cb"]}),
        (
            "allow_schemes_without_dot",
            {"redirect_uris": ["cursor://callback"], "application_type": "native"},
        ),
    ],
)
def test_s044_s046_a_policy_can_loosen_what_the_standards_leave_to_a_server(
    switch: str, document: Mapping[str, JsonValue]
) -> None:
    with pytest.raises(InvalidRedirectUri):
        check_client_metadata(parse_client_metadata(document), Policy().rules)
    check_client_metadata(
        parse_client_metadata(document), Policy.model_validate({switch: True}).rules
    )


def test_durations_and_rates_are_written_as_text_and_kept_as_numbers() -> None:
    policy = Policy.model_validate({"secret_lifetime": "90d", "rate": "60/1m"})
    assert policy.secret_lifetime == 90 * 86400
    assert policy.rate == (60, 60)


def test_no_access_token_outlives_its_key() -> None:
    assert Policy.model_validate({"access_token_lifetime": "1d"}).access_token_lifetime == 86_400
    with pytest.raises(ValidationError, match="less than or equal to 86400"):
        Policy.model_validate({"access_token_lifetime": "2d"})


def test_a_changed_copy_of_a_policy_says_what_its_own_values_say() -> None:
    wide = Policy(redirect_uris=("https://*.a.example/*",), allow_http_redirect_uris=True)
    uri = "https://b.a.example/cb"
    assert wide._admits_uri(uri)
    assert wide.rules.allow_http_redirect_uris
    changes = {"redirect_uris": ("https://a.example/*",), "allow_http_redirect_uris": False}
    narrow = wide.model_copy(update=changes)
    assert not narrow._admits_uri(uri)
    assert not narrow.rules.allow_http_redirect_uris
    assert wide._admits_uri(uri)
    assert narrow == Policy.model_validate(changes)
