"""Undo a registration whose answer could not be stored. One function, decided with care.

A client nobody can manage is better deleted; deleting one that someone stored is worse than
leaving it. So a live GET comes first, and a conflict never gets here.
"""

from dcr_operator.announcing import announce
from dcr_operator.kube import ApiError
from dcr_operator.observe import read_record
from dcr_operator.outcomes import Deleted
from dcr_operator.ports import Context
from dcr_operator.reasons import Reason
from dcr_operator.state import Observed, RecordUnreadable, Registration, StoredRecord


async def compensate(observed: Observed, registration: Registration, context: Context) -> None:
    usable = observed.usable
    # A repeat of the request yields this very client again: nothing is lost.
    if usable is None or usable.snapshot.idempotent:
        return
    try:
        live = await read_record(observed.resource.uid, context)
    except ApiError:
        return  # the record may hold it after all: the open intent says what to do next
    if isinstance(live, RecordUnreadable) or _has(live, registration, usable.snapshot.issuer):
        return
    for access in registration.management():
        outcome = await context.registrations.delete(usable.snapshot.connection, access)
        if isinstance(outcome, Deleted):
            return
    announce(
        observed,
        context,
        Reason.CREATION_OUTCOME_UNKNOWN,
        f"{registration.shown_id} was registered at {usable.snapshot.connection.provider}, its"
        " record could not be written and it could not be deleted: remove it by hand",
    )


def _has(live: StoredRecord | None, registration: Registration, issuer: str) -> bool:
    """Whether the record holds this client; another provider may have one of the same name."""
    if live is None or live.record.registration is None:
        return False
    same_name = live.record.registration.client_id == registration.client_id
    return same_name and live.record.provider.issuer == issuer
