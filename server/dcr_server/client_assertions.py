"""private_key_jwt: a client shows who it is by a JWT that it signed.

RFC 7523 §3, OpenID Connect Core §9 (S-190). Pure: keys, time and our own names are parameters.
The steps are separate because keys may have to be fetched, and for nonsense nobody fetches:

    read       who claims to be the client: iss, sub
    check      all that the claims say, when we know the client
    verify     that one of the client's keys made the signature
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dcr_protocol.json_document import JsonValue
from dcr_server.json_web_tokens import (
    CLOCK_SKEW,
    InvalidJwt,
    UnverifiedJwt,
    audiences,
    check_times,
    parse_jwt,
)
from dcr_server.records import SingleUse
from dcr_server.verification_keys import ASYMMETRIC_ALGORITHMS, Jwk, verify_signature

CLIENT_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE: Final = 3600
"""Seconds ahead that `exp` may be; Authlib makes assertions for an hour."""
SIGNING_ALGORITHMS: Final = ASYMMETRIC_ALGORITHMS

# RFC 8725 §3.11: a token that was made for another purpose says so.
_TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})
_SIGNING_ALGORITHM: Final = "token_endpoint_auth_signing_alg"


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    client_id: str
    jwt: UnverifiedJwt


def read_client_assertion(text: str) -> ClientAssertion:
    """Raises InvalidJwt."""
    jwt = parse_jwt(text)
    issuer, subject = jwt.claims.get("iss"), jwt.claims.get("sub")
    # RFC 7523 §3: both are the client.
    if not isinstance(issuer, str) or not issuer or issuer != subject:
        raise InvalidJwt("iss and sub are not one client_id")
    return ClientAssertion(client_id=issuer, jwt=jwt)


def check_client_assertion(
    assertion: ClientAssertion,
    metadata: Mapping[str, JsonValue],
    *,
    accepted_audiences: Sequence[str],
    now: int,
) -> SingleUse:
    """Check everything but the signature.

    Raises InvalidJwt.
    """
    jwt = assertion.jwt
    if jwt.type not in _TYPES:
        raise InvalidJwt("typ is that of another kind of token")
    if jwt.algorithm not in _algorithms(metadata):
        raise InvalidJwt("alg is not one that the client may use")
    # Each of them must be us: what also names another server, that one could present here.
    if not set(audiences(jwt.claims)).issubset(accepted_audiences):
        raise InvalidJwt("aud is not this server alone")
    expires_at = check_times(jwt.claims, now=now, longest=LONGEST_LIFE)
    jwt_id = jwt.claims.get("jti")
    if not isinstance(jwt_id, str) or not jwt_id:
        raise InvalidJwt("there is no jti")
    return SingleUse(
        hash=hashlib.sha256(f"{assertion.client_id}\n{jwt_id}".encode()).digest(),
        expires_at=math.ceil(expires_at) + CLOCK_SKEW,
    )


def verify_client_assertion(
    assertion: ClientAssertion, metadata: Mapping[str, JsonValue], keys: Sequence[Jwk]
) -> None:
    """Raises InvalidJwt."""
    verify_signature(assertion.jwt, keys, algorithms=_algorithms(metadata))


def registered_keys(metadata: Mapping[str, JsonValue]) -> Sequence[Jwk]:
    """Return the keys of `jwks`, none where the client has a `jwks_uri`."""
    jwks = metadata.get("jwks")
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []


def _algorithms(metadata: Mapping[str, JsonValue]) -> Sequence[str]:
    """RFC 7591 §2 and OIDCR §2: the registered one alone, where there is one."""
    registered = metadata.get(_SIGNING_ALGORITHM)
    if registered is None:
        return SIGNING_ALGORITHMS
    return [registered] if isinstance(registered, str) else []
