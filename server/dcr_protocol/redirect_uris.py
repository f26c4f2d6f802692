"""Which redirection URIs may be registered: RFC 7591 §5, OIDCR §2, RFC 8252 §7 and §8, RFC 9700.

They are stored and answered byte for byte: nothing here rewrites them (S-048).
"""

from __future__ import annotations

from typing import Final

from dcr_protocol.frozen import dataclass
from dcr_protocol.uris import Uri, split_uri
from dcr_protocol.vocabulary import NATIVE

# Schemes that run or show content in the browser instead of reaching an application (S-042).
DANGEROUS_SCHEMES: Final = frozenset(
    {
        "about",
        "blob",
        "data",
        "file",
        "filesystem",
        "ftp",
        "javascript",
        "mailto",
        "vbscript",
        "view-source",
        "ws",
        "wss",
    }
)


@dataclass(frozen=True, slots=True)
class RedirectUriRules:
    """What decides about a URI beside the URI itself."""

    application_type: str
    # OIDCR §2: a token or ID Token may travel in the redirection itself.
    uses_implicit: bool = False
    allow_http: bool = False
    allow_schemes_without_dot: bool = False


def flaw_in_redirect_uri(text: str, rules: RedirectUriRules) -> str | None:
    """Say why this URI cannot be registered; None when it can."""
    uri = split_uri(text)
    if uri is None:
        return "is not an absolute URI"
    flaw = _flaw_in_parts(uri) or _flaw_in_place(text, uri)
    if flaw is not None:
        return flaw
    if rules.application_type == NATIVE:
        return _flaw_in_native(uri, rules)
    return _flaw_in_web(uri, rules)


def _flaw_in_parts(uri: Uri) -> str | None:
    # RFC 6749 §3.1.2: no fragment, not even an empty one.
    if uri.fragment is not None:
        return "must not have a fragment"
    if uri.scheme in DANGEROUS_SCHEMES:
        return f"must not use the scheme {uri.scheme}"
    if uri.userinfo is not None:
        return "must not hold user information"
    return None


def _flaw_in_place(text: str, uri: Uri) -> str | None:
    """Say whether it leaves open where exactly the browser ends up."""
    if "*" in text:
        return "must not hold a wildcard"
    if uri.has_dot_segments:
        return "must not hold dot segments"
    if uri.scheme in {"http", "https"} and (not uri.host or "%" in uri.host):
        return "has no usable host"
    return None


def _flaw_in_web(uri: Uri, rules: RedirectUriRules) -> str | None:
    if uri.scheme not in {"http", "https"}:
        return "must use https, since application_type is web"
    if rules.uses_implicit:
        # OIDCR §2: web clients with the implicit grant use https, and never localhost.
        if uri.scheme != "https" or uri.host == "localhost":
            return "must use https and not localhost, since tokens travel in the redirection"
        return None
    # RFC 9700 §2.6, decision of S-044: http only on the user's own device.
    if uri.scheme == "http" and not (uri.is_loopback or rules.allow_http):
        return "must use https, except on localhost, 127.0.0.1 and [::1]"
    return None


def _flaw_in_native(uri: Uri, rules: RedirectUriRules) -> str | None:
    if uri.scheme == "http" and not uri.is_loopback:
        return "must use http only on localhost, 127.0.0.1 or [::1]"
    # RFC 8252 §7.2: a claimed https URI belongs to a site, which loopback is not.
    if uri.scheme == "https" and uri.is_loopback:
        return "must not claim an https URI on the loopback interface"
    if uri.scheme in {"http", "https"}:
        # RFC 8252 §8.4: native clients register the complete URI, path included.
        return None if uri.path else "must have a path"
    # RFC 8252 §7.1, §8.4
    if "." not in uri.scheme and not rules.allow_schemes_without_dot:
        return "must use a scheme in reverse domain notation, such as com.example.app"
    return None if uri.path or uri.host else "must have a path"
