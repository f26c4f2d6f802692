"""Grant types and response types belong together: RFC 7591 §2.1, OIDCR §2 (S-024 to S-026)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from dcr_protocol.errors import InvalidClientMetadata
from dcr_protocol.vocabulary import (
    AUTHORIZATION_CODE,
    DEFAULT_GRANT_TYPES,
    DEFAULT_RESPONSE_TYPES,
    IMPLICIT,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# What each part of a response type asks for. OAuth 2.0 Multiple Response Types §3 to §5.
_GRANT_OF_RESPONSE: Final = {"code": AUTHORIZATION_CODE, "token": IMPLICIT, "id_token": IMPLICIT}
_NONE: Final = frozenset({"none"})


# Clients come with few combinations; what is refused is not kept.
@functools.lru_cache(maxsize=64)
def complete_grants(
    grant_types: tuple[str, ...] | None, response_types: tuple[str, ...] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Provision what was left out and refuse what contradicts (S-022, S-024).

    Raises InvalidClientMetadata; the record never ends in an inconsistent state.
    """
    # S-026: an explicit empty array is not an omission.
    if grant_types is not None and not grant_types:
        raise InvalidClientMetadata("grant_types must not be empty; leave it out for the default")
    if grant_types is None:
        grant_types = _grants_for(response_types)
    if response_types is None:
        response_types = DEFAULT_RESPONSE_TYPES if AUTHORIZATION_CODE in grant_types else ()
    _check_consistent(grant_types, response_types)
    return grant_types, response_types


@functools.lru_cache(maxsize=64)
def uses_implicit(response_types: tuple[str, ...]) -> bool:
    """Say whether a token or ID Token comes back in the redirection (implicit and hybrid)."""
    return any(IMPLICIT in _grants_of(response_type) for response_type in response_types)


def returns_id_token(response_types: Sequence[str]) -> bool:
    """Say whether the authorization endpoint itself issues ID Tokens."""
    return any("id_token" in response_type.split() for response_type in response_types)


def _grants_for(response_types: tuple[str, ...] | None) -> tuple[str, ...]:
    needed = {grant for response in response_types or () for grant in _grants_of(response)}
    ordered = tuple(grant for grant in (AUTHORIZATION_CODE, IMPLICIT) if grant in needed)
    return ordered or DEFAULT_GRANT_TYPES


def _grants_of(response_type: str) -> frozenset[str]:
    # S-025: a response type is a set of words, in any order.
    words = frozenset(response_type.split())
    if words == _NONE:
        return frozenset()
    if not words or not words <= _GRANT_OF_RESPONSE.keys():
        raise InvalidClientMetadata("response_types holds a response type that is not known")
    return frozenset(_GRANT_OF_RESPONSE[word] for word in words)


def _check_consistent(grant_types: tuple[str, ...], response_types: tuple[str, ...]) -> None:
    needed = {grant for response in response_types for grant in _grants_of(response)}
    for grant in (AUTHORIZATION_CODE, IMPLICIT):
        if grant in needed and grant not in grant_types:
            raise InvalidClientMetadata(f"response_types needs {grant} in grant_types")
    # The response type none goes with the code grant: consent without a code.
    if AUTHORIZATION_CODE in grant_types and not (
        AUTHORIZATION_CODE in needed or "none" in response_types
    ):
        raise InvalidClientMetadata("grant_types has authorization_code: response_types needs code")
    if IMPLICIT in grant_types and IMPLICIT not in needed:
        raise InvalidClientMetadata(
            "grant_types has implicit: response_types needs one with token or id_token"
        )
