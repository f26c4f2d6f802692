"""The client configuration endpoint: RFC 7592 §2."""

from dataclasses import dataclass

import structlog
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.bearer import insufficient_scope, invalid_token
from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.client_update import check_update_request
from dcr_protocol.errors import InvalidRequest
from dcr_protocol.json_document import parse_json_object
from dcr_server.client_information import client_information_response
from dcr_server.credentials import Credentials, find_secret, find_token, retires_any
from dcr_server.policies import Policy
from dcr_server.records import Client
from dcr_server.registration import admitted_metadata, idempotency_key_reused, issue
from dcr_server.requests import JSON, bearer_token_hash, idempotency_key, read_body
from dcr_server.responses import no_store
from dcr_server.server import Server
from dcr_server.storage.protocol import (
    IdempotencyKeyReused,
    TokenHolder,
    TokenRetired,
    Update,
    Updated,
    UpdateOutcome,
)
from dcr_server.tokens import Minted, hash_of

NO_CONTENT = 204

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Authenticated:
    client: Client
    token: Minted
    held: Credentials


async def read(request: Request, server: Server) -> Response:
    """RFC 7592 §2.1. The token that was presented comes back: only its hash is stored (S-110)."""
    authenticated = await _authenticate(request, server)
    client, token = authenticated.client, authenticated.token
    # A write only where it changes something: reads go on while the database is locked.
    if retires_any(
        client.credentials, authenticated.held
    ) and not await server.storage.clients.retire(
        client.client_id, token_or_secret_hash=token.hash
    ):
        raise _refused()
    return client_information_response(server, client, token, None)


async def update(request: Request, server: Server) -> Response:
    """RFC 7592 §2.2: an update replaces the whole client metadata."""
    authenticated = await _authenticate(request, server)
    client = authenticated.client
    body = await read_body(request, JSON)
    scope = f"update\n{client.client_id}"
    repeatable = idempotency_key(request, scope=scope, body=body, now=server.now())
    issued = issue(server)
    holder = TokenHolder(client.client_id, authenticated.token.hash)
    outcome: UpdateOutcome | None = None
    if repeatable is not None:
        outcome = await server.storage.clients.replay_update(repeatable, holder, issued.fresh)
    if outcome is None:
        metadata = _admitted_update(body, client, server)
        outcome = await server.storage.clients.update(
            Update(holder, issued.fresh, metadata.to_wire(), repeatable)
        )
    match outcome:
        case Updated(updated, secret_issued):
            log.info("client_updated", client_id=client.client_id, policy=client.owner.policy)
            return client_information_response(
                server, updated, issued.token, issued.secret if secret_issued else None
            )
        case IdempotencyKeyReused():
            raise idempotency_key_reused()
        case TokenRetired():
            raise _refused()


async def delete(request: Request, server: Server) -> Response:
    """RFC 7592 §2.3: client_id, secret and token are dead when this returns (S-131)."""
    authenticated = await _authenticate(request, server)
    client_id = authenticated.client.client_id
    if not await server.storage.clients.delete(
        client_id, token_hash=authenticated.token.hash, now=server.now()
    ):
        raise _refused()
    log.info("client_deleted", client_id=client_id, policy=authenticated.client.owner.policy)
    return no_store(None, NO_CONTENT)


async def _authenticate(request: Request, server: Server) -> _Authenticated:
    """Unknown client, retired token, another client's token: one and the same 401 (S-101 ff.).

    Deviation: RFC 7592 §2.1 would have a token revoked that is used on another client's URL; it
    stays valid, because a mistake in shared tooling must not lock clients out.
    """
    value, token_hash = bearer_token_hash(request)
    client = await server.storage.clients.find(request.path_params["client_id"])
    held = None if client is None else find_token(client.credentials, token_hash)
    if client is None or held is None:
        raise _refused()
    return _Authenticated(client, Minted(value=SecretStr(value), hash=token_hash), held)


def _admitted_update(body: bytes, client: Client, server: Server) -> ClientMetadata:
    policy = _policy_that_governs(client, server)
    document = parse_json_object(body)
    _check_repeated_secret(client, check_update_request(document, client.client_id))
    return admitted_metadata(document, policy)


def _policy_that_governs(client: Client, server: Server) -> Policy:
    policy = server.policies.get(client.owner.policy)
    if policy is None:
        # RFC 7592 §2.2: the client is known but may not do this (S-103).
        raise insufficient_scope(f"the policy {client.owner.policy} is not configured any more")
    return policy


def _check_repeated_secret(client: Client, repeated: SecretStr | None) -> None:
    # RFC 7592 §2.2: a client cannot choose its secret, only repeat the one it has (S-124).
    if repeated is None:
        return
    if find_secret(client.credentials, hash_of(repeated.get_secret_value())) is None:
        raise InvalidRequest("client_secret is not the current one; leave it out")


def _refused() -> Exception:
    return invalid_token("the registration access token is not valid for this client")
