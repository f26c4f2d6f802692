"""JSON Web Tokens in compact form (RFC 7515 §3.1, RFC 7519), read strictly.

Reading comes first and believes nothing: what parsers disagree about is refused here, before a
key is chosen or a signature verified. The texts of the errors are for the log, without the token.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dcr_protocol import base64url
from dcr_protocol.errors import InvalidRequest
from dcr_protocol.json_document import JsonValue, parse_json_object

LONGEST_TOKEN: Final = 8192
"""Characters; more than any token needs that a client makes of its own accord."""
CLOCK_SKEW: Final = 60
"""Seconds by which the clock of whoever made a token may be wrong."""
_PARTS: Final = 3

Claims = Mapping[str, JsonValue]


class InvalidJwt(Exception):  # noqa: N818 - says what is the matter
    """The token is not one, or not one for us; the text says why and is for the log only."""


@dataclass(frozen=True, slots=True)
class UnverifiedJwt:
    """A token whose form is right; nothing in it is true before its signature is verified."""

    header: Mapping[str, JsonValue]
    claims: Claims
    signing_input: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        return str(self.header["alg"])

    @property
    def kid(self) -> str | None:
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None

    @property
    def type(self) -> str:
        """RFC 7515 §4.1.9: `application/` may be left out; empty when there is none."""
        return str(self.header.get("typ", "")).lower().removeprefix("application/")


def parse_jwt(token: str, longest: int = LONGEST_TOKEN) -> UnverifiedJwt:
    """Raises InvalidJwt."""
    if len(token) > longest:
        raise InvalidJwt(f"longer than {longest} characters")
    parts = token.split(".")
    if len(parts) != _PARTS or not token.isascii():
        raise InvalidJwt("not three parts of base64url")
    header, claims, signature = (_decode(part) for part in parts)
    jwt = UnverifiedJwt(
        header=_json_object("header", header),
        claims=_json_object("claims", claims),
        signing_input=f"{parts[0]}.{parts[1]}".encode("ascii"),
        signature=signature,
    )
    _check_header(jwt.header)
    return jwt


def numeric_date(claims: Claims, name: str) -> float | None:
    """Return a NumericDate (RFC 7519 §2), None where there is none.

    Raises InvalidJwt for anything but a number.
    """
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidJwt(f"{name} is not a number")
    return value


def check_times(claims: Claims, *, now: int, longest: int) -> float:
    """Return `exp`, which must lie ahead, and at most so many seconds.

    Raises InvalidJwt, also where `nbf` or `iat` are not over yet.
    """
    expires_at = numeric_date(claims, "exp")
    if expires_at is None:
        raise InvalidJwt("there is no exp")
    if expires_at <= now - CLOCK_SKEW:
        raise InvalidJwt("expired")
    if expires_at > now + longest + CLOCK_SKEW:
        raise InvalidJwt(f"exp is more than {longest} seconds ahead")
    for name in ("nbf", "iat"):
        begins_at = numeric_date(claims, name)
        if begins_at is not None and begins_at > now + CLOCK_SKEW:
            raise InvalidJwt(f"{name} is in the future")
    return expires_at


def audiences(claims: Claims) -> tuple[str, ...]:
    """Return `aud`, one or several (RFC 7519 §4.1.3).

    Raises InvalidJwt where there is none.
    """
    value = claims.get("aud")
    values = value if isinstance(value, list) else [value]
    named = tuple(each for each in values if isinstance(each, str))
    if not named or len(named) != len(values):
        raise InvalidJwt("aud is not one or several strings")
    return named


def _decode(part: str) -> bytes:
    try:
        return base64url.decode_only_form(part)
    except ValueError:
        raise InvalidJwt("not base64url in its only form") from None


def _json_object(what: str, octets: bytes) -> dict[str, JsonValue]:
    try:
        return parse_json_object(octets)
    except InvalidRequest as error:
        raise InvalidJwt(f"{what}: {error.description}") from None


def _check_header(header: Mapping[str, JsonValue]) -> None:
    if not isinstance(header.get("alg"), str):
        raise InvalidJwt("there is no alg")
    # RFC 7515 §4.1.11: none of the extensions is understood here.
    if "crit" in header:
        raise InvalidJwt("crit names what is not understood")
    for name in ("kid", "typ"):
        if name in header and not isinstance(header[name], str):
            raise InvalidJwt(f"{name} is not a string")
