"""Bearer tokens in the Authorization header: RFC 6750 §2.1, §3, §3.1; RFC 9700 §4.3.2."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import SecretStr

from dcr_protocol.errors import ProtocolError, RegistrationErrorCode


class AccessTokenError(ProtocolError):
    """An access token is missing, unusable or not enough; carries `WWW-Authenticate`."""


def parse_bearer(authorization: Sequence[str], query: str = "") -> SecretStr:
    """Return the access token of a request (S-005).

    `authorization` holds every Authorization header of the request, `query` its raw query.

    Raises AccessTokenError: 401 with a bare challenge when there is no token, 400
    invalid_request when there are two or one is in the query, 401 invalid_token when it cannot
    be one.
    """
    raise NotImplementedError


def invalid_token(description: str) -> AccessTokenError:
    """Build the 401 for a token that is unknown, expired, used up or of another client."""
    raise NotImplementedError


def insufficient_scope(description: str, scope: str = "") -> AccessTokenError:
    """Build the 403 for a good token that lacks the right."""
    raise NotImplementedError


def challenge(error: RegistrationErrorCode | None = None, description: str = "") -> str:
    """Write a `WWW-Authenticate` value; without an error it is bare (RFC 6750 §3.1)."""
    raise NotImplementedError
