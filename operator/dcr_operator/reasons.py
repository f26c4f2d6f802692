"""Every reason that a condition, an Event, a log line or a metric can give.

The same word stands in all four. What it means and what to do is in `reason_rows`.
"""

from dataclasses import dataclass
from enum import StrEnum


class Retry(StrEnum):
    """What the operator does about it by itself."""

    NOTHING_TO_DO = "nothing to do"
    BACK_OFF = "tries again, at growing intervals of 1 s to 5 min"
    WHEN_ALLOWED = "tries again when the provider allows, else at growing intervals"
    ON_CHANGE = "waits for a change of the object or of what it refers to, and looks every 5 min"
    AT_RESYNC = (
        "waits for a change of the object or of its provider; sends the same request once in every"
        " resync interval and on request by annotation, or every 5 min where the refusal is not"
        " about the metadata"
    )


class ConditionType(StrEnum):
    READY = "Ready"
    PROVIDER_READY = "ProviderReady"
    REGISTERED = "Registered"
    SECRET_PUBLISHED = "SecretPublished"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class Reason(StrEnum):
    """One word for the cause; its row in `reason_rows` says the rest."""

    READY = "Ready"
    PROVIDER_READY = "ProviderReady"
    REGISTERED = "Registered"
    SECRET_PUBLISHED = "SecretPublished"
    PROGRESSING = "Progressing"
    SUSPENDED = "Suspended"
    INVALID_SPEC = "InvalidSpec"
    INTERNAL_ERROR = "InternalError"
    PROVIDER_NOT_FOUND = "ProviderNotFound"
    DEFAULT_PROVIDER_AMBIGUOUS = "DefaultProviderAmbiguous"
    NAMESPACE_NOT_ALLOWED = "NamespaceNotAllowed"
    DISCOVERY_FAILED = "DiscoveryFailed"
    PROVIDER_UNAVAILABLE = "ProviderUnavailable"
    RATE_LIMITED = "RateLimited"
    CERTIFICATE_AUTHORITY_MISSING = "CertificateAuthorityMissing"
    INITIAL_ACCESS_TOKEN_MISSING = "InitialAccessTokenMissing"
    INITIAL_ACCESS_TOKEN_REJECTED = "InitialAccessTokenRejected"
    REGISTRATION_NOT_SUPPORTED = "RegistrationNotSupported"
    MANAGEMENT_NOT_SUPPORTED = "ManagementNotSupported"
    ROTATION_NOT_SUPPORTED = "RotationNotSupported"
    ROTATED = "Rotated"
    CLIENT_SECRET_EXPIRED = "ClientSecretExpired"
    REGISTRATION_REJECTED = "RegistrationRejected"
    CLIENT_LIMIT_REACHED = "ClientLimitReached"
    POLICY_DENIED = "PolicyDenied"
    REGISTRATION_ACCESS_TOKEN_REJECTED = "RegistrationAccessTokenRejected"
    SOFTWARE_STATEMENT_MISSING = "SoftwareStatementMissing"
    CREATION_OUTCOME_UNKNOWN = "CreationOutcomeUnknown"
    RECORD_MISSING = "RecordMissing"
    ADOPTION_REFUSED = "AdoptionRefused"
    CLIENT_SECRET_UNKNOWN = "ClientSecretUnknown"
    METADATA_NOT_ACCEPTED = "MetadataNotAccepted"
    DRIFT_REPAIRED = "DriftRepaired"
    CLIENT_VANISHED = "ClientVanished"
    SECRET_CONFLICT = "SecretConflict"
    SECRET_REFUSED = "SecretRefused"
    TEMPLATE_INVALID = "TemplateInvalid"
    IN_USE = "InUse"
    ROLLOUT_RESTARTED = "RolloutRestarted"
    ROLLOUT_RESTART_REFUSED = "RolloutRestartRefused"
    DELETING = "Deleting"
    DELETION_BLOCKED = "DeletionBlocked"


@dataclass(frozen=True, slots=True)
class Row:
    """What a person reads about a reason. `condition` is where it stands; Ready repeats it."""

    reason: Reason
    condition: ConditionType
    retry: Retry
    meaning: str
    remedy: str = ""
