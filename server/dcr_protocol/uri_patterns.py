"""Patterns by which a policy says what URIs may be registered (docs/server.md, "Patterns").

*                                  any URI that the rules admit
https://app.example.com/callback   exactly this one
https://app.example.com/*          any path below, with or without a query
https://*.example.com/callback     exactly one label in the place of *
https://*/callback                 any host
http://127.0.0.1:*/callback        any port, or none
com.example.app:/*                 a private-use scheme, any path

A pattern without * is compared character by character. One with * matches only what all parsers
of URIs read alike, so that a browser ends up where the pattern says.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dcr_protocol.uris import split_uri

if TYPE_CHECKING:
    from dcr_protocol.uris import Uri

ANY: Final = "*"
_ANY_PATH_BELOW: Final = "/*"
_ONE_LABEL: Final = "*."
_HIGHEST_PORT: Final = 65535

# RFC 3986 §3.1
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_END_OF_AUTHORITY: Final = re.compile(r"[/?#]")
# RFC 1123 §2.1, and the underscore that names in private networks have.
_LABEL: Final = re.compile(r"[a-z0-9_\-]{1,63}")
_NAME: Final = re.compile(r"(?:[a-z0-9_\-]{1,63}\.)*[a-z0-9_\-]{1,63}")
# A browser takes a host that ends so for an IPv4 address (WHATWG URL §3.5).
_ENDS_IN_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
# What servers decode, or cut off, and then read as a way out of the path.
_WAY_OUT: Final = re.compile(r"%2f|%5c|(?:^|/)(?:\.|%2e){1,2};", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class UriPattern:
    """What a pattern says; everything beyond `text` is of one that holds a *, and not * alone."""

    text: str
    scheme: str = ""
    host: str | None = None
    """A name or address, *., followed by a name, or * alone; None: no authority at all."""
    port: int | None = None
    any_port: bool = False
    path: str = ""
    """Without its *, which then stands for all that follows."""
    any_path: bool = False

    def matches(self, uri: str) -> bool:
        if not self.scheme:
            return self.text in (ANY, uri)
        parts = _split(uri)
        return (
            parts is not None
            and parts.scheme == self.scheme
            and self._matches_authority(parts, uri[len(self.scheme) + 1 :])
            and self._matches_path(parts)
        )

    def _matches_authority(self, uri: Uri, rest: str) -> bool:
        if self.host is None:
            return not rest.startswith("//")
        # Written in no other way than this: no user, no empty port, no zeros before it, no dot
        # after the host.
        authority = "//" + (uri.host if uri.port is None else f"{uri.host}:{uri.port}")
        end = len(authority)
        return (
            rest[:end].lower() == authority
            and rest[end : end + 1] in ("/", "")
            and (self.any_port or uri.port == self.port)
            and _host_matches(self.host, uri.host)
        )

    def _matches_path(self, uri: Uri) -> bool:
        if uri.fragment is not None:
            return False
        if not self.any_path:
            return uri.path == self.path and uri.query is None
        return uri.path.startswith(self.path) and not _leaves_its_path(uri)


# One URI is compared with every pattern of a policy in turn.
@functools.lru_cache(maxsize=64)
def _split(uri: str) -> Uri | None:
    return split_uri(uri)


def parse_uri_pattern(text: str) -> UriPattern:
    """Raises ValueError with a text for whoever wrote the policy."""
    if text == ANY:
        return UriPattern(text)
    scheme, _, rest = text.partition(":")
    host, port, path = _parts(rest)
    flaw = _flaw_in_text(text) or _flaw_in_port(port)
    if flaw is None and ANY in text:
        flaw = _flaw_in_path(path) or _flaw_in_host(host, path)
    if flaw is not None:
        raise ValueError(f"{text!r}: {flaw}")
    pattern = UriPattern(text)
    if ANY in text:
        pattern = UriPattern(
            text,
            scheme.lower(),
            host,
            port=int(port) if port.isdecimal() else None,
            any_port=port == ANY,
            path=path.removesuffix(ANY),
            any_path=path.endswith(ANY),
        )
    flaw = _flaw_in_fixed_parts(pattern)
    if flaw is not None:
        raise ValueError(f"{text!r}: {flaw}")
    return pattern


def _parts(rest: str) -> tuple[str | None, str, str]:
    """Take apart what follows the scheme: host, port, and the path with all after it."""
    if not rest.startswith("//"):
        return None, "", rest
    authority = _END_OF_AUTHORITY.split(rest[2:], maxsplit=1)[0]
    host, colon, port = authority.rpartition(":")
    # The colons within [::1] do not begin a port.
    if not colon or port.endswith("]"):
        host, port = authority, ""
    return host.lower(), port, rest[2 + len(authority) :]


def _flaw_in_text(text: str) -> str | None:
    if not text.isascii():
        return "write it in ASCII, names as xn--"
    if not _SCHEME.match(text):
        return "it has no scheme: begin with https:// or a scheme of your own"
    if "@" in text or "#" in text or (ANY in text and ("?" in text or " " in text)):
        return "write it without user, fragment and, with *, query"
    return None


def _flaw_in_port(port: str) -> str | None:
    if port in ("", ANY):
        return None
    if not port.isdecimal() or port != str(int(port[:6])) or int(port) > _HIGHEST_PORT:
        return f"a port is a number up to {_HIGHEST_PORT}, or *"
    return None


def _flaw_in_path(path: str) -> str | None:
    if ANY in path.removesuffix(_ANY_PATH_BELOW):
        return "in a path, * can only be all that follows the last slash"
    return None


def _flaw_in_host(host: str | None, path: str) -> str | None:
    if host is None:
        return None
    name = host.removeprefix(_ONE_LABEL)
    if not name:
        return "it has no host"
    if ANY in name and host != ANY:
        return "in a host, * stands for the first label or for the whole host"
    if name != host and (not _NAME.fullmatch(name) or _ENDS_IN_NUMBER.fullmatch(name)):
        return "what follows *. must be a name"
    if ANY in host and not path:
        return "say which path, /callback for one or /* for any"
    return None


def _flaw_in_fixed_parts(pattern: UriPattern) -> str | None:
    """Say what keeps the parts that are spelled out from standing in a redirection URI."""
    uri = split_uri(_sample(pattern) if pattern.scheme else pattern.text)
    if uri is None or "%" in uri.host:
        return "it is no URI"
    if not uri.host and uri.scheme in {"http", "https"}:
        return "it has no host"
    if uri.has_dot_segments or (pattern.any_path and _leaves_its_path(uri)):
        return "write the path without dot segments and encoded slashes"
    return None


def _sample(pattern: UriPattern) -> str:
    authority = ""
    if pattern.host is not None:
        port = "" if pattern.port is None else f":{pattern.port}"
        authority = f"//{pattern.host.replace(ANY, 'a')}{port}"
    return f"{pattern.scheme}:{authority}{pattern.path}"


def _host_matches(pattern: str, host: str) -> bool:
    if pattern == ANY:
        return host.startswith("[") or _NAME.fullmatch(host) is not None
    if not pattern.startswith(_ONE_LABEL):
        return host == pattern
    label, _, rest = host.partition(".")
    return rest == pattern[len(_ONE_LABEL) :] and _LABEL.fullmatch(label) is not None


def _leaves_its_path(uri: Uri) -> bool:
    return uri.has_dot_segments or _WAY_OUT.search(uri.path) is not None
