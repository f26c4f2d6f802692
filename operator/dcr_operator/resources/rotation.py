"""How often the credentials of a client are replaced, and how long those before go on working."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from dcr_operator.resources.cel import Rule, in_seconds, schema
from dcr_operator.resources.durations import Seconds, format_duration, parse_duration
from dcr_operator.resources.resource_model import ResourceModel
from dcr_protocol.secret_rotation import LONGEST_OVERLAP

SHORTEST: Final = "10s"
LONGEST: Final = "3650d"
LONGEST_KEPT: Final = format_duration(LONGEST_OVERLAP)


def between(least: str, most: str) -> AfterValidator:
    first, last = parse_duration(least), parse_duration(most)

    def check(seconds: int) -> int:
        if not first <= seconds <= last:
            raise ValueError(f"must be between {least} and {most}")
        return seconds

    return AfterValidator(check)


def between_rule(field: str, least: str, most: str) -> Rule:
    length = in_seconds("self")
    return Rule(
        f"{length} >= {parse_duration(least)} && {length} <= {parse_duration(most)}",
        f"{field} must be between {least} and {most}",
    )


class RotationStrategy(StrEnum):
    IN_PLACE = "InPlace"
    REREGISTER = "Reregister"


class RotationSpec(ResourceModel):
    """When the client secret is replaced by another one."""

    model_config = ConfigDict(
        json_schema_extra=schema(
            Rule(
                f"!has(self.every) || {in_seconds('self.overlap')} <= {in_seconds('self.every')}",
                "overlap, which is 1h when omitted, must not be longer than every",
                ".overlap",
            )
        )
    )

    every: Annotated[Seconds, between(SHORTEST, LONGEST)] | None = Field(
        default=None,
        description="Rotate when the secret is this old, such as 30d.",
        json_schema_extra=schema(between_rule("every", SHORTEST, LONGEST)),
    )
    before_expiry: Annotated[Seconds, between(SHORTEST, LONGEST)] | None = Field(
        default=None,
        description=(
            "Rotate this long before the secret expires, where it does. One that lives no longer"
            " than that is rotated in the last third of its life."
        ),
        json_schema_extra=schema(between_rule("beforeExpiry", SHORTEST, LONGEST)),
    )
    overlap: Annotated[Seconds, between("0s", LONGEST_KEPT)] = Field(
        default=3600,
        description=(
            "How long the secret before stays valid and in the Secret as previous_client_secret,"
            " 90d at most; 0s ends it, and all before it, at once."
        ),
        json_schema_extra=schema(between_rule("overlap", "0s", LONGEST_KEPT)),
    )

    strategy: RotationStrategy = Field(
        default=RotationStrategy.IN_PLACE,
        description=(
            "InPlace asks the provider for another secret of the same client. Reregister registers"
            " another client and deletes the one before after the overlap, of 5m at least: for"
            " providers that do not rotate secrets. The client_id changes with it."
        ),
    )

    @model_validator(mode="after")
    def _overlap_ends_before_the_next(self) -> Self:
        if self.every is not None and self.overlap > self.every:
            raise ValueError("overlap, which is 1h when omitted, must not be longer than every")
        return self
