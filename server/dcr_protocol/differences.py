"""What a server registered, compared with what was asked for (RFC 7591 §3.2.1, C-012)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcr_protocol.json_document import JsonValue


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
    servers add to grant_types and response_types are tolerated, `false` equals absent.
    """
    raise NotImplementedError
