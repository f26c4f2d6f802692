"""The client configuration endpoint: RFC 7592 §2."""

from dataclasses import replace
from typing import Final

import structlog
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.bearer import insufficient_scope, invalid_token
from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.client_update import check_update_request
from dcr_protocol.errors import InvalidRequest
from dcr_protocol.frozen import dataclass
from dcr_protocol.json_document import parse_json_object
from dcr_server.admission import admit
from dcr_server.client_information import Shown, client_information_response
from dcr_server.credentials import (
    Credentials,
    SecretRenewal,
    find_secret,
    find_token,
    retires_any,
)
from dcr_server.exchange import governed_by
from dcr_server.policies import Policy
from dcr_server.records import Actor, Client
from dcr_server.registration import Issued, idempotency_key_reused, issue
from dcr_server.requests import (
    JSON,
    bearer_token_hash,
    idempotency_key,
    origin_of,
    read_body,
    read_optional_body,
)
from dcr_server.responses import no_store
from dcr_server.server import Server
from dcr_server.storage.requests import (
    IdempotencyKeyReused,
    TokenHolder,
    TokenRetired,
    Update,
    Updated,
    UpdateOutcome,
)
from dcr_server.tokens import Minted, hash_of

NO_CONTENT: Final = 204
LONGEST_OVERLAP: Final = 90 * 24 * 60 * 60
RENEWED_IN_THE_LAST_PART_OF: Final = 3
"""An update renews a secret in the last third of its lifetime."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Authenticated:
    client: Client
    token: Minted
    held: Credentials


@dataclass(frozen=True, slots=True)
class _Change:
    """What is asked of the storage, and the credentials that the answer shows."""

    wanted: Update
    issued: Issued


async def read(request: Request, server: Server) -> Response:
    """RFC 7592 §2.1. The token that was presented comes back: only its hash is stored (S-110)."""
    authenticated = await _authenticate(request, server)
    client, token, held = authenticated.client, authenticated.token, authenticated.held
    # A write only where it changes something: reads go on while the database is locked.
    if retires_any(client.credentials, held) and not await server.storage.clients.use_token(
        client.client_id, token.hash
    ):
        raise _refused()
    return client_information_response(server, client, Shown(held, token))


async def update(request: Request, server: Server) -> Response:
    """RFC 7592 §2.2: an update replaces the whole client metadata."""
    authenticated = await _authenticate(request, server)
    body = await read_body(request, JSON)
    change = _change(request, server, authenticated, scope="update", body=body)
    outcome = await server.storage.clients.replay_update(change.wanted)
    if outcome is None:
        metadata = await _admitted_update(body, authenticated.client, server)
        wanted = replace(change.wanted, metadata=metadata.to_wire())
        outcome = await server.storage.clients.update(wanted)
    return _updated("client_updated", server, change, outcome)


async def rotate_secret(request: Request, server: Server) -> Response:
    """Extension: issue another client_secret; the one before may stay valid for an overlap.

    The registration access token changes too, as with an update, so that a lost answer is found
    out in the same way: what came before stays valid until the new token or secret is used.
    """
    authenticated = await _authenticate(request, server)
    client = authenticated.client
    body = await read_optional_body(request, JSON)
    change = _change(request, server, authenticated, scope="rotate", body=body)
    renewal = SecretRenewal(forced=True, overlap=_overlap(body))
    wanted = replace(change.wanted, renewal=renewal)
    outcome = await server.storage.clients.replay_update(wanted)
    if outcome is None:
        if not client.needs_secret:
            method = client.metadata.get("token_endpoint_auth_method")
            raise InvalidRequest(f"the client has no secret: it authenticates by {method}")
        outcome = await server.storage.clients.update(wanted)
    return _updated("client_secret_rotated", server, change, outcome)


async def delete(request: Request, server: Server) -> Response:
    """RFC 7592 §2.3: client_id, secret and token are dead when this returns (S-131)."""
    authenticated = await _authenticate(request, server)
    client_id = authenticated.client.client_id
    origin = origin_of(request, server, Actor.CLIENT)
    if not await server.storage.clients.delete(
        client_id, token_hash=authenticated.token.hash, now=server.now(), origin=origin
    ):
        raise _refused()
    log.info("client_deleted", client_id=client_id, policy=authenticated.client.owner.policy)
    return no_store(None, NO_CONTENT)


def _change(
    request: Request, server: Server, authenticated: _Authenticated, *, scope: str, body: bytes
) -> _Change:
    client, now = authenticated.client, server.now()
    # A repeat needs the policy too: it says how long the secret lives that is issued again.
    policy = _policy_that_governs(client, server)
    issued, lifetime = issue(server, policy), policy.secret_lifetime or 0
    wanted = Update(
        holder=TokenHolder(client.client_id, authenticated.token.hash),
        fresh=issued.fresh,
        now=now,
        metadata=None,
        # S-142: a client that knows no other way gets its next secret by an update in time.
        renewal=SecretRenewal(due_before=now + lifetime // RENEWED_IN_THE_LAST_PART_OF),
        repeatable=idempotency_key(
            request, scope=f"{scope}\n{client.client_id}", body=body, now=now
        ),
        origin=origin_of(request, server, Actor.CLIENT),
    )
    return _Change(wanted, issued)


def _updated(event: str, server: Server, change: _Change, outcome: UpdateOutcome) -> Response:
    match outcome:
        case Updated(client, secret_issued):
            log.info(event, client_id=client.client_id, policy=client.owner.policy)
            issued = change.issued
            shown = Shown(
                client.credentials[-1], issued.token, issued.secret if secret_issued else None
            )
            return client_information_response(server, client, shown)
        case IdempotencyKeyReused():
            raise idempotency_key_reused()
        case TokenRetired():
            raise _refused()


def _overlap(body: bytes) -> int | None:
    overlap = parse_json_object(body or b"{}").get("overlap")
    if overlap is None:
        return None
    # True is an int of Python, not of JSON.
    if type(overlap) is not int or not 0 <= overlap <= LONGEST_OVERLAP:
        raise InvalidRequest(f"overlap must be whole seconds, from 0 to {LONGEST_OVERLAP}")
    return overlap


async def _authenticate(request: Request, server: Server) -> _Authenticated:
    """Unknown client, retired token, another client's token: one and the same 401 (S-101 ff.).

    Deviation: RFC 7592 §2.1 would have a token revoked that is used on another client's URL; it
    stays valid, because a mistake in shared tooling must not lock clients out.
    """
    value, token_hash = bearer_token_hash(request)
    client = await server.storage.clients.find(request.path_params["client_id"])
    held = None if client is None else find_token(client.credentials, token_hash)
    if client is None or held is None or client.is_expired(server.now()):
        raise _refused()
    governed_by(request, client.owner.policy)
    return _Authenticated(client, Minted(value=SecretStr(value), hash=token_hash), held)


async def _admitted_update(body: bytes, client: Client, server: Server) -> ClientMetadata:
    policy = _policy_that_governs(client, server)
    document = parse_json_object(body)
    _check_repeated_secret(client, check_update_request(document, client.client_id))
    return (await admit(document, policy, server, registered=client)).metadata


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
    secret_hash = hash_of(repeated.get_secret_value())
    if find_secret(client.credentials, secret_hash) is None:
        raise InvalidRequest("client_secret is not the current one; leave it out")


def _refused() -> Exception:
    return invalid_token("the registration access token is not valid for this client")
