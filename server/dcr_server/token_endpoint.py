"""The token endpoint: RFC 6749 §3.2 and §4.4, access tokens of RFC 9068."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import structlog
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.errors import ProtocolError, RegistrationErrorCode
from dcr_protocol.rules import is_scope
from dcr_protocol.vocabulary import CLIENT_CREDENTIALS
from dcr_server.access_tokens import LIFETIME, AccessTokenClaims
from dcr_server.client_authentication import authenticate_client
from dcr_server.form_parameters import RESOURCE, read_form, required, single
from dcr_server.policies import Policy
from dcr_server.records import Client
from dcr_server.responses import no_store
from dcr_server.server import Server

GRANT_TYPES: Final = (CLIENT_CREDENTIALS,)

_JWT_ID_BYTES: Final = 16

if TYPE_CHECKING:
    from dcr_protocol.json_document import JsonValue

log = structlog.get_logger()


async def issue_token(request: Request, server: Server) -> Response:
    parameters = await read_form(request)
    client = await authenticate_client(request, parameters, server)
    policy = _policy_that_governs(client, server)
    _check_grant(required(parameters, "grant_type"), client, policy)
    scope = _granted_scope(single(parameters, "scope"), client, policy)
    now = server.now()
    claims = AccessTokenClaims(
        issuer=server.urls.issuer,
        client_id=client.client_id,
        audience=_audience(parameters.get(RESOURCE, ()), policy, server),
        issued_at=now,
        lifetime=policy.access_token_lifetime or LIFETIME,
        jwt_id=server.entropy(_JWT_ID_BYTES).hex(),
        scope=scope,
    )
    log.debug("access_token_issued", client_id=client.client_id, jti=claims.jwt_id)
    answer: dict[str, JsonValue] = {
        "access_token": await server.signing_keys.sign(claims.to_wire(), now),
        "token_type": "Bearer",
        "expires_in": claims.lifetime,
    }
    return no_store(answer | {"scope": scope} if scope else answer)


def _policy_that_governs(client: Client, server: Server) -> Policy:
    policy = server.policies.get(client.owner.policy)
    if policy is None:
        raise ProtocolError(
            RegistrationErrorCode.UNAUTHORIZED_CLIENT,
            f"the policy {client.owner.policy} is not configured any more",
        )
    return policy


def _check_grant(grant_type: str, client: Client, policy: Policy) -> None:
    if grant_type not in GRANT_TYPES:
        raise ProtocolError(
            RegistrationErrorCode.UNSUPPORTED_GRANT_TYPE,
            f"the grant types of this server: {', '.join(GRANT_TYPES)}",
        )
    registered = client.metadata.get("grant_types")
    if not isinstance(registered, list) or grant_type not in registered:
        raise ProtocolError(
            RegistrationErrorCode.UNAUTHORIZED_CLIENT,
            f"the client is not registered for {grant_type}",
        )
    # A policy may have been narrowed since.
    if grant_type not in policy.grant_types:
        raise ProtocolError(
            RegistrationErrorCode.UNAUTHORIZED_CLIENT,
            f"the policy {client.owner.policy} does not allow {grant_type}",
        )


def _granted_scope(requested: str | None, client: Client, policy: Policy) -> str:
    """RFC 6749 §3.3: what is asked for, which must be granted; else all that is."""
    registered = str(client.metadata.get("scope", "")).split()
    granted = [value for value in registered if policy.grants_scope(value)]
    if requested is None:
        return " ".join(granted)
    if not is_scope(requested):
        raise _invalid_scope("scope must hold values with one space between them")
    beyond = [value for value in requested.split(" ") if value not in granted]
    if beyond:
        raise _invalid_scope(f"not granted to the client: {' '.join(beyond)}")
    return requested


def _invalid_scope(description: str) -> ProtocolError:
    return ProtocolError(RegistrationErrorCode.INVALID_SCOPE, description)


def _audience(resources: Sequence[str], policy: Policy, server: Server) -> Sequence[str]:
    allowed = policy.audiences or (server.urls.issuer,)
    if any(resource not in allowed for resource in resources):
        # RFC 8707 §2.
        raise ProtocolError(
            RegistrationErrorCode.INVALID_TARGET,
            f"the client may ask for tokens for {', '.join(allowed)}",
        )
    return tuple(dict.fromkeys(resources)) or allowed
