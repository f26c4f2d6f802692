"""The rows of `reason_rows` about credentials that are replaced by others. Pure."""

from typing import Final

from dcr_operator.reasons import ConditionType, Reason, Retry, Row

_REGISTERED: Final = ConditionType.REGISTERED

ROTATION_ROWS: Final = (
    Row(
        Reason.ROTATION_NOT_SUPPORTED,
        _REGISTERED,
        Retry.ON_CHANGE,
        "Other credentials are wanted, by spec.rotation or by annotation, and cannot be had: the"
        " provider does not offer to rotate secrets, or the client has none. The Secret still"
        " holds the credentials as they were.",
        "Remove spec.rotation or the annotation, or choose a provider that rotates secrets.",
    ),
    Row(
        Reason.ROTATED,
        _REGISTERED,
        Retry.NOTHING_TO_DO,
        "The credentials were rotated; an Event only. It says until when those before are valid.",
    ),
    Row(
        Reason.CLIENT_SECRET_EXPIRED,
        _REGISTERED,
        Retry.ON_CHANGE,
        "The client secret has expired, and the provider issues no other one, neither by rotation"
        " nor with an update.",
        "Have it renewed at the provider and annotate the object with"
        " dcr-operator.dev/reconcile-requested-at, or make the OAuthClient again.",
    ),
)
