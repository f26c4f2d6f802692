"""Whose software statements count: `statement_issuers` in the configuration file (S-072)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from dcr_server.durations import Seconds
from dcr_server.fetch_targets import FetchError, parse_target
from dcr_server.policies import Policy
from dcr_server.verification_keys import ASYMMETRIC_ALGORITHMS

DEFAULT_ALGORITHMS: Final = ("ES256", "RS256", "PS256")


def _is_asymmetric(algorithm: str) -> str:
    # RFC 8725 §3.1, §3.5: many can check a statement, and none of them must be able to make one.
    if algorithm not in ASYMMETRIC_ALGORITHMS:
        raise ValueError(f"give some of {', '.join(ASYMMETRIC_ALGORITHMS)}")
    return algorithm


def _is_fetchable(url: str) -> str:
    try:
        parse_target(url)
    except FetchError as error:
        raise ValueError(str(error)) from None
    return url


class StatementIssuer(BaseModel):
    """One entry under `statement_issuers`, which is named after the claim `iss`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jwks_file: Path | None = Field(
        None, description="file with the issuer's JWK Set, read again when it changes"
    )
    jwks_uri: Annotated[str, AfterValidator(_is_fetchable)] | None = Field(
        None, description="URL of the issuer's JWK Set, instead of a file"
    )
    algorithms: tuple[Annotated[str, AfterValidator(_is_asymmetric)], ...] = Field(
        DEFAULT_ALGORITHMS, min_length=1, description="JWS algorithms of its statements"
    )
    max_age: Seconds | None = Field(
        None, description="how old a statement may be by its iat, such as 30d; none: any age"
    )
    software_ids: tuple[str, ...] | None = Field(
        None, description="software that is approved; none: all of this issuer"
    )
    single_use: bool = Field(
        default=False, description="each statement registers one client, told by its jti"
    )
    policy: str | None = Field(
        None, description="policy under which a statement alone admits, without another token"
    )

    @model_validator(mode="after")
    def _has_one_key_set(self) -> Self:
        if (self.jwks_file is None) == (self.jwks_uri is None):
            raise ValueError("give one of jwks_file and jwks_uri")
        return self


StatementIssuers = Mapping[str, StatementIssuer]


def check_statement_issuers(issuers: StatementIssuers, policies: Mapping[str, Policy]) -> None:
    """Raise ValueError with key and fix where issuers and policies do not fit together."""
    for name, issuer in issuers.items():
        if not name or not name.isprintable() or " " in name:
            raise ValueError(f"statement_issuers: {name!r} is no issuer: give the value of iss")
        if issuer.policy is not None:
            _check_policy_of(name, policies.get(issuer.policy), issuer.policy)
    for name, policy in policies.items():
        unknown = [iss for iss in policy.statement_issuers if iss not in issuers]
        if unknown:
            raise ValueError(
                f"policies.{name}.statement_issuers: {unknown[0]} has no entry under "
                "statement_issuers: add it there, with jwks_file or jwks_uri"
            )
        if policy.software_statement != "ignored" and not policy.statement_issuers:
            raise ValueError(
                f"policies.{name}.software_statement={policy.software_statement}: "
                "name the issuers that count in statement_issuers of the policy"
            )


def _check_policy_of(issuer: str, policy: Policy | None, name: str) -> None:
    where = f"statement_issuers.{issuer}.policy={name}"
    if policy is None:
        raise ValueError(f"{where}: there is no such entry under policies")
    # Else an update without a statement would free the client from what it was admitted for.
    if policy.software_statement != "required" or issuer not in policy.statement_issuers:
        raise ValueError(
            f"{where}: set software_statement: required there, and list the issuer in its "
            "statement_issuers"
        )
