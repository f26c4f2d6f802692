"""Keys that the operator makes for a client, for private_key_jwt (RFC 7523 §2.2)."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from dcr_operator.resources.cel import Rule, in_seconds, schema
from dcr_operator.resources.durations import Seconds
from dcr_operator.resources.resource_model import ResourceModel
from dcr_operator.resources.rotation import (
    LONGEST,
    LONGEST_KEPT,
    SHORTEST,
    between,
    between_rule,
)


class KeyAlgorithm(StrEnum):
    """RFC 7518 §3.1, RFC 8037 §3.1."""

    ES256 = "ES256"
    ES384 = "ES384"
    RS256 = "RS256"
    PS256 = "PS256"
    EDDSA = "EdDSA"


class ClientKeysSpec(ResourceModel):
    """A key pair for the client: the private key in the Secret, the public one registered."""

    model_config = ConfigDict(
        json_schema_extra=schema(
            Rule(
                "!has(self.rotateEvery) ||"
                f" {in_seconds('self.overlap')} <= {in_seconds('self.rotateEvery')}",
                "overlap, which is 24h when omitted, must not be longer than rotateEvery",
                ".overlap",
            )
        )
    )

    algorithm: KeyAlgorithm = Field(
        default=KeyAlgorithm.ES256,
        description="What the client signs with. Another one here makes another key.",
    )
    rotate_every: Annotated[Seconds, between(SHORTEST, LONGEST)] | None = Field(
        default=None,
        description="Make another key when the present one is this old, such as 90d.",
        json_schema_extra=schema(between_rule("rotateEvery", SHORTEST, LONGEST)),
    )
    overlap: Annotated[Seconds, between("0s", LONGEST_KEPT)] = Field(
        default=86_400,
        description="How long the key before stays registered beside the present one, 90d at most.",
        json_schema_extra=schema(between_rule("overlap", "0s", LONGEST_KEPT)),
    )

    @model_validator(mode="after")
    def _overlap_ends_before_the_next(self) -> Self:
        if self.rotate_every is not None and self.overlap > self.rotate_every:
            raise ValueError(
                "overlap, which is 24h when omitted, must not be longer than rotateEvery"
            )
        return self
