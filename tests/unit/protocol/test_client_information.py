import json

import pytest
from pydantic import JsonValue, SecretStr

from dcr_protocol.client_information import (
    ClientInformation,
    client_information_document,
    parse_client_information_response,
    parse_deletion_response,
)
from dcr_protocol.response_errors import (
    MalformedResponse,
    NotSupported,
    ProtocolResponseError,
    RateLimited,
    RequestRefused,
    ServerUnavailable,
    TokenRejected,
)

FULL = ClientInformation(
    client_id="c1",
    client_secret=SecretStr("s3cret"),
    client_id_issued_at=1,
    client_secret_expires_at=0,
    registration_access_token=SecretStr("t0ken"),
    registration_client_uri="https://as.example/register/c1",
    metadata={"client_name": "x", "grant_types": []},
)


def read(**members: JsonValue) -> ClientInformation:
    return parse_client_information_response(201, {}, json.dumps(members).encode())


def test_s085_the_response_has_everything_in_one_order_and_no_placeholders() -> None:
    assert list(client_information_document(FULL).items()) == [
        ("client_id", "c1"),
        ("client_secret", "s3cret"),
        ("client_id_issued_at", 1),
        ("client_secret_expires_at", 0),
        ("registration_access_token", "t0ken"),
        ("registration_client_uri", "https://as.example/register/c1"),
        ("client_name", "x"),
        ("grant_types", []),
    ]
    assert client_information_document(ClientInformation(client_id="c1")) == {"client_id": "c1"}


@pytest.mark.parametrize("information", [FULL, ClientInformation(client_id="c2")])
def test_what_the_server_answers_is_what_the_client_reads(information: ClientInformation) -> None:
    body = json.dumps(client_information_document(information)).encode()
    assert parse_client_information_response(201, {}, body) == information


@pytest.mark.parametrize("status", [200, 201])
def test_c010_201_and_200_are_successes(status: int) -> None:
    assert parse_client_information_response(status, {}, b'{"client_id": "c1"}').client_id == "c1"


@pytest.mark.parametrize("status", [202, 204, 206, 302, 307])
def test_c010_no_other_status_is_client_information(status: int) -> None:
    with pytest.raises(MalformedResponse):
        parse_client_information_response(status, {}, b'{"client_id": "c1"}')


@pytest.mark.parametrize(
    "members",
    [{}, {"client_id": None}, {"client_id": ""}, {"client_id": 7}, {"client_id": "a\nb"}],
)
def test_c011_without_client_id_it_is_no_registration(members: dict[str, JsonValue]) -> None:
    with pytest.raises(MalformedResponse, match="a success without client_id"):
        read(**members, client_secret="s3cret")


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"null", b"\xff"])
def test_c011_a_success_that_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponse, match="200: a success without a JSON object"):
        parse_client_information_response(200, {}, body)


def test_c011_unknown_members_are_kept_and_null_and_empty_are_absent() -> None:
    information = read(
        client_id="c1",
        client_secret="",
        client_id_issued_at=None,
        registration_access_token=None,
        registration_client_uri="",
        owner="",
        contacts=None,
        jwks={},
        skip_consent=False,
        redirect_uris=[],
    )
    assert information == ClientInformation(
        client_id="c1", metadata={"jwks": {}, "skip_consent": False, "redirect_uris": []}
    )


@pytest.mark.parametrize(
    ("sent", "seconds", "deviations"),
    [
        (0, 0, ()),
        (None, None, ()),
        (1577858400, 1577858400, ()),
        (1577858400123, 1577858400, ("client_secret_expires_at was read as milliseconds",)),
        ("1577858400", 1577858400, ("client_secret_expires_at is not a whole number",)),
        (1577858400.5, 1577858400, ("client_secret_expires_at is not a whole number",)),
        ("0", 0, ("client_secret_expires_at is not a whole number",)),
        (-1, None, ("client_secret_expires_at is not a time in seconds and was left out",)),
        (True, None, ("client_secret_expires_at is not a time in seconds and was left out",)),
        ("soon", None, ("client_secret_expires_at is not a time in seconds and was left out",)),
        ([], None, ("client_secret_expires_at is not a time in seconds and was left out",)),
    ],
)
def test_c013_a_time_is_read_from_what_servers_send(
    sent: JsonValue, seconds: int | None, deviations: tuple[str, ...]
) -> None:
    information = read(client_id="c1", client_secret_expires_at=sent)
    assert information.client_secret_expires_at == seconds
    assert information.deviations == deviations


@pytest.mark.parametrize(
    "url",
    [
        "https://as.example/register/c1",
        "https://as.example/register?client_id=c1",
        "http://as.example:8080/r/{c1}|x",
        "HTTPS://AS.example",
    ],
)
def test_c014_the_configuration_url_is_used_as_given(url: str) -> None:
    assert read(client_id="c1", registration_client_uri=url).registration_client_uri == url


@pytest.mark.parametrize(
    "url",
    [
        "/register/c1",
        "as.example/register",
        "ftp://as.example/c1",
        "https://",
        "https:///c1",
        "https://user:pw@as.example/c1",
        "https://as.example/c 1",
        "https://as.example/c1\r\nX: y",
        "https://as.example/ü",
        7,
        ["https://as.example"],
    ],
)
def test_c014_a_configuration_url_that_cannot_be_used_is_left_out(url: JsonValue) -> None:
    information = read(client_id="c1", registration_client_uri=url)
    assert information.registration_client_uri is None
    assert information.deviations == (
        "registration_client_uri is not an absolute URL and was left out",
    )


@pytest.mark.parametrize("token", ["a b", "a\r\nHost: evil", "ü", "\x7f"])
def test_c014_a_token_that_does_not_fit_a_header_is_left_out(token: str) -> None:
    information = read(client_id="c1", registration_access_token=token)
    assert information.registration_access_token is None
    assert information.deviations == (
        "registration_access_token cannot be sent in a header and was left out",
    )


@pytest.mark.parametrize("value", [7, ["s3cret"], {"value": "s3cret"}, True])
def test_a_credential_that_is_no_string_is_left_out(value: JsonValue) -> None:
    information = read(client_id="c1", client_secret=value, registration_access_token=value)
    assert (information.client_secret, information.registration_access_token) == (None, None)
    assert information.deviations == (
        "client_secret is not a string and was left out",
        "registration_access_token is not a string and was left out",
    )


def test_c050_no_credential_shows_in_repr_or_text() -> None:
    shown = f"{FULL!r} {FULL} {FULL.client_secret} {FULL.registration_access_token!r}"
    assert "s3cret" not in shown
    assert "t0ken" not in shown


@pytest.mark.parametrize(
    "body",
    [
        b'{"client_secret": "s3cret", "registration_access_token": "t0ken"}',
        b'{"client_secret": "s3cret", "registration_access_token": "t0ken"',
        b'{"client_id": ["s3cret", "t0ken"]}',
    ],
)
@pytest.mark.parametrize("status", [200, 201, 204, 302])
def test_c050_no_credential_shows_in_the_error_of_a_broken_success(
    status: int, body: bytes
) -> None:
    with pytest.raises(MalformedResponse) as caught:
        parse_client_information_response(status, {"location": "/t0ken"}, body)
    assert "s3cret" not in f"{caught.value!r} {caught.value}"
    assert "t0ken" not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_c040_a_deletion_is_done_on_these(status: int) -> None:
    parse_deletion_response(status, {}, b"")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, TokenRejected),
        (403, RequestRefused),
        (404, NotSupported),
        (405, NotSupported),
        (429, RateLimited),
        (500, ServerUnavailable),
        (302, MalformedResponse),
        (201, MalformedResponse),
    ],
)
def test_c040_a_deletion_is_not_done_on_these(
    status: int, error: type[ProtocolResponseError]
) -> None:
    with pytest.raises(error):
        parse_deletion_response(status, {}, b"")
