"""Every reason that a condition, an Event, a log line or a metric can give, in one table.

The same word stands in all four. `python -m dcr_operator.reasons` writes docs/reasons.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Retry(StrEnum):
    """What the operator does about it by itself."""

    NOTHING_TO_DO = "nothing to do"
    BACK_OFF = "tries again, at growing intervals of 1 s to 5 min"
    WHEN_ALLOWED = "tries again when the provider allows, else at growing intervals"
    ON_CHANGE = "waits for a change of the object or of what it refers to"


class ConditionType(StrEnum):
    READY = "Ready"
    PROVIDER_READY = "ProviderReady"
    REGISTERED = "Registered"
    SECRET_PUBLISHED = "SecretPublished"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class Reason(StrEnum):
    """One word for the cause; its row in `ROWS` says the rest."""

    READY = "Ready"
    PROVIDER_READY = "ProviderReady"
    REGISTERED = "Registered"
    SECRET_PUBLISHED = "SecretPublished"
    PROGRESSING = "Progressing"
    INVALID_SPEC = "InvalidSpec"
    INTERNAL_ERROR = "InternalError"
    PROVIDER_NOT_FOUND = "ProviderNotFound"
    NAMESPACE_NOT_ALLOWED = "NamespaceNotAllowed"
    DISCOVERY_FAILED = "DiscoveryFailed"
    PROVIDER_UNAVAILABLE = "ProviderUnavailable"
    RATE_LIMITED = "RateLimited"
    CERTIFICATE_AUTHORITY_MISSING = "CertificateAuthorityMissing"
    INITIAL_ACCESS_TOKEN_MISSING = "InitialAccessTokenMissing"
    INITIAL_ACCESS_TOKEN_REJECTED = "InitialAccessTokenRejected"
    REGISTRATION_NOT_SUPPORTED = "RegistrationNotSupported"
    REGISTRATION_REJECTED = "RegistrationRejected"
    REGISTRATION_ACCESS_TOKEN_REJECTED = "RegistrationAccessTokenRejected"
    CREATION_OUTCOME_UNKNOWN = "CreationOutcomeUnknown"
    METADATA_NOT_ACCEPTED = "MetadataNotAccepted"
    CLIENT_VANISHED = "ClientVanished"
    SECRET_CONFLICT = "SecretConflict"
    DELETING = "Deleting"
    DELETION_BLOCKED = "DeletionBlocked"
