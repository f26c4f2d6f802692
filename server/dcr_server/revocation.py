"""The revocation endpoint: RFC 7009. A client ends its own access tokens."""

from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.errors import ProtocolError, RegistrationErrorCode
from dcr_server.access_tokens import read_access_token
from dcr_server.client_authentication import authenticate_client
from dcr_server.form_parameters import read_form, required
from dcr_server.records import Actor
from dcr_server.requests import origin_of
from dcr_server.responses import no_store
from dcr_server.server import Server
from dcr_server.storage.requests import Revocation
from dcr_server.tokens import INITIAL_ACCESS_TOKEN_PREFIX, REGISTRATION_ACCESS_TOKEN_PREFIX

# These end by other ways: the first by the administrator, the second with its client.
_NOT_HERE: Final = (INITIAL_ACCESS_TOKEN_PREFIX, REGISTRATION_ACCESS_TOKEN_PREFIX)

log = structlog.get_logger()


async def revoke(request: Request, server: Server) -> Response:
    parameters = await read_form(request)
    caller = await authenticate_client(request, parameters, server)
    token = required(parameters, "token")
    if token.startswith(_NOT_HERE):
        raise ProtocolError(
            RegistrationErrorCode.UNSUPPORTED_TOKEN_TYPE, "only access tokens are revoked here"
        )
    claims = await read_access_token(
        token, server.signing_keys, issuer=server.urls.issuer, now=server.now()
    )
    # §2.2: unknown or over is as good as revoked, and what the client wanted.
    if claims is None:
        return no_store(None)
    if claims.get("client_id") != caller.client_id:
        # §2.1: refused, and the client is told; RFC 6749 §5.2 has a code for it.
        raise ProtocolError(
            RegistrationErrorCode.INVALID_GRANT, "the token was issued to another client"
        )
    await server.storage.revoked_tokens.revoke(
        Revocation(
            jwt_id=str(claims["jti"]),
            expires_at=int(str(claims["exp"])),
            client_id=caller.client_id,
            owner=caller.owner,
            now=server.now(),
            origin=origin_of(request, server, Actor.CLIENT),
        )
    )
    log.info("access_token_revoked", client_id=caller.client_id, jti=claims["jti"])
    return no_store(None)
