"""Bearer tokens in the Authorization header: RFC 6750 §2.1, §3, §3.1; RFC 9700 §4.3.2."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from pydantic import SecretStr

from dcr_protocol.errors import (
    ProtocolError,
    RegistrationErrorCode,
    ascii_description,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_AUTHENTICATE: Final = "WWW-Authenticate"
_B64TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*", re.ASCII)


class AccessTokenError(ProtocolError):
    """An access token is missing, unusable or not enough; carries `WWW-Authenticate`."""

    def __init__(
        self,
        code: RegistrationErrorCode,
        description: str,
        *,
        status: int,
        authenticate: str | None = None,
    ) -> None:
        value = challenge(code, description) if authenticate is None else authenticate
        super().__init__(code, description, status=status, headers={_AUTHENTICATE: value})


def parse_bearer(authorization: Sequence[str], query: str = "") -> SecretStr:
    """Return the access token of a request (S-005).

    `authorization` holds every Authorization header of the request, `query` its raw query.

    Raises AccessTokenError: 401 with a bare challenge when there is no token, 400
    invalid_request when there are two or one is in the query, 401 invalid_token when it cannot
    be one.
    """
    refuse_token_in_query(query)
    if len(authorization) > 1:
        raise _invalid_request("more than one Authorization header")
    scheme, _, rest = authorization[0].strip().partition(" ") if authorization else ("", "", "")
    token = rest.strip()
    if scheme.lower() != "bearer" or not token:
        raise missing_token()
    if " " in token or "," in token:
        raise _invalid_request("send one access token")
    if not _B64TOKEN.fullmatch(token):
        raise invalid_token("the access token holds characters that no token has")
    return SecretStr(token)


def refuse_token_in_query(query: str) -> None:
    """Raise AccessTokenError, 400 invalid_request, for a token in a raw query (S-005)."""
    # RFC 9700 §4.3.2: a token in a URL ends up in logs, so it is refused, not ignored.
    if "=" in query and any(
        unquote_plus(pair.partition("=")[0]) == "access_token" for pair in query.split("&")
    ):
        raise _invalid_request("send the access token in the Authorization header only")


def invalid_token(description: str) -> AccessTokenError:
    """Build the 401 for a token that is unknown, expired, used up or of another client."""
    return AccessTokenError(
        RegistrationErrorCode.INVALID_TOKEN, description, status=HTTPStatus.UNAUTHORIZED
    )


def insufficient_scope(description: str) -> AccessTokenError:
    """Build the 403 for a good token that lacks the right."""
    return AccessTokenError(
        RegistrationErrorCode.INSUFFICIENT_SCOPE, description, status=HTTPStatus.FORBIDDEN
    )


def challenge(error: RegistrationErrorCode | None = None, description: str = "") -> str:
    """Write a `WWW-Authenticate` value; without an error it is bare (RFC 6750 §3.1)."""
    if error is None:
        return "Bearer"
    return f'Bearer error="{error.value}", error_description="{ascii_description(description)}"'


def _invalid_request(description: str) -> AccessTokenError:
    return AccessTokenError(
        RegistrationErrorCode.INVALID_REQUEST, description, status=HTTPStatus.BAD_REQUEST
    )


def missing_token() -> AccessTokenError:
    """Build the 401 for a request that shows no access token at all."""
    # RFC 6750 §3.1: the challenge to a request without a token has no error code. The body
    # has one, since an error document must (RFC 7591 §3.2.2).
    return AccessTokenError(
        RegistrationErrorCode.INVALID_TOKEN,
        "an access token is needed: Authorization: Bearer ...",
        status=HTTPStatus.UNAUTHORIZED,
        authenticate=challenge(),
    )
