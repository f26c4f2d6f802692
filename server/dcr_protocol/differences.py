"""What a server registered, compared with what was asked for (RFC 7591 §3.2.1, C-012)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from dcr_protocol.vocabulary import READ_ONLY_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from dcr_protocol.json_document import JsonValue

# Servers add what belongs together: refresh_token, the response type none. More redirect URIs
# than asked for, on the other hand, would be somebody else's.
SUPERSET_TOLERATED: Final = frozenset({"grant_types", "response_types"})

# The order is the meaning (OIDCR §2: in order of preference).
ORDERED_MEMBERS: Final = frozenset({"default_acr_values"})

# C-011, C-028: servers answer these for what they do not have.
_PLACEHOLDERS: Final[tuple[JsonValue, ...]] = ("", {})


class DifferenceKind(StrEnum):
    """How a member differs."""

    NOT_RETURNED = "NotReturned"  # the server does not know it, or does not say
    CHANGED = "Changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One member whose registered value is not the wanted one."""

    member: str
    wanted: JsonValue
    returned: JsonValue
    kind: DifferenceKind


def differences(
    wanted: Mapping[str, JsonValue], returned: Mapping[str, JsonValue]
) -> tuple[Difference, ...]:
    """Compare wire documents; members that were not asked for are the server's business.

    Arrays and scope are sets (S-028), response types are sets of sets (S-025), values that
    servers add to grant_types and response_types are tolerated, `false` and an empty array
    equal absent.
    """
    answers = {_member_key(member): value for member, value in returned.items()}
    found = []
    for member, value in wanted.items():
        answer = answers.get(_member_key(member))
        if member in READ_ONLY_MEMBERS or (_says_nothing(value) and _says_nothing(answer)):
            continue
        if answer is None or answer in _PLACEHOLDERS:
            found.append(Difference(member, value, None, DifferenceKind.NOT_RETURNED))
        elif not _satisfies(member, value, answer):
            found.append(Difference(member, value, answer, DifferenceKind.CHANGED))
    return tuple(found)


def _member_key(member: str) -> str:
    # RFC 5646 §2.1.1: client_name#DE is client_name#de.
    base, separator, tag = member.partition("#")
    return base + separator + tag.lower()


def _says_nothing(value: JsonValue) -> bool:
    return value is None or value is False or value == [] or value in _PLACEHOLDERS


def _satisfies(member: str, wanted: JsonValue, returned: JsonValue) -> bool:
    if member == "scope" and isinstance(wanted, str) and isinstance(returned, str):
        return set(wanted.split()) == set(returned.split())
    if not isinstance(wanted, list) or not isinstance(returned, list) or member in ORDERED_MEMBERS:
        return _canonical(wanted) == _canonical(returned)
    one, other = _as_set(member, wanted), _as_set(member, returned)
    return one <= other if member in SUPERSET_TOLERATED else one == other


def _as_set(member: str, values: list[JsonValue]) -> set[Hashable]:
    if member == "response_types":
        return {frozenset(str(value).split()) for value in values}
    return {_canonical(value) for value in values}


def _canonical(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True)
