"""Patterns by which a policy says what URIs may be registered.

*                                  any URI that the rules admit
https://app.example.com/callback   exactly this one
https://app.example.com/*          any path below
https://*.example.com/callback     exactly one label in the place of *
https://*/callback                 any host
http://127.0.0.1:*/callback        any port, or none
com.example.app:/*                 a private-use scheme, any path
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

ANY: Final = "*"
_ANY_PATH_BELOW: Final = "/*"
_ONE_LABEL: Final = "*."
_HIGHEST_PORT: Final = 65535
_DOT_SEGMENTS: Final = frozenset({".", ".."})


@dataclass(frozen=True, slots=True)
class UriPattern:
    text: str
    scheme: str
    host: str
    port: str
    path: str

    def matches(self, uri: str) -> bool:
        if self.text in (ANY, uri):
            return True
        if ANY not in self.text:
            return False
        try:
            parts = urlsplit(uri)
            port = "" if parts.port is None else str(parts.port)
        except ValueError:
            return False
        return (
            parts.scheme == self.scheme
            and "@" not in parts.netloc
            and not parts.netloc.endswith(":")
            and _host_matches(self.host, parts.hostname or "")
            and self.port in (ANY, port)
            and _path_matches(self.path, parts, uri)
        )


def parse_uri_pattern(text: str) -> UriPattern:
    """Raises ValueError with a text for whoever wrote the policy."""
    if text == ANY:
        return UriPattern(text=text, scheme="", host="", port="", path="")
    scheme, separator, rest = text.partition(":")
    if not separator or not scheme or ANY in scheme:
        raise ValueError(f"{text!r} has no scheme: begin with https:// or a scheme of your own")
    if not rest.startswith("//"):
        return UriPattern(
            text=text, scheme=scheme.lower(), host="", port="", path=_path(text, rest)
        )
    authority, slash, path = rest[2:].partition("/")
    host, port = _host_and_port(authority)
    flaw = _flaw_in_authority(text, host, port, has_path=bool(slash))
    if flaw is not None:
        raise ValueError(f"{text!r}: {flaw}")
    return UriPattern(
        text=text, scheme=scheme.lower(), host=host, port=port, path=_path(text, slash + path)
    )


def _flaw_in_authority(text: str, host: str, port: str, *, has_path: bool) -> str | None:
    if not text.isascii() or any(character in text for character in "#@? "):
        return "write it in ASCII, without user, query and fragment"
    if host in ("", _ONE_LABEL):
        return "it has no host"
    if ANY in host.removeprefix(_ONE_LABEL) and host != ANY:
        return "in a host, * stands for the first label or for the whole host"
    if ANY in host and not has_path:
        return "say which path, /callback for one or /* for any"
    if port not in ("", ANY) and not (port.isdecimal() and int(port[:6]) <= _HIGHEST_PORT):
        return f"a port is a number up to {_HIGHEST_PORT}, or *"
    return None


def _host_and_port(authority: str) -> tuple[str, str]:
    host, colon, port = authority.rpartition(":")
    # The colons within [::1] do not begin a port.
    if not colon or port.endswith("]"):
        host, port = authority, ""
    return host.lower().strip("[]"), port


def _path(text: str, path: str) -> str:
    if ANY in path.removesuffix(_ANY_PATH_BELOW):
        raise ValueError(f"{text!r}: in a path, * can only be all that follows the last slash")
    return path


def _host_matches(pattern: str, host: str) -> bool:
    if pattern == ANY:
        return bool(host)
    if not pattern.startswith(_ONE_LABEL):
        return host == pattern
    label, _, rest = host.partition(".")
    return bool(label) and rest == pattern.removeprefix(_ONE_LABEL)


def _path_matches(pattern: str, uri: SplitResult, text: str) -> bool:
    if not pattern.endswith(_ANY_PATH_BELOW):
        return "?" not in text and uri.path == pattern
    # What a browser would resolve to another path is not below this one.
    if _DOT_SEGMENTS.intersection(unquote(uri.path).split("/")):
        return False
    return uri.path.startswith(pattern[:-1])
