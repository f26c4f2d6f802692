import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from dcr_protocol.response_errors import (
    MAX_PROVIDER_TEXT,
    MalformedResponse,
    NotSupported,
    ProtocolResponseError,
    RateLimited,
    RequestRefused,
    ServerUnavailable,
    TokenRejected,
    clean_text,
    response_error,
)

DATE = "Mon, 23 Nov 2026 10:43:09 GMT"


def judge(status: int, document: JsonValue = None, **headers: str) -> ProtocolResponseError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return response_error(status, named, b"" if document is None else json.dumps(document).encode())


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_redirect_uri", RequestRefused),
        (400, None, RequestRefused),
        (400, "access_denied", TokenRejected),
        (401, "invalid_token", TokenRejected),
        (401, "invalid_client", TokenRejected),
        (401, None, TokenRejected),
        (403, "insufficient_scope", RequestRefused),
        (403, "access_denied", RequestRefused),
        (404, "invalid_request", NotSupported),
        (405, None, NotSupported),
        (408, None, ServerUnavailable),
        (409, None, RequestRefused),
        (413, None, RequestRefused),
        (415, None, RequestRefused),
        (422, None, RequestRefused),
        (425, None, ServerUnavailable),
        (429, None, RateLimited),
        (500, "unknown_error", ServerUnavailable),
        (501, None, NotSupported),
        (502, None, ServerUnavailable),
        (503, "temporarily_unavailable", ServerUnavailable),
        (301, None, MalformedResponse),
        (307, None, MalformedResponse),
        (204, None, MalformedResponse),
    ],
)
def test_c022_to_c025_the_status_says_what_kind_of_refusal_it_is(
    status: int, code: str | None, kind: type[ProtocolResponseError]
) -> None:
    error = judge(status, {"error": code, "error_description": "because"})
    assert type(error) is kind
    assert (error.status, error.code, error.description) == (status, code, "because")


@pytest.mark.parametrize(
    ("document", "code", "description"),
    [
        ({"error": "invalid_token"}, "invalid_token", ""),
        ({"error_description": "no"}, None, "no"),
        ({"error": "", "error_description": ""}, None, ""),
        ({"error": 7, "error_description": 7}, None, ""),
        ({"error": "HTTP 404 Not Found"}, None, "HTTP 404 Not Found"),
        ({"error": "The request", "error_description": "failed"}, None, "The request; failed"),
        ({"error": {"code": 404, "message": "Not Found", "reason": "no route"}}, None, "no route"),
        ({"error": {"code": 404, "message": "Not Found"}}, None, "Not Found"),
        ({"error": {"message": ["x"]}}, None, ""),
        ({"error": "x" * 65}, None, "x" * 65),
        ({"message": "other shape"}, None, ""),
    ],
)
def test_s090_code_and_description_are_found_wherever_servers_put_them(
    document: JsonValue, code: str | None, description: str
) -> None:
    error = judge(400, document)
    assert (error.code, error.description) == (code, description)


@pytest.mark.parametrize(
    ("challenge", "code"),
    [
        ("Bearer", None),
        ('Bearer realm="R", error="invalid_token", error_description="x"', "invalid_token"),
        ("Bearer error=invalid_token", "invalid_token"),
        ('Bearer my_error="x"', None),
    ],
)
def test_the_code_may_be_in_the_challenge_alone(challenge: str, code: str | None) -> None:
    assert judge(401, WWW_Authenticate=challenge).code == code


@pytest.mark.parametrize(
    ("body", "content_type", "description"),
    [
        (b"", "text/html", "an empty body"),
        (
            b"<html>",
            "text/html; charset=utf-8",
            "a body of type text/html, not the JSON of the RFC",
        ),
        (b"oops", "", "a body of type unknown, not the JSON of the RFC"),
    ],
)
def test_a_body_that_is_no_error_document_is_named_and_not_quoted(
    body: bytes, content_type: str, description: str
) -> None:
    assert response_error(500, {"Content-Type": content_type}, body).description == description


@pytest.mark.parametrize(
    ("retry_after", "date", "seconds"),
    [
        ("", DATE, None),
        ("0", "", 0.0),
        ("120", "", 120.0),
        (" 7 ", DATE, 7.0),
        ("-1", DATE, None),
        ("1.5", DATE, None),
        ("soon", DATE, None),
        ("99999999999", DATE, None),
        ("Mon, 23 Nov 2026 10:44:09 GMT", DATE, 60.0),
        ("Mon, 23 Nov 2026 10:42:09 GMT", DATE, 0.0),
        ("Mon, 23 Nov 2026 10:44:09 GMT", "", None),
        ("Mon, 23 Nov 2026 10:44:09", DATE, None),
        ("Mon, 23 Nov 2026 10:44:09 GMT", "Mon, 23 Nov 2026 10:43:09 -0000", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_c051_retry_after_is_seconds_or_a_date_of_the_servers_clock(
    status: int, retry_after: str, date: str, seconds: float | None
) -> None:
    assert judge(status, Retry_After=retry_after, Date=date).retry_after == seconds


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain", "plain"),
        ("  two\r\nlines\tand\x00more ", "two lines and more"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("right\u202eto left\u2028line", "right to left line"),
        ("ümlaut 日本", "ümlaut 日本"),
        ("\ud800", ""),
        ("x" * 256, "x" * 256),
        ("x" * 257, "x" * 255 + "…"),
    ],
)
def test_c052_text_of_a_provider_is_one_short_line(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@given(st.text(max_size=600))
@settings(deadline=None)
def test_c052_any_text_becomes_printable_and_short(text: str) -> None:
    clean = clean_text(text)
    assert clean.isprintable()
    assert len(clean) <= MAX_PROVIDER_TEXT
    assert clean_text(clean) == clean


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            judge(400, {"error": "invalid_request", "error_description": "no"}),
            "400 invalid_request: no",
        ),
        (judge(400, {"error": "invalid_request"}), "400 invalid_request"),
        (judge(404, {"error": "Realm does not exist"}), "404: Realm does not exist"),
        (judge(500, {"x": 1}), "500"),
    ],
)
def test_the_text_of_an_error_is_status_code_and_description(
    error: ProtocolResponseError, text: str
) -> None:
    assert str(error) == text


@given(st.integers(100, 599), st.binary(max_size=100))
@settings(deadline=None)
def test_any_response_can_be_judged(status: int, body: bytes) -> None:
    assert response_error(status, {}, body).status == status


@pytest.mark.parametrize(
    "quoted",
    [
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl",
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0." + "c2ln" * 200,
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJhIn0.",
    ],
)
def test_a_jwt_that_a_server_quotes_is_not_repeated(quoted: str) -> None:
    body = json.dumps(
        {"error": "invalid_software_statement", "error_description": f"<{quoted}> no"}
    )
    found = response_error(400, {}, body.encode())
    assert found.description == "<…> no"
    assert "eyJ" not in str(found)
