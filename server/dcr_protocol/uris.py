"""URIs, taken apart without changing a byte of them (RFC 3986; S-048)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple

_CHARACTERS: Final = r"A-Za-z0-9\-._~!$&'()*+,;=:@%"
_URI: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.\-]*):"
    rf"(?://([{_CHARACTERS}\[\]]*))?"
    rf"([{_CHARACTERS}/]*)"
    rf"(?:\?([{_CHARACTERS}/?]*))?"
    rf"(?:#([{_CHARACTERS}/?]*))?"
)
_AUTHORITY: Final = re.compile(r"(?:([^@\[\]]*)@)?(\[[^@\[\]]*\]|[^@:\[\]]*)(?::([0-9]{0,5}))?")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOT_SEGMENT: Final = re.compile(r"(?:^|/)(?:\.|%2[eE]){1,2}(?:/|$)")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HIGHEST_PORT: Final = 65535

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Uri(NamedTuple):
    """The parts of an absolute URI; scheme and host in lower case, the rest as written."""

    scheme: str
    userinfo: str | None
    host: str
    port: int | None
    path: str
    query: str | None
    fragment: str | None

    @property
    def is_loopback(self) -> bool:
        """RFC 8252 §7.3, §8.3: the user's own device."""
        return self.host in LOOPBACK_HOSTS

    @property
    def has_dot_segments(self) -> bool:
        if "." not in self.path and "%" not in self.path:
            return False
        return _DOT_SEGMENT.search(self.path) is not None

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """RFC 6454 §4: two URLs with one origin are the same server."""
        port = self.port if self.port is not None else _DEFAULT_PORTS.get(self.scheme)
        return self.scheme, self.host, port


def split_uri(text: str) -> Uri | None:
    """Return the parts of an absolute URI, or None when it is not one."""
    match = _URI.fullmatch(text)
    if match is None or ("%" in text and _BROKEN_ESCAPE.search(text)):
        return None
    scheme, authority, path, query, fragment = match.groups()
    if authority is None:
        return Uri(scheme.lower(), None, "", None, path, query, fragment)
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or (path and not path.startswith("/")):
        return None
    userinfo, host, port = parts.groups()
    if not _is_host(host) or (port and int(port) > _HIGHEST_PORT):
        return None
    number = int(port) if port else None
    # A trailing dot names the same host (RFC 1034 §3.1).
    name = host.lower().removesuffix(".")
    return Uri(scheme.lower(), userinfo, name, number, path, query, fragment)


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return True
    # RFC 6874 zones name an interface of one machine, and no browser knows them.
    if "%" in host:
        return False
    try:
        ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True


def flaw_in_url(text: str, *, schemes: frozenset[str]) -> str | None:
    """Say what keeps a text from being a URL with one of these schemes; None when nothing does."""
    uri = split_uri(text)
    if uri is None:
        return "is not an absolute URI"
    if uri.scheme not in schemes:
        return "must use " + " or ".join(sorted(schemes, reverse=True))
    if not uri.host or "%" in uri.host:
        return "has no usable host"
    if uri.userinfo is not None:
        return "must not hold user information"
    return None
