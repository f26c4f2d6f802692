"""What a server may answer instead of what we asked for, as the client sees it.

    ProtocolResponseError       status, code, description, retry_after
    ├── RequestRefused          4xx with a reason: another request might pass
    ├── TokenRejected           401, or Authlib's 400 access_denied: the bearer token, or the client
    ├── NotSupported            404, 405, 501: the endpoint or the method is not there
    ├── RateLimited             429
    ├── ServerUnavailable       5xx: later
    └── MalformedResponse       a success that is not one, a redirect, something else entirely

Text of the server passes `clean_text` before it gets in here. Bodies of successes, which hold
credentials, never do.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from dcr_protocol.json_document import read_json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcr_protocol.json_document import JsonValue

MAX_PROVIDER_TEXT: Final = 256
# RFC 7515 §7.1. A server that quotes a token, or a software statement, tells nobody else.
_JWT: Final = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}(?:[.][A-Za-z0-9_-]*)*")


def clean_text(text: str) -> str:
    """Make untrusted text fit for conditions and logs (C-052): one line, 256 characters."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    shortened = " ".join(printable.split())
    if len(shortened) <= MAX_PROVIDER_TEXT:
        return shortened
    return shortened[: MAX_PROVIDER_TEXT - 1] + "…"


class ProtocolResponseError(Exception):
    """The answer of a server is not what the request was for."""

    def __init__(
        self,
        description: str,
        *,
        status: int,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.description = clean_text(_JWT.sub("…", description))
        self.status = status
        # The member `error` when the server sent one; not necessarily a registered code.
        self.code = clean_text(code) if code else None
        # Seconds, when the server said so.
        self.retry_after = retry_after
        prefix = f"{status} {self.code}" if self.code else f"{status}"
        super().__init__(f"{prefix}: {self.description}" if self.description else prefix)


class RequestRefused(ProtocolResponseError):  # noqa: N818 - a fact to be judged, not a fault
    """The server understood and said no (RFC 7591 §3.2.2, RFC 7592 §2)."""


class TokenRejected(ProtocolResponseError):  # noqa: N818 - a fact to be judged, not a fault
    """The access token is not accepted, or its client does not exist (C-022, C-025)."""


class NotSupported(ProtocolResponseError):  # noqa: N818 - a fact to be judged, not a fault
    """The server has no such endpoint, or not with this method (C-024, C-025)."""


class RateLimited(ProtocolResponseError):  # noqa: N818 - a fact to be judged, not a fault
    """Too many requests; see `retry_after` (C-051)."""


class ServerUnavailable(ProtocolResponseError):  # noqa: N818 - a fact to be judged, not a fault
    """The server failed or is overloaded; the request may or may not have had an effect."""


class MalformedResponse(ProtocolResponseError):  # noqa: N818 - a fact to be judged, not a fault
    """The answer cannot be read as what it claims to be (C-011)."""


_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_CHALLENGED_CODE: Final = re.compile(r'\berror="?([a-z0-9_]{1,64})"?', re.ASCII)

_NOT_SUPPORTED: Final = frozenset(
    {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
)
_TRY_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


def response_error(status: int, headers: Mapping[str, str], body: bytes) -> ProtocolResponseError:
    """Judge a response that is no success: what kind of refusal, and what the server says."""
    document = read_json_object(body) or {}
    code, description = _error_members(document)
    code = code or _code_of_challenge(headers)
    if not description and not document:
        description = _describe_body(headers, body)
    return _kind(status, code)(
        description, status=status, code=code, retry_after=_retry_after(headers)
    )


def header(headers: Mapping[str, str], name: str) -> str:
    """Look a header up by its name in lower case, whatever the mapping does about case."""
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _kind(status: int, code: str | None) -> type[ProtocolResponseError]:
    if status in _NOT_SUPPORTED:
        return NotSupported
    # RFC 7592 §2: 401 for a bad token and for a client that does not exist. Authlib answers
    # 400 access_denied to a token that it does not accept (C-025).
    if status == HTTPStatus.UNAUTHORIZED or (
        status == HTTPStatus.BAD_REQUEST and code == "access_denied"
    ):
        return TokenRejected
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TRY_LATER:
        return ServerUnavailable
    return RequestRefused if status >= HTTPStatus.BAD_REQUEST else MalformedResponse


def _error_members(document: Mapping[str, JsonValue]) -> tuple[str | None, str]:
    error, description = document.get("error"), document.get("error_description")
    text = description if isinstance(description, str) else ""
    if isinstance(error, str) and _CODE.fullmatch(error):
        return error, text
    # Keycloak and Hydra put sentences, or whole objects, where the code belongs.
    return None, "; ".join(part for part in (_sentence(error), text) if part)


def _sentence(error: JsonValue) -> str:
    if isinstance(error, dict):
        reason = error.get("reason") or error.get("message")
        return reason if isinstance(reason, str) else ""
    return error if isinstance(error, str) else ""


def _code_of_challenge(headers: Mapping[str, str]) -> str | None:
    # RFC 6750 §3: the code may be in the header alone.
    match = _CHALLENGED_CODE.search(header(headers, "www-authenticate"))
    return match.group(1) if match else None


def _describe_body(headers: Mapping[str, str], body: bytes) -> str:
    if not body:
        return "an empty body"
    media_type = header(headers, "content-type").partition(";")[0].strip()
    return f"a body of type {media_type or 'unknown'}, not the JSON of the RFC"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """RFC 9110 §10.2.3: seconds or a date; a date counts from the Date of the response."""
    value = header(headers, "retry-after").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        now = parsedate_to_datetime(header(headers, "date"))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None
