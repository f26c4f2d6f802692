"""What is told when an edit of a registration at the provider has been put back."""

import json

from dcr_operator.announcing import announce
from dcr_operator.ports import Context, EventType
from dcr_operator.reasons import Reason
from dcr_operator.registration_facts import changed_members
from dcr_operator.state import Observed, Registration
from dcr_operator.steps import Update


def tell_repair(step: Update, updated: Registration, observed: Observed, context: Context) -> None:
    """Say what was put back; what the provider keeps otherwise stands in status.drift."""
    kept = {each.member for each in changed_members(json.loads(step.body), updated.metadata)}
    repaired = [member for member in step.drift if member not in kept]
    if repaired:
        announce(
            observed,
            context,
            Reason.DRIFT_REPAIRED,
            f"{', '.join(repaired)} differed at the provider from spec.clientMetadata and"
            " was put back",
            event_type=EventType.NORMAL,
        )
