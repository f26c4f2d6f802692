import pytest
from pydantic import JsonValue

from dcr_protocol.differences import Difference, DifferenceKind, differences

Document = dict[str, JsonValue]


@pytest.mark.parametrize(
    ("wanted", "returned"),
    [
        ({}, {"client_name": "x"}),
        ({"client_name": "x"}, {"client_name": "x", "owner": "y"}),
        ({"scope": "a b"}, {"scope": "b a"}),
        ({"scope": "a b a"}, {"scope": "a  b"}),
        ({"contacts": ["a", "b"]}, {"contacts": ["b", "a"]}),
        ({"redirect_uris": ["a", "b"]}, {"redirect_uris": ["b", "a", "a"]}),
        ({"grant_types": ["a"]}, {"grant_types": ["refresh_token", "a"]}),
        ({"response_types": ["code"]}, {"response_types": ["code", "none"]}),
        ({"response_types": ["code id_token"]}, {"response_types": ["id_token code"]}),
        ({"response_types": []}, {}),
        ({"response_types": []}, {"response_types": None}),
        ({"require_auth_time": False}, {}),
        ({"require_auth_time": False}, {"require_auth_time": None}),
        ({"redirect_uris": []}, {"redirect_uris": None}),
        ({"logo_uri": None}, {"logo_uri": ""}),
        ({"jwks": {"keys": [{"a": 1, "b": 2}]}}, {"jwks": {"keys": [{"b": 2, "a": 1}]}}),
        ({"client_name#DE": "x"}, {"client_name#de": "x"}),
        ({"default_acr_values": ["1", "2"]}, {"default_acr_values": ["1", "2"]}),
        ({"client_id": "1", "client_secret": "2"}, {"client_id": "3"}),
    ],
)  # fmt: skip
def test_c012_what_means_the_same_is_no_difference(wanted: Document, returned: Document) -> None:
    assert differences(wanted, returned) == ()


@pytest.mark.parametrize(
    ("member", "wanted", "returned"),
    [
        ("client_name", "x", "X"),
        ("scope", "a b", "a"),
        ("scope", "a", "a b"),
        ("scope", "a", ["a"]),
        ("redirect_uris", ["https://a"], ["https://a/"]),
        ("redirect_uris", ["https://a"], ["https://a", "https://b"]),
        ("redirect_uris", ["https://a", "https://b"], ["https://a"]),
        ("redirect_uris", [], ["https://a"]),
        ("redirect_uris", ["https://a"], []),
        ("grant_types", ["a", "b"], ["a"]),
        ("response_types", ["code"], ["code id_token"]),
        ("require_auth_time", True, False),
        ("require_auth_time", False, True),
        ("default_max_age", 1, "1"),
        ("default_acr_values", ["1", "2"], ["2", "1"]),
        ("jwks", {"keys": []}, {"keys": [{"kty": "RSA"}]}),
        ("token_endpoint_auth_method", "client_secret_basic", "client_secret_post"),
    ],
)
def test_c012_another_value_is_a_change(
    member: str, wanted: JsonValue, returned: JsonValue
) -> None:
    change = Difference(member, wanted, returned, DifferenceKind.CHANGED)
    assert differences({member: wanted}, {member: returned}) == (change,)


@pytest.mark.parametrize("returned", [{}, {"jwks": None}, {"jwks": ""}, {"jwks": {}}])
def test_c012_a_member_that_does_not_come_back_is_not_a_change(returned: Document) -> None:
    wanted: Document = {"jwks": {"keys": []}}
    lost = Difference("jwks", {"keys": []}, None, DifferenceKind.NOT_RETURNED)
    assert differences(wanted, returned) == (lost,)


def test_differences_come_in_the_order_of_the_wish() -> None:
    wanted: Document = {"b": "1", "a": "1", "c": "1"}
    assert [item.member for item in differences(wanted, {"c": "1"})] == ["b", "a"]
