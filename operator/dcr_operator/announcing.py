"""One Event about an OAuthClient, through the recorder that aggregates them."""

from dcr_operator.ports import Context, EventType, Regarding
from dcr_operator.reasons import Reason
from dcr_operator.state import Observed


def announce(
    observed: Observed,
    context: Context,
    reason: Reason,
    message: str,
    *,
    event_type: EventType = EventType.WARNING,
) -> None:
    resource = observed.resource
    regarding = Regarding(resource.key, resource.uid, resource.resource_version)
    context.events.record(regarding, event_type, reason.value, message)
