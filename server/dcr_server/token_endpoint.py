"""The token endpoint: RFC 6749 §3.2 and §4.4, client_secret_basic, access tokens of RFC 9068."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.basic_credentials import parse_basic_credentials
from dcr_protocol.errors import InvalidRequest, ProtocolError, RegistrationErrorCode
from dcr_protocol.vocabulary import CLIENT_CREDENTIALS, CLIENT_SECRET_BASIC
from dcr_server.access_tokens import LIFETIME, AccessTokenClaims
from dcr_server.credentials import find_secret
from dcr_server.records import Client
from dcr_server.requests import FORM, read_body
from dcr_server.responses import no_store
from dcr_server.server import Server
from dcr_server.tokens import hash_of

GRANT_TYPES: Final = (CLIENT_CREDENTIALS,)
AUTH_METHODS: Final = (CLIENT_SECRET_BASIC,)

_MOST_PARAMETERS: Final = 32
_JWT_ID_BYTES: Final = 16
# RFC 8707 §2: the only parameter that may come more than once.
_RESOURCE: Final = "resource"

if TYPE_CHECKING:
    from dcr_protocol.json_document import JsonValue

Parameters = Mapping[str, Sequence[str]]

log = structlog.get_logger()


async def issue_token(request: Request, server: Server) -> Response:
    parameters = _parse_form(await read_body(request, FORM))
    client = await _authenticate_client(request, server)
    _check_grant(_single(parameters, "grant_type"), client)
    scope = _granted_scope(_single(parameters, "scope"), client)
    audience = _audience(parameters.get(_RESOURCE, ()), client, server)
    claims = AccessTokenClaims(
        issuer=server.urls.issuer,
        client_id=client.client_id,
        audience=audience,
        issued_at=server.now(),
        jwt_id=server.entropy(_JWT_ID_BYTES).hex(),
        scope=scope,
    )
    log.debug("access_token_issued", client_id=client.client_id, jti=claims.jwt_id)
    answer: dict[str, JsonValue] = {
        "access_token": server.signer.sign(claims),
        "token_type": "Bearer",
        "expires_in": LIFETIME,
    }
    return no_store(answer | {"scope": scope} if scope else answer)


def _parse_form(body: bytes) -> Parameters:
    try:
        pairs = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise InvalidRequest("the body is not a form in UTF-8") from None
    parameters: dict[str, list[str]] = {}
    for name, value in pairs:
        parameters.setdefault(name, []).append(value)
    # RFC 6749 §3.2: parameters must not be included more than once.
    repeated = [name for name, values in parameters.items() if len(values) > 1]
    if [name for name in repeated if name != _RESOURCE]:
        raise InvalidRequest("a parameter is repeated")
    return parameters


def _single(parameters: Parameters, name: str) -> str | None:
    values = parameters.get(name)
    return values[0] if values else None


async def _authenticate_client(request: Request, server: Server) -> Client:
    """RFC 6749 §2.3.1. Raises invalid_client, the same for every reason."""
    headers = request.headers.getlist("authorization")
    client_id, secret = parse_basic_credentials(headers[0] if len(headers) == 1 else "")
    client = await server.storage.clients.find(client_id)
    if client is None or client.metadata.get("token_endpoint_auth_method") not in AUTH_METHODS:
        raise _invalid_client()
    secret_hash = hash_of(secret.get_secret_value())
    if find_secret(client.credentials, secret_hash) is None or _secret_expired(client, server):
        raise _invalid_client()
    if len(client.credentials) > 1 and not await server.storage.clients.retire(
        client_id, token_or_secret_hash=secret_hash
    ):
        raise _invalid_client()
    return client


def _secret_expired(client: Client, server: Server) -> bool:
    return 0 < client.secret_expires_at <= server.now()


def _check_grant(grant_type: str | None, client: Client) -> None:
    if grant_type is None:
        raise InvalidRequest("grant_type is missing")
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


def _granted_scope(requested: str | None, client: Client) -> str:
    """RFC 6749 §3.3: what is asked for, which must be registered; else all that is."""
    registered = str(client.metadata.get("scope", ""))
    if requested is None:
        return registered
    beyond = [value for value in requested.split() if value not in registered.split()]
    if beyond:
        raise ProtocolError(
            RegistrationErrorCode.INVALID_SCOPE,
            f"not registered for the client: {' '.join(beyond)}",
        )
    return requested


def _audience(resources: Sequence[str], client: Client, server: Server) -> Sequence[str]:
    policy = server.policies.get(client.owner.policy)
    if policy is None:
        raise ProtocolError(
            RegistrationErrorCode.UNAUTHORIZED_CLIENT,
            f"the policy {client.owner.policy} is not configured any more",
        )
    allowed = policy.audiences or (server.urls.issuer,)
    if any(resource not in allowed for resource in resources):
        # RFC 8707 §2.
        raise ProtocolError(
            RegistrationErrorCode.INVALID_TARGET,
            f"the client may ask for tokens for {', '.join(allowed)}",
        )
    return tuple(dict.fromkeys(resources)) or allowed


def _invalid_client() -> ProtocolError:
    return ProtocolError(
        RegistrationErrorCode.INVALID_CLIENT,
        "unknown client, wrong or expired secret, or not client_secret_basic",
        status=401,
        # RFC 6749 §5.2: matching the scheme that the client used.
        headers={"WWW-Authenticate": 'Basic realm="token"'},
    )
