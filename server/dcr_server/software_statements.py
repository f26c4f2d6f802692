"""Software statements: RFC 7591 §2.3 (S-070 to S-076).

A statement is believed when an issuer that is configured here signed it with one of the keys that
are configured for it. Nothing in its header leads to another key.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.errors import (
    InvalidSoftwareStatement,
    ProtocolError,
    RegistrationErrorCode,
    UnapprovedSoftwareStatement,
)
from dcr_protocol.json_document import JsonValue
from dcr_protocol.member_types import LONGEST_NAME
from dcr_server.json_web_tokens import (
    CLOCK_SKEW,
    Claims,
    InvalidJwt,
    UnverifiedJwt,
    audiences,
    numeric_date,
    parse_jwt,
)
from dcr_server.records import SingleUse
from dcr_server.remote_keys import KeyFile, Keys, KeysUnavailable, RemoteKeys
from dcr_server.statement_issuers import StatementIssuer, StatementIssuers
from dcr_server.verification_keys import verify_signature

SOFTWARE_STATEMENT: Final = "software_statement"
LONGEST_STATEMENT: Final = 32768
_SECONDS_UNTIL_RETRY: Final = 30
_UNAVAILABLE: Final = 503
_LATEST: Final = 2**53
# RFC 8725 §3.11: a token that was made for another purpose says so.
_TYPES: Final = frozenset({"", "jwt", "software-statement+jwt"})
# What a statement can vouch for; a statement within a statement is none.
_METADATA: Final = frozenset(ClientMetadata.model_fields) - {"localized", SOFTWARE_STATEMENT}
_OMITTED: Final[tuple[JsonValue, ...]] = (None, "")


@dataclass(frozen=True, slots=True)
class SoftwareStatement:
    """A statement whose issuer, signature and times are right."""

    text: str
    issuer: str
    software_id: str | None
    policy: str | None
    """Under which the statement alone admits."""
    claims: Claims
    single_use: SingleUse | None

    @property
    def subject(self) -> str:
        """Who owns what the statement alone registers; an issuer's name holds no space."""
        return f"{self.issuer} {self.software_id}"

    def vouch_for(self, document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """Return the request with the values of the statement in place of its own (S-073).

        Also in place of translations: a name that is vouched for is not the client's to translate.
        """
        vouched = {
            name: value
            for name, value in self.claims.items()
            if name.partition("#")[0] in _METADATA and value not in _OMITTED
        }
        fixed = {name.partition("#")[0] for name in vouched}
        own = {
            name: value for name, value in document.items() if name.partition("#")[0] not in fixed
        }
        return {**own, **vouched, SOFTWARE_STATEMENT: self.text}


class SoftwareStatements:
    """The issuers that are configured, with their keys."""

    def __init__(
        self, issuers: StatementIssuers, remote: RemoteKeys, *, audiences: Sequence[str]
    ) -> None:
        """Take the names of this server, for statements that say whom they are for.

        Raises KeysUnavailable for a file that holds no keys.
        """
        self._issuers = issuers
        self._remote = remote
        self._audiences = audiences
        self._files = {
            name: KeyFile(issuer.jwks_file)
            for name, issuer in issuers.items()
            if issuer.jwks_file is not None
        }

    @property
    def admit_alone(self) -> bool:
        """Whether there is an issuer whose statement is enough to register."""
        return any(issuer.policy is not None for issuer in self._issuers.values())

    def admits_alone(self, text: str) -> bool:
        """Whether a statement claims to come from such an issuer. Nothing is verified here."""
        try:
            issuer = self._issuers.get(str(parse_jwt(text, LONGEST_STATEMENT).claims.get("iss")))
        except InvalidJwt:
            return False
        return issuer is not None and issuer.policy is not None

    async def verified(self, text: JsonValue, *, now: int) -> SoftwareStatement:
        """Raises InvalidSoftwareStatement, UnapprovedSoftwareStatement; 503 without keys."""
        if not isinstance(text, str):
            raise InvalidSoftwareStatement("the software statement is no string")
        try:
            jwt = parse_jwt(text, LONGEST_STATEMENT)
            name = _issuer_name(jwt.claims)
            issuer = self._issuers.get(name)
            if issuer is None:
                raise UnapprovedSoftwareStatement("no software statement of this issuer counts")
            _check_header(jwt, issuer)
            keys = await self._keys(name, issuer, jwt.kid)
            verify_signature(jwt, keys, algorithms=issuer.algorithms)
            _check_times(jwt.claims, issuer, now)
            self._check_audience(jwt.claims)
            single_use = _single_use(name, jwt.claims, issuer) if issuer.single_use else None
        except InvalidJwt as error:
            raise InvalidSoftwareStatement(f"the software statement: {error}") from None
        software_id = _approved_software(jwt.claims, issuer)
        return SoftwareStatement(text, name, software_id, issuer.policy, jwt.claims, single_use)

    async def _keys(self, name: str, issuer: StatementIssuer, kid: str | None) -> Keys:
        if issuer.jwks_uri is None:
            return self._files[name].current()
        try:
            return await self._remote.keys(issuer.jwks_uri, kid=kid)
        except KeysUnavailable:
            # Ours to mend, or the issuer's: the statement may well be good.
            raise ProtocolError(
                RegistrationErrorCode.TEMPORARILY_UNAVAILABLE,
                "the keys of the software statement's issuer cannot be had, try again later",
                status=_UNAVAILABLE,
                headers={"Retry-After": str(_SECONDS_UNTIL_RETRY)},
            ) from None

    def _check_audience(self, claims: Claims) -> None:
        # RFC 7519 §4.1.3: one that says whom it is for is for nobody else.
        if "aud" in claims and not set(audiences(claims)).intersection(self._audiences):
            raise InvalidJwt("aud names other servers")


def statement_in(document: Mapping[str, JsonValue]) -> str:
    """Return the software statement of a registration request, empty where there is none."""
    text = document.get(SOFTWARE_STATEMENT)
    return text if isinstance(text, str) else ""


def _issuer_name(claims: Claims) -> str:
    name = claims.get("iss")
    if not isinstance(name, str) or not name:
        raise InvalidJwt("there is no iss")  # RFC 7591 §2.3
    return name


def _check_header(jwt: UnverifiedJwt, issuer: StatementIssuer) -> None:
    """Before keys are fetched: for nonsense nobody fetches."""
    if jwt.algorithm not in issuer.algorithms:
        raise InvalidJwt("alg is not among those that count for its issuer")
    if jwt.type not in _TYPES:
        raise InvalidJwt("typ is that of another kind of token")


def _check_times(claims: Claims, issuer: StatementIssuer, now: int) -> None:
    """S-075; a statement without `exp` does not expire."""
    expires_at = numeric_date(claims, "exp")
    if expires_at is not None and expires_at <= now - CLOCK_SKEW:
        raise InvalidJwt("expired")
    for name in ("nbf", "iat"):
        begins_at = numeric_date(claims, name)
        if begins_at is not None and begins_at > now + CLOCK_SKEW:
            raise InvalidJwt(f"{name} is in the future")
    if issuer.max_age is None:
        return
    issued_at = numeric_date(claims, "iat")
    if issued_at is None:
        raise InvalidJwt("there is no iat")
    if issued_at < now - issuer.max_age - CLOCK_SKEW:
        raise InvalidJwt(f"iat is more than {issuer.max_age} seconds ago")


def _single_use(name: str, claims: Claims, issuer: StatementIssuer) -> SingleUse:
    jwt_id = claims.get("jti")
    if not isinstance(jwt_id, str) or not jwt_id:
        raise InvalidJwt("there is no jti")
    ends = [numeric_date(claims, "exp")]
    if issuer.max_age is not None:
        ends.append((numeric_date(claims, "iat") or 0) + issuer.max_age)
    known = [end for end in ends if end is not None]
    if not known:
        raise InvalidJwt("there is no exp")
    return SingleUse(
        hash=hashlib.sha256(f"{name}\n{jwt_id}".encode()).digest(),
        # Storage keeps 64 bits; a statement may claim anything.
        expires_at=int(min(*known, _LATEST)) + CLOCK_SKEW + 1,
    )


def _approved_software(claims: Claims, issuer: StatementIssuer) -> str | None:
    software_id = claims.get("software_id")
    named = software_id if isinstance(software_id, str) and software_id else None
    # It names an owner, in logs too.
    if named is not None and not (len(named) <= LONGEST_NAME and named.isprintable()):
        raise InvalidSoftwareStatement("the software statement: software_id is no name")
    if issuer.software_ids is not None and named not in issuer.software_ids:
        raise UnapprovedSoftwareStatement("the software of the statement is not approved here")
    if issuer.policy is not None and named is None:
        raise InvalidSoftwareStatement("the software statement: there is no software_id")
    return named
