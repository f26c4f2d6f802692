"""Clients that are, or may be, left at a provider without anyone who manages them. Pure data."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class OrphanCause(StrEnum):
    AMBIGUOUS_CREATE = "AmbiguousCreate"
    LOST_REGISTRATION_ACCESS_TOKEN = "LostRegistrationAccessToken"
    NOT_MANAGEABLE = "NotManageable"


@dataclass(frozen=True, slots=True)
class Orphan:
    """What a person needs to find the client, as far as it is known."""

    cause: OrphanCause
    issuer: str
    since: datetime
    client_id: str | None = None
    intent_id: str | None = None
