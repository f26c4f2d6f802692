"""The errors of the protocol, raised by the server and read back by the client.

ProtocolError                 code + description, rendered as one JSON document
├── InvalidRequest            RFC 6750 §3.1; also what is not a JSON object at all
├── InvalidRedirectUri        RFC 7591 §3.2.2
├── InvalidClientMetadata     RFC 7591 §3.2.2
├── InvalidSoftwareStatement, UnapprovedSoftwareStatement    RFC 7591 §3.2.2
├── TooManyRequests           RFC 6585 §4, says when to come again
└── AccessTokenError          RFC 6750 §3.1, carries its challenge
"""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class RegistrationErrorCode(StrEnum):
    """Every value that the member `error` can have in our answers."""

    # RFC 7591 §3.2.2
    INVALID_REDIRECT_URI = "invalid_redirect_uri"
    INVALID_CLIENT_METADATA = "invalid_client_metadata"
    INVALID_SOFTWARE_STATEMENT = "invalid_software_statement"
    UNAPPROVED_SOFTWARE_STATEMENT = "unapproved_software_statement"
    # RFC 6750 §3.1
    INVALID_REQUEST = "invalid_request"
    INVALID_TOKEN = "invalid_token"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    # RFC 6749 §5.2, RFC 8707 §2 (token endpoint)
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    # RFC 7009 §2.2.1
    UNSUPPORTED_TOKEN_TYPE = "unsupported_token_type"
    # RFC 6749 §4.1.2.1; used with 429 and 503
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"


def ascii_description(text: str) -> str:
    """Keep a description within RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E."""
    return "".join(
        character if " " <= character <= "~" and character not in '"\\' else "?"
        for character in text
    )


class ProtocolError(Exception):
    """A request that the protocol refuses. Its text is public: never put a credential in it."""

    def __init__(
        self,
        code: RegistrationErrorCode,
        description: str,
        *,
        status: int = HTTPStatus.BAD_REQUEST,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code.value}: {description}")
        self.code = code
        self.description = ascii_description(description)
        self.status = int(status)
        self.headers: Mapping[str, str] = dict(headers or {})

    def to_document(self) -> dict[str, str]:
        """Render RFC 7591 §3.2.2: both members are ASCII."""
        return {"error": self.code.value, "error_description": self.description}


class InvalidRequest(ProtocolError):  # noqa: N818 - named after its code
    """The request is not one: no JSON object, a member repeated, a forbidden member."""

    def __init__(self, description: str, *, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(RegistrationErrorCode.INVALID_REQUEST, description, status=status)


class InvalidRedirectUri(ProtocolError):  # noqa: N818 - named after its code
    """A redirection URI cannot be registered."""

    def __init__(self, description: str) -> None:
        super().__init__(RegistrationErrorCode.INVALID_REDIRECT_URI, description)


class InvalidClientMetadata(ProtocolError):  # noqa: N818 - named after its code
    """A member is of the wrong type, has a value we refuse, or contradicts another."""

    def __init__(self, description: str) -> None:
        super().__init__(RegistrationErrorCode.INVALID_CLIENT_METADATA, description)


class InvalidSoftwareStatement(ProtocolError):  # noqa: N818 - named after its code
    """A software statement is malformed, forged, out of date, or missing where one is needed."""

    def __init__(self, description: str) -> None:
        super().__init__(RegistrationErrorCode.INVALID_SOFTWARE_STATEMENT, description)


class UnapprovedSoftwareStatement(ProtocolError):  # noqa: N818 - named after its code
    """A software statement whose issuer or software does not count here."""

    def __init__(self, description: str) -> None:
        super().__init__(RegistrationErrorCode.UNAPPROVED_SOFTWARE_STATEMENT, description)


class TooManyRequests(ProtocolError):  # noqa: N818 - named after its status
    """A rate is used up: 429, and after how many seconds the same request passes (S-094)."""

    def __init__(self, description: str, *, retry_after: int) -> None:
        super().__init__(
            RegistrationErrorCode.TEMPORARILY_UNAVAILABLE,
            f"{description}, come again in {retry_after} s",
            status=HTTPStatus.TOO_MANY_REQUESTS,
            headers={"Retry-After": str(retry_after)},
        )
