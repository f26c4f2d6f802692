"""client_secret_basic: RFC 6749 §2.3.1 over RFC 7617. Both parts are form-urlencoded first."""

from __future__ import annotations

from pydantic import SecretStr


def parse_basic_credentials(authorization: str) -> tuple[str, SecretStr]:
    """Return client_id and client_secret of an Authorization header.

    Raises ProtocolError invalid_client, 401 with a Basic challenge (RFC 6749 §5.2).
    """
    raise NotImplementedError


def format_basic_credentials(client_id: str, client_secret: SecretStr) -> SecretStr:
    """Build the value of an Authorization header."""
    raise NotImplementedError
