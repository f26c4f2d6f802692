"""What people and metrics are told of credentials that others have taken the place of."""

from datetime import datetime

from dcr_operator.announcing import announce
from dcr_operator.client_keys import last_retirement
from dcr_operator.ports import Context, EventType
from dcr_operator.reasons import Reason
from dcr_operator.registration_facts import has_switched_key
from dcr_operator.rotation_schedule import overlap_end
from dcr_operator.state import Observed, Record, Registration


def tell_new_key(
    before: Record | None, after: Record, observed: Observed, context: Context
) -> None:
    registration = after.registration
    if before is None or registration is None or not has_switched_key(before, after):
        return
    until = _until(last_retirement(after.keys))
    said = f"the key of {registration.shown_id} was rotated; the one before is {until}"
    _tell(said, observed, context)


def tell_new_secret(registration: Registration, observed: Observed, context: Context) -> None:
    until = _until(overlap_end(registration))
    said = f"the client secret of {registration.shown_id} was rotated; the one before is {until}"
    _tell(said, observed, context)


def tell_new_client(
    before: Record, registration: Registration, observed: Observed, context: Context
) -> None:
    """Tell of a client that has replaced another one; no end of that is known yet."""
    if is_rotation(before) and before.registration is not None:
        said = (
            f"{registration.shown_id} takes the place of {before.registration.shown_id}, which is"
            " removed when the overlap after the publication is over"
        )
        _tell(said, observed, context)


def is_rotation(record: Record) -> bool:
    """Whether the registration under way rotates credentials; a move to another place does not."""
    there, intent = record.registering_at, record.intent
    retires = intent is not None and intent.retires and record.registration is not None
    return retires and (there.key, there.issuer) == (record.provider.key, record.provider.issuer)


def _until(end: datetime | None) -> str:
    return f"valid until {end:%Y-%m-%d %H:%M:%SZ}" if end else "not valid any more"


def _tell(message: str, observed: Observed, context: Context) -> None:
    context.metrics.rotation_ended("rotated")
    announce(observed, context, Reason.ROTATED, message, event_type=EventType.NORMAL)
