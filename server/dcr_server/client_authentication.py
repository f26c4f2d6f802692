"""Which client sends a request: RFC 6749 §2.3, RFC 7523 §2.2, OpenID Connect Core §9.

One way per request, and only the one that is registered. To the outside every failure is the same
invalid_client, after about the same time; what was the matter is in the log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from starlette.requests import Request

from dcr_protocol.basic_credentials import invalid_client, parse_basic_credentials
from dcr_protocol.errors import InvalidRequest, ProtocolError
from dcr_protocol.vocabulary import CLIENT_SECRET_BASIC, CLIENT_SECRET_POST, PRIVATE_KEY_JWT
from dcr_server.client_assertions import (
    CLIENT_ASSERTION_TYPE,
    ClientAssertion,
    check_client_assertion,
    read_client_assertion,
    registered_keys,
    verify_client_assertion,
)
from dcr_server.credentials import Credentials, after_secret_use, is_valid_secret
from dcr_server.exchange import governed_by
from dcr_server.form_parameters import Parameters, single
from dcr_server.json_web_tokens import InvalidJwt
from dcr_server.records import Client, Owner, SingleUse
from dcr_server.remote_keys import KeysUnavailable
from dcr_server.requests import header_values
from dcr_server.server import Server
from dcr_server.tokens import hash_of
from dcr_server.verification_keys import Jwk

if TYPE_CHECKING:
    from dcr_protocol.json_document import JsonValue

AUTH_METHODS: Final = (CLIENT_SECRET_BASIC, CLIENT_SECRET_POST, PRIVATE_KEY_JWT)

log = structlog.get_logger()


class _Failed(Exception):  # noqa: N818 - what happened
    """The text is for the log."""


@dataclass(frozen=True, slots=True)
class _Secret:
    method: str
    client_id: str
    hash: bytes


# Judged in the place of a client that is unknown, so that it takes as long as one that is known.
# Nobody has the private key; nobody is authenticated by it either.
_NOBODY: Final = Client(
    client_id="",
    owner=Owner(""),
    issued_at=0,
    metadata={
        "jwks": {
            "keys": [
                {
                    "kty": "EC",
                    "crv": "P-256",
                    "x": "kA8zVtBqtCu5PCIqQa7SCrW4G7Y-ml6jdau0iWGkpxc",
                    "y": "Gc2MWi6Ekrv5vUg_JzxDohj9sQFZRcUQ6HF-U2vbYGc",
                }
            ]
        }
    },
    credentials=(Credentials(1, bytes(32), bytes(32)),),
)


async def authenticate_client(request: Request, parameters: Parameters, server: Server) -> Client:
    """Raises InvalidRequest for several ways at once, else ProtocolError invalid_client."""
    client_id = None
    try:
        presented = _presented(header_values(request, b"authorization"), parameters)
        client = await _find(presented.client_id, server)
        client_id = client.client_id
        if isinstance(presented, _Secret):
            await _check_secret(presented, client, server)
        else:
            await _check_assertion(presented, client, server)
    except (_Failed, InvalidJwt, KeysUnavailable) as failure:
        log.info("client_authentication_failed", client_id=client_id, reason=str(failure))
        raise invalid_client("client authentication failed") from None
    governed_by(request, client.owner.policy)
    return client


async def _find(client_id: str, server: Server) -> Client:
    # RFC 6749 App. A.1: what is not of these characters was never issued, and not every database
    # can even look for it.
    if not (client_id.isascii() and client_id.isprintable()):
        return _NOBODY
    return await server.storage.clients.find(client_id) or _NOBODY


def _presented(authorization: Sequence[str], parameters: Parameters) -> _Secret | ClientAssertion:
    by_secret = "client_secret" in parameters
    by_assertion = "client_assertion" in parameters or "client_assertion_type" in parameters
    # RFC 6749 §2.3: one way of authentication per request; §5.2: else invalid_request.
    if len(authorization) + by_secret + by_assertion > 1:
        raise InvalidRequest("authenticate in one way only: by header, secret or assertion")
    client_id = single(parameters, "client_id")
    if authorization:
        return _basic(authorization[0], client_id)
    if by_secret and client_id is not None:
        return _Secret(CLIENT_SECRET_POST, client_id, hash_of(parameters["client_secret"][0]))
    if by_assertion:
        return _assertion(parameters, client_id)
    raise _Failed("no credentials")


def _basic(authorization: str, client_id_parameter: str | None) -> _Secret:
    try:
        client_id, secret = parse_basic_credentials(authorization)
    except ProtocolError as error:
        raise _Failed(error.description) from None
    if client_id_parameter not in {None, client_id}:
        raise InvalidRequest("the client_id is not that of the Authorization header")
    return _Secret(CLIENT_SECRET_BASIC, client_id, hash_of(secret.get_secret_value()))


def _assertion(parameters: Parameters, client_id: str | None) -> ClientAssertion:
    # RFC 7521 §4.2
    if single(parameters, "client_assertion_type") != CLIENT_ASSERTION_TYPE:
        raise _Failed("client_assertion_type is another or missing")
    assertion = read_client_assertion(single(parameters, "client_assertion") or "")
    if client_id not in {None, assertion.client_id}:
        raise _Failed("client_id is not that of the assertion")
    return assertion


async def _check_secret(presented: _Secret, client: Client, server: Server) -> None:
    now, held = server.now(), client.credentials
    valid = is_valid_secret(held, client.overlapping, presented.hash, now)
    _check_client(client, presented.method, now)
    if not valid:
        raise _Failed("wrong or expired secret")
    # A write only where it changes something: tokens are issued while the database is locked.
    changes = client.unused_expires_at is not None or after_secret_use(held, presented.hash) != held
    if changes:
        await _note_use(client, presented.hash, now, server)


async def _check_assertion(presented: ClientAssertion, client: Client, server: Server) -> None:
    now = server.now()
    use = check_client_assertion(
        presented, client.metadata, accepted_audiences=_audiences(client, server), now=now
    )
    keys = await _keys(presented, client.metadata, server)
    verify_client_assertion(presented, client.metadata, keys)
    _check_client(client, PRIVATE_KEY_JWT, now)
    await _claim(use, now, server)
    if client.unused_expires_at is not None:
        await _note_use(client, None, now, server)


def _check_client(client: Client, method: str, now: int) -> None:
    if client is _NOBODY:
        raise _Failed("unknown client")
    if client.is_expired(now):
        raise _Failed("expired client")
    if client.metadata.get("token_endpoint_auth_method") != method:
        raise _Failed(f"not registered for {method}")


def _audiences(client: Client, server: Server) -> Sequence[str]:
    """S-190: the issuer, and for now the token endpoint too, unless the policy is strict."""
    policy = server.policies.get(client.owner.policy)
    if policy is not None and policy.client_assertion_audience == "issuer":
        return (server.urls.issuer,)
    return (server.urls.issuer, server.urls.token_endpoint)


async def _keys(
    presented: ClientAssertion, metadata: Mapping[str, "JsonValue"], server: Server
) -> Sequence[Jwk]:
    # Never from the assertion: whoever makes one could bring the key along.
    jwks_uri = metadata.get("jwks_uri")
    if isinstance(jwks_uri, str):
        return await server.remote_keys.keys(jwks_uri, kid=presented.jwt.kid)
    return registered_keys(metadata)


async def _claim(use: SingleUse, now: int, server: Server) -> None:
    # RFC 7523 §3: whoever overhears an assertion must not be able to use it again.
    if not await server.storage.assertions.claim(use.hash, expires_at=use.expires_at, now=now):
        raise _Failed("the assertion was used before")


async def _note_use(client: Client, secret_hash: bytes | None, now: int, server: Server) -> None:
    # In the same transaction it is asked again: the client may have changed meanwhile.
    if not await server.storage.clients.use_secret(client.client_id, secret_hash, now):
        raise _Failed("not valid any more")
