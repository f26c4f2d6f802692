"""Which records know a client: by labels on them, so that one labelled list is the answer."""

from dcr_operator.kube import SECRETS, object_meta
from dcr_operator.ports import Context
from dcr_operator.record import client_label, read_record_secret, record_name
from dcr_operator.state import ResourceIdentity, StoredRecord


async def others_with(
    issuer: str, client_id: str, uid: str, context: Context
) -> tuple[ResourceIdentity | None, ...]:
    """Return whose records but our own know the client; None for one that cannot be read."""
    found = await context.kubernetes.list(
        SECRETS, context.namespace, label_selector=client_label(issuer, client_id)
    )
    others = [each for each in found if object_meta(each).name != record_name(uid)]
    records = [read_record_secret(each) for each in others]
    return tuple(
        each.record.resource if isinstance(each, StoredRecord) else None for each in records
    )
