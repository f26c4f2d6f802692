import pytest

from dcr_protocol.errors import InvalidClientMetadata
from dcr_protocol.grants import complete_grants, returns_id_token, uses_implicit

Words = tuple[str, ...]


@pytest.mark.parametrize(
    ("grant_types", "response_types", "complete"),
    [
        (None, None, (("authorization_code",), ("code",))),
        (("authorization_code",), None, (("authorization_code",), ("code",))),
        (
            ("refresh_token", "authorization_code"),
            None,
            (("refresh_token", "authorization_code"), ("code",)),
        ),
        (("client_credentials",), None, (("client_credentials",), ())),
        (("urn:ietf:params:oauth:grant-type:device_code",), None, None),
        (None, ("code",), (("authorization_code",), ("code",))),
        (None, ("token",), (("implicit",), ("token",))),
        (None, ("id_token",), (("implicit",), ("id_token",))),
        (None, ("code id_token",), (("authorization_code", "implicit"), ("code id_token",))),
        (None, ("none",), (("authorization_code",), ("none",))),
    ],
)
def test_s022_what_was_left_out_is_provisioned_to_fit(
    grant_types: Words | None, response_types: Words | None, complete: tuple[Words, Words] | None
) -> None:
    expected = (grant_types, ()) if complete is None else complete
    assert complete_grants(grant_types, response_types) == expected


@pytest.mark.parametrize(
    ("response_type", "needed"),
    [
        ("code", ("authorization_code",)),
        ("id_token", ("implicit",)),
        ("token", ("implicit",)),
        ("id_token token", ("implicit",)),
        ("code id_token", ("authorization_code", "implicit")),
        ("code token", ("authorization_code", "implicit")),
        ("code id_token token", ("authorization_code", "implicit")),
    ],
)
def test_s024_a_response_type_needs_its_grant_types(response_type: str, needed: Words) -> None:
    assert complete_grants(needed, (response_type,)) == (needed, (response_type,))
    for left_out in needed:
        others = tuple(grant for grant in needed if grant != left_out) or ("refresh_token",)
        with pytest.raises(InvalidClientMetadata, match=f"{left_out} in grant_types"):
            complete_grants(others, (response_type,))


@pytest.mark.parametrize(
    "grant_type",
    [
        "client_credentials",
        "refresh_token",
        "password",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:openid:params:grant-type:ciba",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ],
)
def test_s024_a_grant_without_redirection_needs_no_response_type(grant_type: str) -> None:
    assert complete_grants((grant_type,), ()) == ((grant_type,), ())


@pytest.mark.parametrize(
    ("grant_types", "response_types", "description"),
    [
        (("authorization_code",), (), "response_types needs code"),
        (("authorization_code", "client_credentials"), (), "response_types needs code"),
        (("authorization_code", "implicit"), ("token",), "response_types needs code"),
        (("authorization_code", "implicit"), ("code",), "one with token or id_token"),
        (("authorization_code", "implicit"), None, "one with token or id_token"),
        (("implicit",), None, "one with token or id_token"),
        (("implicit",), ("none",), "one with token or id_token"),
        (None, (), "response_types needs code"),
    ],
)
def test_s024_a_grant_type_that_nothing_leads_to_is_refused(
    grant_types: Words | None, response_types: Words | None, description: str
) -> None:
    with pytest.raises(InvalidClientMetadata, match=description):
        complete_grants(grant_types, response_types)


def test_s025_a_response_type_is_a_set_and_is_kept_as_sent() -> None:
    grants = ("authorization_code", "implicit")
    sent = ("token id_token  code",)
    assert complete_grants(grants, sent) == (grants, sent)


@pytest.mark.parametrize("response_type", ["pineapple", "code pineapple", "none code", " ", "CODE"])
def test_an_unknown_response_type_is_refused(response_type: str) -> None:
    with pytest.raises(InvalidClientMetadata, match="not known"):
        complete_grants(None, (response_type,))


@pytest.mark.parametrize("response_types", [None, (), ("code",)])
def test_s026_an_empty_array_of_grant_types_is_refused(response_types: Words | None) -> None:
    with pytest.raises(InvalidClientMetadata, match="must not be empty"):
        complete_grants((), response_types)


@pytest.mark.parametrize(
    ("response_types", "implicit", "id_token"),
    [
        ((), False, False),
        (("code",), False, False),
        (("none",), False, False),
        (("code", "token"), True, False),
        (("code id_token",), True, True),
        (("id_token",), True, True),
    ],
)
def test_tokens_in_the_redirection_are_noticed(
    response_types: Words, implicit: bool, id_token: bool
) -> None:
    assert uses_implicit(response_types) is implicit
    assert returns_id_token(response_types) is id_token
