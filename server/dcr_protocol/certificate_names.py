"""Names in a client certificate by which a client is recognised: RFC 8705 §2.1.2 (S-191)."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from dcr_protocol.uris import split_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# RFC 4514 §3: attribute types and values with + and , between; what is special is escaped, also a #
# that begins a value. Nothing matches in two ways: n such attributes would be tried in 2^n.
_ATTRIBUTE: Final = (
    r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)"
    r"=(?:#(?:[0-9A-Fa-f]{2})+|(?!#)(?:[^\\\"+,;<>]|\\(?:[0-9A-Fa-f]{2}|[ \"#+,;<=>\\]))*)"
)
_DISTINGUISHED_NAME: Final = re.compile(rf"{_ATTRIBUTE}(?:[+,] ?{_ATTRIBUTE})*")
# RFC 1034 §3.5, without a wildcard: it names one client.
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")


def _flaw_in_subject_dn(name: str) -> str | None:
    return None if _DISTINGUISHED_NAME.fullmatch(name) else "must have the form of RFC 4514"


def _flaw_in_dns_name(name: str) -> str | None:
    return None if _DNS_NAME.fullmatch(name) else "must be a DNS name"


def _flaw_in_uri(name: str) -> str | None:
    return None if split_uri(name) else "must be an absolute URI"


def _flaw_in_address(name: str) -> str | None:
    """RFC 8705 §2.1.2: compared as text, so only one spelling can ever match."""
    try:
        canonical = str(ipaddress.ip_address(name)) == name
    except ValueError:
        canonical = False
    return None if canonical else "must be an IP address, as RFC 5952 has it"


def _flaw_in_email(name: str) -> str | None:
    return None if _EMAIL.fullmatch(name) else "must be an e-mail address"


FLAWS_IN_CERTIFICATE_NAMES: Final[Mapping[str, Callable[[str], str | None]]] = {
    "tls_client_auth_subject_dn": _flaw_in_subject_dn,
    "tls_client_auth_san_dns": _flaw_in_dns_name,
    "tls_client_auth_san_uri": _flaw_in_uri,
    "tls_client_auth_san_ip": _flaw_in_address,
    "tls_client_auth_san_email": _flaw_in_email,
}
"""What is wrong with a name, by its member; None when nothing is."""
