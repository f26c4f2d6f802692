"""Clients that are, or may be, left at a provider without anyone who manages them. Pure data."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dcr_operator.ports import Management, ProviderConnection


class OrphanCause(StrEnum):
    AMBIGUOUS_CREATE = "AmbiguousCreate"
    LOST_REGISTRATION_ACCESS_TOKEN = "LostRegistrationAccessToken"
    NOT_MANAGEABLE = "NotManageable"
    RESOURCE_GONE = "ResourceGone"  # and nobody knows whether it was deleted
    ABANDONED = "Abandoned"  # its deletion failed for so long that nobody waits for it any more


@dataclass(frozen=True, slots=True)
class Orphan:
    """What a person needs to find the client, as far as it is known."""

    cause: OrphanCause
    issuer: str
    since: datetime
    client_id: str | None = None
    intent_id: str | None = None
    # Where its deletion can be tried again, and with what.
    connection: ProviderConnection | None = None
    management: tuple[Management, ...] = ()
