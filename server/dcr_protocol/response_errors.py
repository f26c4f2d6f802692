"""What a server may answer instead of what we asked for, as the client sees it.

    ProtocolResponseError       status, code, description, retry_after
    ├── RequestRefused          4xx with a reason: another request might pass
    ├── TokenRejected           401, or Authlib's 400 access_denied: the bearer token, or the client
    ├── NotSupported            404, 405, 501: the endpoint or the method is not there
    ├── RateLimited             429
    ├── ServerUnavailable       5xx: later
    └── MalformedResponse       a success that is not one, a redirect, something else entirely

Text of the server passes `clean_text` before it gets in here. No credential ever does.
"""

from __future__ import annotations

from typing import Final

MAX_PROVIDER_TEXT: Final = 256


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
        self.description = clean_text(description)
        self.status = status
        # The member `error` when the server sent one; not necessarily a registered code.
        self.code = clean_text(code) if code else None
        # Seconds, when the server said so.
        self.retry_after = retry_after
        prefix = f"{status} {self.code}" if self.code else f"{status}"
        super().__init__(f"{prefix}: {self.description}" if self.description else prefix)


class RequestRefused(ProtocolResponseError):
    """The server understood and said no (RFC 7591 §3.2.2, RFC 7592 §2)."""


class TokenRejected(ProtocolResponseError):
    """The access token is not accepted, or its client does not exist (C-022, C-025)."""


class NotSupported(ProtocolResponseError):
    """The server has no such endpoint, or not with this method (C-024, C-025)."""


class RateLimited(ProtocolResponseError):
    """Too many requests; see `retry_after` (C-051)."""


class ServerUnavailable(ProtocolResponseError):
    """The server failed or is overloaded; the request may or may not have had an effect."""


class MalformedResponse(ProtocolResponseError):
    """The answer cannot be read as what it claims to be (C-011)."""
