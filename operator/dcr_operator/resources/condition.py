"""metav1.Condition as it stands in the status of our resources."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import Field, JsonValue

from dcr_operator.resources.resource_model import StatusModel

# As Flux does: what nobody has looked at yet is in progress without a write.
NOT_YET_SEEN: Final[Mapping[str, JsonValue]] = {"observedGeneration": -1}


class ConditionStatus(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(StatusModel):
    """One aspect of the state of a resource."""

    type: str = Field(
        max_length=316,
        pattern=r"^[A-Za-z][A-Za-z0-9]*$",
        description="What the condition is about, such as Ready.",
    )
    status: ConditionStatus = Field(
        description="True, False, or Unknown while it is being found out."
    )
    observed_generation: int = Field(
        default=0, ge=0, description="The metadata.generation that the condition was computed from."
    )
    last_transition_time: datetime = Field(description="When status changed last.")
    reason: str = Field(
        min_length=1,
        max_length=1024,
        pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        description="One word for the cause; docs/reasons.md lists them with their remedies.",
    )
    message: str = Field(
        max_length=32768, description="What happened, on what object, and what to do about it."
    )
