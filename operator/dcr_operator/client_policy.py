"""What clients of a provider may be registered with: spec.clientPolicy. Pure.

Judged before anything is sent, and again on what the provider puts in force (RFC 7591 §3.2.1): a
software statement or the provider's own defaults may have won.
"""

import functools
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.response_errors import clean_text
from dcr_protocol.uri_patterns import ANY, UriPattern, parse_uri_pattern
from dcr_protocol.uris import split_uri
from dcr_protocol.vocabulary import REDIRECT_URI_MEMBERS, URI_MEMBERS

_KNOWN: Final = frozenset(ClientMetadata.model_fields) - {"localized"}


@dataclass(frozen=True, slots=True)
class ClientPolicy:
    """What is listed is all that is allowed; None does not limit."""

    grant_types: tuple[str, ...] | None = None
    token_endpoint_auth_methods: tuple[str, ...] | None = None
    redirect_uris: tuple[str, ...] | None = None  # patterns
    scopes: tuple[str, ...] | None = None  # orders.* for all that begin so
    extra_members: tuple[str, ...] = ()
    max_clients_per_namespace: int | None = None

    @property
    def digest(self) -> str:
        """Return what tells this policy from another one, from process to process."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


def violations_of_request(
    policy: ClientPolicy | None, metadata: Mapping[str, JsonValue]
) -> tuple[str, ...]:
    """Return what may not be asked for, in words for whoever asks."""
    if policy is None:
        return ()
    unknown = (
        f"{clean_text(member)} is not among extraMembers"
        for member in metadata
        if member.partition("#")[0] not in _KNOWN and member not in policy.extra_members
    )
    return (*_violations(policy, metadata), *unknown)


def violations_of_answer(
    policy: ClientPolicy | None, metadata: Mapping[str, JsonValue]
) -> tuple[str, ...]:
    """Return what may not be in force; members that only the provider knows are its business."""
    return () if policy is None else tuple(_violations(policy, metadata))


def _violations(policy: ClientPolicy, metadata: Mapping[str, JsonValue]) -> Iterator[str]:
    for member, field, allowed in (
        ("grant_types", "grantTypes", policy.grant_types),
        (
            "token_endpoint_auth_method",
            "tokenEndpointAuthMethods",
            policy.token_endpoint_auth_methods,
        ),
    ):
        yield from _words(member, _texts(metadata.get(member)), field, allowed)
    if policy.scopes is not None:
        scope = metadata.get("scope")
        for value in scope.split() if isinstance(scope, str) else _texts(scope):
            if not any(_grants(each, value) for each in policy.scopes):
                yield _not_among("scope", value, "scopes", policy.scopes)
    if policy.redirect_uris is not None:
        yield from _uris(policy.redirect_uris, metadata)


def _words(
    member: str, values: tuple[str, ...], field: str, allowed: tuple[str, ...] | None
) -> Iterator[str]:
    for value in values:
        if allowed is not None and value not in allowed:
            yield _not_among(member, value, field, allowed)


def _grants(allowed: str, value: str) -> bool:
    return value.startswith(allowed[:-1]) if allowed.endswith(ANY) else value == allowed


def _uris(patterns: tuple[str, ...], metadata: Mapping[str, JsonValue]) -> Iterator[str]:
    for member in sorted(metadata):
        name = member.partition("#")[0]
        if name not in URI_MEMBERS:
            continue
        for position, uri in enumerate(_texts(metadata[member])):
            if not _matches(patterns, uri, is_redirect=name in REDIRECT_URI_MEMBERS):
                place = f"{member}[{position}]" if isinstance(metadata[member], list) else member
                yield _not_among(place, uri, "redirectUris", patterns)


def _matches(patterns: tuple[str, ...], uri: str, *, is_redirect: bool) -> bool:
    if is_redirect:
        return any(_pattern(each).matches(uri) for each in patterns)
    page = uri.partition("#")[0]
    parts = split_uri(page)
    if parts is not None and not parts.path and parts.query is None:
        page += "/"
    sites = (_site(each) for each in patterns)
    return any(site is not None and site.matches(page) for site in sites)


@functools.lru_cache(maxsize=1024)
def _pattern(text: str) -> UriPattern:
    return parse_uri_pattern(text)


@functools.lru_cache(maxsize=1024)
def _site(text: str) -> UriPattern | None:
    """Return the pattern of every path at the place where redirections may go.

    Pages, keys and logout addresses are not where redirections end, and are at the same site.
    """
    if text == ANY:
        return _pattern(text)
    scheme, separator, rest = text.partition("://")
    if not separator:
        return None
    authority = rest
    for end in "/?#":
        authority = authority.partition(end)[0]
    return _pattern(f"{scheme}://{authority}/*")


def _texts(value: JsonValue) -> tuple[str, ...]:
    """Return the strings of a member, whether or not a provider kept to its type."""
    values = value if isinstance(value, list) else () if value is None else (value,)
    return tuple(each if isinstance(each, str) else str(each) for each in values)


def _not_among(place: str, value: str, field: str, allowed: tuple[str, ...]) -> str:
    listed = clean_text(", ".join(allowed)) or "nothing"
    return f"{clean_text(place)}: {clean_text(value)} is not among {field} ({listed})"
