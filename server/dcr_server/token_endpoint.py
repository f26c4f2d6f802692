"""The token endpoint: RFC 6749 §3.2 and §4.4, client_secret_basic, access tokens of RFC 9068."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.basic_credentials import invalid_client, parse_basic_credentials
from dcr_protocol.errors import InvalidRequest, ProtocolError, RegistrationErrorCode
from dcr_protocol.rules import is_scope
from dcr_protocol.vocabulary import CLIENT_CREDENTIALS, CLIENT_SECRET_BASIC
from dcr_server.access_tokens import LIFETIME, AccessTokenClaims
from dcr_server.credentials import after_secret_use, is_valid_secret
from dcr_server.exchange import governed_by
from dcr_server.policies import Policy
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
    client = await _authenticate_client(request, parameters, server)
    governed_by(request, client.owner.policy)
    policy = _policy_that_governs(client, server)
    _check_grant(_single(parameters, "grant_type"), client, policy)
    scope = _granted_scope(_single(parameters, "scope"), client, policy)
    audience = _audience(parameters.get(_RESOURCE, ()), policy, server)
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


async def _authenticate_client(request: Request, parameters: Parameters, server: Server) -> Client:
    """RFC 6749 §2.3.1. Raises invalid_client, the same for every reason."""
    headers = request.headers.getlist("authorization")
    client_id, secret = parse_basic_credentials(headers[0] if len(headers) == 1 else "")
    # RFC 6749 §2.3: one way of authentication per request; §5.2: else invalid_request.
    if "client_secret" in parameters or _single(parameters, "client_id") not in {None, client_id}:
        raise InvalidRequest("send the client's credentials in the Authorization header only")
    client = await server.storage.clients.find(client_id)
    if client is None or client.metadata.get("token_endpoint_auth_method") not in AUTH_METHODS:
        raise _invalid_client()
    secret_hash = hash_of(secret.get_secret_value())
    now = server.now()
    held, overlapping = client.credentials, client.overlapping
    if client.is_expired(now) or not is_valid_secret(held, overlapping, secret_hash, now):
        raise _invalid_client()
    # A write only where it changes something: tokens are issued while the database is locked.
    changes = client.unused_expires_at is not None or after_secret_use(held, secret_hash) != held
    if changes and not await server.storage.clients.use_secret(client_id, secret_hash, now):
        raise _invalid_client()
    return client


def _policy_that_governs(client: Client, server: Server) -> Policy:
    policy = server.policies.get(client.owner.policy)
    if policy is None:
        raise ProtocolError(
            RegistrationErrorCode.UNAUTHORIZED_CLIENT,
            f"the policy {client.owner.policy} is not configured any more",
        )
    return policy


def _check_grant(grant_type: str | None, client: Client, policy: Policy) -> None:
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


def _invalid_client() -> ProtocolError:
    return invalid_client("unknown client, wrong or expired secret, or not client_secret_basic")
