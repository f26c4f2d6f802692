"""The introspection endpoint: RFC 7662. What a client may not know is inactive to it."""

from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response

from dcr_server.access_tokens import read_access_token
from dcr_server.client_authentication import authenticate_client
from dcr_server.form_parameters import read_form, required
from dcr_server.json_web_tokens import Claims
from dcr_server.records import Client
from dcr_server.responses import no_store
from dcr_server.server import Server

if TYPE_CHECKING:
    from dcr_protocol.json_document import JsonValue

# RFC 7662 §2.2: nothing else about a token that is not active.
_INACTIVE: Final = {"active": False}
# RFC 7662 §2.2, the members that our tokens have as claims.
_MEMBERS: Final = ("iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope")


async def introspect(request: Request, server: Server) -> Response:
    parameters = await read_form(request)
    caller = await authenticate_client(request, parameters, server)
    # §2.1: token_type_hint only helps to find a token, and there is one place to look.
    token = required(parameters, "token")
    claims = await read_access_token(
        token, server.signing_keys, issuer=server.urls.issuer, now=server.now()
    )
    if claims is None or not await _may_know(caller, claims, server):
        return no_store(_INACTIVE)
    answer: dict[str, JsonValue] = {"active": True, "token_type": "Bearer"}
    return no_store(answer | {name: claims[name] for name in _MEMBERS if name in claims})


async def _may_know(caller: Client, claims: Claims, server: Server) -> bool:
    policy = server.policies.get(caller.owner.policy)
    introspects_any = policy is not None and policy.introspect == "any"
    if claims.get("client_id") != caller.client_id and not introspects_any:
        return False
    return await _is_in_force(claims, server)


async def _is_in_force(claims: Claims, server: Server) -> bool:
    """S-132: what was issued to a client ends with it."""
    if await server.storage.revoked_tokens.is_revoked(str(claims.get("jti"))):
        return False
    client = await server.storage.clients.find(str(claims.get("client_id")))
    return client is not None and not client.is_expired(server.now())
