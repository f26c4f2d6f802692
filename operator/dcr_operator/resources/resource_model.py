"""What every part of a custom resource has in common: frozen, camelCase, nothing unknown."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
NAMESPACE_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SECRET_KEY_PATTERN = r"^[-._a-zA-Z0-9]+$"
# Some servers put the whole registration into the client_id. No answer that we read is longer.
LONGEST_ANSWER: Final = 65536

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=NAME_PATTERN)]
NamespaceName = Annotated[str, Field(min_length=1, max_length=63, pattern=NAMESPACE_PATTERN)]
SecretKeyName = Annotated[str, Field(min_length=1, max_length=253, pattern=SECRET_KEY_PATTERN)]
OperatorClass = Annotated[str, Field(min_length=1, max_length=63, pattern=NAMESPACE_PATTERN)]
Url = Annotated[str, Field(min_length=1, max_length=2048)]


class ResourceModel(BaseModel):
    """The API server prunes what it does not know; `extra="forbid"` is the second line."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        hide_input_in_errors=True,
    )


class StatusModel(ResourceModel):
    """Status may have been written by another version of the operator: unknown fields pass."""

    model_config = ConfigDict(extra="ignore")


class ObjectMetadata(ResourceModel):
    """The part of `metadata` that the operator reads."""

    model_config = ConfigDict(extra="ignore")

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    finalizers: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
