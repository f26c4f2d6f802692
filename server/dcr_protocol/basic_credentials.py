"""client_secret_basic: RFC 6749 §2.3.1 over RFC 7617. Both parts are form-urlencoded first."""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from pydantic import SecretStr

from dcr_protocol.errors import ProtocolError, RegistrationErrorCode

# RFC 7617 §2: the realm is not optional.
BASIC_CHALLENGE: Final = 'Basic realm="token", charset="UTF-8"'


def parse_basic_credentials(authorization: str) -> tuple[str, SecretStr]:
    """Return client_id and client_secret of an Authorization header.

    Raises ProtocolError invalid_client, 401 with a Basic challenge (RFC 6749 §5.2).
    """
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        raise invalid_client("client authentication by HTTP Basic is needed")
    try:
        user_pass = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        client_id, separator, client_secret = user_pass.partition(":")
        client_id = unquote_plus(client_id, errors="strict")
        client_secret = unquote_plus(client_secret, errors="strict")
    except ValueError:
        raise invalid_client("the credentials are not base64 of UTF-8") from None
    if not separator or not client_id:
        raise invalid_client("the credentials are not client_id:client_secret")
    return client_id, SecretStr(client_secret)


def format_basic_credentials(client_id: str, client_secret: SecretStr) -> SecretStr:
    """Build the value of an Authorization header."""
    user_pass = f"{quote_plus(client_id)}:{quote_plus(client_secret.get_secret_value())}"
    return SecretStr("Basic " + base64.b64encode(user_pass.encode("ascii")).decode("ascii"))


def invalid_client(description: str) -> ProtocolError:
    """Build the 401 of the token endpoint; it never says which part was wrong."""
    return ProtocolError(
        RegistrationErrorCode.INVALID_CLIENT,
        description,
        status=HTTPStatus.UNAUTHORIZED,
        headers={"WWW-Authenticate": BASIC_CHALLENGE},
    )
