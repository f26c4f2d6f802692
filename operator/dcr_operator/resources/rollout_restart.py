"""spec.rolloutRestart of an OAuthClient, and what became of it."""

from enum import StrEnum

from pydantic import Field

from dcr_operator.resources.resource_model import ObjectName, ResourceModel, StatusModel


class WorkloadKind(StrEnum):
    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"


class WorkloadRef(ResourceModel):
    """A workload of this namespace."""

    kind: WorkloadKind = Field(description="Deployment, StatefulSet or DaemonSet.")
    name: ObjectName = Field(description="Name of the workload.")


class RolloutRestartEntry(StatusModel):
    """One workload and the content that its pods have been restarted for."""

    kind: WorkloadKind = Field(description="Kind of the workload.")
    name: str = Field(max_length=253, description="Name of the workload.")
    content_hash: str | None = Field(
        default=None,
        max_length=64,
        description="Which content of the Secret its pods have; a keyed hash, which tells nothing.",
    )
    message: str | None = Field(
        default=None,
        max_length=1024,
        description="Why it was not restarted for the content of now.",
    )
