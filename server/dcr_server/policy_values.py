"""Mistakes in what a policy lists: words that nobody knows, scopes, patterns, provided metadata."""

from collections.abc import Iterator, Sequence
from typing import Final

from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.errors import ProtocolError
from dcr_protocol.redirect_uris import RedirectUriRules, flaw_in_redirect_uri
from dcr_protocol.rules import check_client_metadata, is_scope
from dcr_protocol.uri_patterns import UriPattern, parse_uri_pattern
from dcr_protocol.uris import LOOPBACK_HOSTS, split_uri
from dcr_protocol.vocabulary import (
    APPLICATION_TYPES,
    KNOWN_AUTH_METHODS,
    KNOWN_GRANT_TYPES,
    KNOWN_RESPONSE_TYPES,
    MEMBERS_CHECKED_ALONE,
    REDIRECT_URI_MEMBERS,
    REFRESH_TOKEN,
)
from dcr_server.policies import ANY, Policy
from dcr_server.problems import Problem, warning
from dcr_server.suggestions import did_you_mean

# Members that a policy lists values of.
_ADMITTED_MEMBERS: Final = (
    "grant_types",
    "response_types",
    "token_endpoint_auth_method",
    "redirect_uris",
    "post_logout_redirect_uris",
    "scope",
)
# A grant that needs no redirection URI and no response type.
_NEUTRAL: Final = (REFRESH_TOKEN,)


def problems_in_values(policy: Policy) -> Iterator[Problem]:
    yield from _words("grant_types", policy.grant_types, KNOWN_GRANT_TYPES)
    yield from _response_types(policy.response_types)
    yield from _words(
        "token_endpoint_auth_methods", policy.token_endpoint_auth_methods, KNOWN_AUTH_METHODS
    )
    yield from _scopes(policy.scopes)
    for position, text in enumerate(policy.redirect_uris):
        yield from _pattern(("redirect_uris", str(position)), text, policy)
    for kind, provided in (("defaults", policy.defaults), ("forced", policy.forced)):
        yield from (problem.within(kind) for problem in _provided(provided, policy))


def _words(member: str, values: Sequence[str], known: Sequence[str]) -> Iterator[Problem]:
    for position, value in enumerate(values):
        if value in known:
            continue
        path, near = (member, str(position)), did_you_mean(value, known)
        if split_uri(value) is None:
            yield Problem(path, value, f"is not known{near or '; others are absolute URIs'}")
        elif near:
            yield warning(path, value, f"is not known{near}")


def _response_types(values: Sequence[str]) -> Iterator[Problem]:
    known = {frozenset(value.split()) for value in KNOWN_RESPONSE_TYPES}
    for position, value in enumerate(values):
        if frozenset(value.split()) not in known:
            near = did_you_mean(value, KNOWN_RESPONSE_TYPES)
            known_values = ", ".join(KNOWN_RESPONSE_TYPES)
            yield Problem(
                ("response_types", str(position)), value, f"is none of {known_values}{near}"
            )


def _scopes(values: Sequence[str]) -> Iterator[Problem]:
    for position, value in enumerate(values):
        path = ("scopes", str(position))
        if " " in value.strip():
            listed = ", ".join(value.split())
            yield Problem(path, value, f"one scope value for each entry: [{listed}]")
        elif not is_scope(value):
            yield Problem(path, value, "holds characters that a scope value cannot have")
        elif ANY in value[:-1]:
            yield Problem(path, value, "* can only stand at the end")
        elif value == ANY:
            yield warning(path, value, "grants whatever scope is asked for")


def _pattern(path: tuple[str, ...], text: str, policy: Policy) -> Iterator[Problem]:
    pattern = parse_uri_pattern(text)
    if text == ANY:
        yield warning(path, text, "any site and application may receive the codes: name hosts")
        return
    if ANY not in text:
        flaw = _flaw_in_uri(text, policy)
        if flaw is not None:
            yield Problem(path, text, f"can never be registered: a redirect URI {flaw}")
        return
    flaw = _flaw_in_uri(_example_of(pattern), policy)
    if flaw is not None:
        yield Problem(path, text, f"can never match: a redirect URI {flaw}")
    elif pattern.host == ANY:
        yield warning(path, text, "any site may receive the codes: name the host")
    elif pattern.host is not None and _is_wide(pattern.host):
        yield warning(path, text, "all names of a top-level domain match: name more of the host")


def _flaw_in_uri(text: str, policy: Policy) -> str | None:
    """Say why neither a web nor a native client may register it."""
    flaw = None
    for application_type in APPLICATION_TYPES:
        flaw = flaw_in_redirect_uri(
            text,
            RedirectUriRules(
                application_type,
                allow_http=policy.allow_http_redirect_uris,
                allow_schemes_without_dot=policy.allow_schemes_without_dot,
            ),
        )
        if flaw is None:
            break
    return flaw


def _example_of(pattern: UriPattern) -> str:
    """Write a URI that the pattern matches."""
    authority = ""
    if pattern.host is not None:
        # Any host is loopback too, where more is allowed.
        host = "localhost" if pattern.host == ANY else pattern.host.replace(ANY, "a", 1)
        authority = f"//{host}" if pattern.port is None else f"//{host}:{pattern.port}"
    return f"{pattern.scheme}:{authority}{pattern.path or '/'}"


def _is_wide(host: str) -> bool:
    return host.startswith("*.") and "." not in host[2:] and host[2:] not in LOOPBACK_HOSTS


def _provided(metadata: ClientMetadata, policy: Policy) -> Iterator[Problem]:
    for member, value in metadata:
        if value is None:
            continue
        alone = ClientMetadata.model_validate({member: value})
        flaw = None
        if member in _ADMITTED_MEMBERS:
            flaw = _flaw_by_policy(alone, policy)
        if flaw is None and member in REDIRECT_URI_MEMBERS:
            flaws = [_flaw_in_uri(uri, policy) for uri in value]
            flaw = next((flaw for flaw in flaws if flaw is not None), None)
        if flaw is None and member in MEMBERS_CHECKED_ALONE:
            flaw = _flaw_by_rules(alone, policy)
        if flaw is not None:
            yield Problem((member,), value, flaw)


def _flaw_by_policy(alone: ClientMetadata, policy: Policy) -> str | None:
    try:
        admitted = policy.admit(alone)
    except ProtocolError as error:
        return f"against the policy itself: {error.description}"
    if admitted.scope != alone.scope:
        return f"against the policy itself: scopes grants no more than {admitted.scope} of it"
    return None


def _flaw_by_rules(alone: ClientMetadata, policy: Policy) -> str | None:
    try:
        check_client_metadata(alone.model_copy(update={"grant_types": _NEUTRAL}), policy.rules)
    except ProtocolError as error:
        return error.description
    return None
