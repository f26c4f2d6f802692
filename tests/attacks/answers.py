"""What every answer must be, whatever it answers to."""

import json
import re
from collections.abc import Mapping

import httpx

from dcr_protocol.errors import RegistrationErrorCode
from dcr_protocol.json_document import parse_json_object

PUBLIC_PATHS = ("/jwks", "/openapi.json", "/.well-known/")
_CODES = {code.value for code in RegistrationErrorCode}
# RFC 6749 §5.2
_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
# What tells about our inside: languages, libraries, versions, places, statements.
_LEAKS = re.compile(
    r"traceback|exception|\.py\b|python|uvicorn|starlette|pydantic|httptools|sqlite|postgres"
    r"|asyncpg|joserfc|site-packages|/home/|/usr/|/tmp/|line \d+|select |insert |0x[0-9a-f]{6}",
    re.IGNORECASE,
)


def refusal(response: httpx.Response, *statuses: int) -> str:
    """Check that it is an error as the RFCs have it, and give its code."""
    assert response.status_code in statuses, (response.status_code, response.text)
    _check_headers(response.headers)
    return check_error(response.content)


def check_error(body: bytes) -> str:
    """S-009, S-090, S-092: a code and a description in ASCII, and nothing else."""
    document = parse_json_object(body)
    assert set(document) == {"error", "error_description"}
    code, description = document["error"], document["error_description"]
    assert code in _CODES
    assert isinstance(description, str)
    assert _DESCRIPTION.fullmatch(description), description
    return str(code)


def check_answer(response: httpx.Response) -> None:
    """Check what holds for each answer, good or bad: never a 5xx, JSON, not cached, no leak."""
    assert response.status_code < 500, response.text
    _check_headers(response.headers, public=_is_public(response))
    if response.status_code >= 400 and response.request.method != "HEAD":
        check_error(response.content)
        check_leaks(response.text)
    elif response.content:
        assert isinstance(json.loads(response.content), dict)


def check_leaks(text: str) -> None:
    assert not _LEAKS.search(text), text


def _is_public(response: httpx.Response) -> bool:
    return response.status_code == 200 and response.url.path.startswith(PUBLIC_PATHS)


def _check_headers(headers: Mapping[str, str], *, public: bool = False) -> None:
    for name, value in headers.items():
        assert (name + value).isascii(), name
        assert (name + value).isprintable(), name
        check_leaks(value)
    assert "server" not in headers
    assert "x-powered-by" not in headers
    assert headers["cache-control"] == ("public, max-age=300" if public else "no-store")
    if not public:
        assert headers["pragma"] == "no-cache"
    if "content-type" in headers:
        assert headers["content-type"] == "application/json"
