import pytest

from dcr_protocol.errors import (
    InvalidClientMetadata,
    InvalidRedirectUri,
    InvalidRequest,
    ProtocolError,
    RegistrationErrorCode,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRedirectUri("no"), "invalid_redirect_uri"),
        (InvalidClientMetadata("no"), "invalid_client_metadata"),
        (InvalidRequest("no"), "invalid_request"),
        (
            ProtocolError(RegistrationErrorCode.INVALID_SOFTWARE_STATEMENT, "no"),
            "invalid_software_statement",
        ),
    ],
)
def test_s090_an_error_is_400_with_code_and_description(error: ProtocolError, code: str) -> None:
    assert error.status == 400
    assert error.to_document() == {"error": code, "error_description": "no"}
    assert str(error) == f"{code}: no"


def test_s090_a_description_is_ascii_without_quotes_and_backslashes() -> None:
    error = InvalidClientMetadata('client_name "Müller\\x" is\nodd')
    assert error.to_document()["error_description"] == "client_name ?M?ller?x? is?odd"


def test_an_error_of_the_token_endpoint_keeps_its_status_and_headers() -> None:
    error = ProtocolError(
        RegistrationErrorCode.INVALID_CLIENT,
        "no",
        status=401,
        headers={"WWW-Authenticate": "Basic"},
    )
    assert (error.status, error.headers) == (401, {"WWW-Authenticate": "Basic"})


def test_s091_the_codes_are_those_of_the_rfcs() -> None:
    assert {code.value for code in RegistrationErrorCode} == {
        "invalid_redirect_uri",
        "invalid_client_metadata",
        "invalid_software_statement",
        "unapproved_software_statement",
        "invalid_request",
        "invalid_token",
        "insufficient_scope",
        "invalid_client",
        "invalid_grant",
        "invalid_scope",
        "invalid_target",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_token_type",
        "temporarily_unavailable",
    }
