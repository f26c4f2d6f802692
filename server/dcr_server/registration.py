"""The client registration endpoint: RFC 7591 §3."""

from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.bearer import insufficient_scope
from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.errors import InvalidRequest, InvalidSoftwareStatement
from dcr_protocol.frozen import dataclass
from dcr_protocol.json_document import parse_json_object
from dcr_server.admission import admit
from dcr_server.client_information import Shown, client_information_response
from dcr_server.credentials import NEVER, Credentials
from dcr_server.initial_access import InitialAccess, authenticate_registration, refused
from dcr_server.policies import Policy
from dcr_server.records import Actor, Client, Repeatable, needs_secret
from dcr_server.requests import idempotency_key, origin_of
from dcr_server.server import Server
from dcr_server.storage.requests import (
    ClientLimitReached,
    Fresh,
    IdempotencyKeyReused,
    InitialAccessTokenSpent,
    Registered,
    Registration,
    RegistrationOutcome,
    Replayed,
    ReplayedClientGone,
    SoftwareStatementUsed,
)
from dcr_server.tokens import (
    CLIENT_SECRET_PREFIX,
    REGISTRATION_ACCESS_TOKEN_PREFIX,
    TOKEN_BYTES,
    Minted,
    new_client_id,
    token_of,
)

CREATED = 201
CONFLICT = 409
UNPROCESSABLE = 422

# Looked up once: Python 3.11 takes as long for a member of an enumeration as for a call.
_REGISTRANT: Final = Actor.REGISTRANT

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Issued:
    """Credentials for one answer; the secret is shown only where one is needed."""

    token: Minted
    secret: Minted
    fresh: Fresh
    """What the storage keeps of them."""


async def register(request: Request, server: Server) -> Response:
    access, body = await authenticate_registration(request, server)
    repeatable = _repeatable(request, server, access, body)
    issued = issue(server, access.policy)
    clients = server.storage.clients
    origin = origin_of(request, server, _REGISTRANT, token_id=access.token_id)
    outcome: RegistrationOutcome | None = None
    # What was answered before is answered again, whatever the rules have become since.
    if repeatable is not None:
        outcome = await clients.replay(repeatable, issued.fresh, origin, access.token_hash)
    if outcome is None:
        if access.only_repeats is not None:
            raise access.only_repeats
        document = parse_json_object(body)
        admitted = await admit(document, access.policy, server, verified=access.statement)
        client = _new_client(server, access, admitted.metadata, issued.fresh)
        outcome = await clients.register(
            Registration(
                client=client,
                fresh=issued.fresh,
                initial_access_token_hash=access.token_hash,
                now=client.issued_at,
                max_clients=access.policy.max_clients,
                max_clients_per_subject=access.policy.max_clients_per_subject,
                single_use=admitted.single_use,
                repeatable=repeatable,
                origin=origin,
            )
        )
    return _answer(server, issued, outcome)


def _answer(server: Server, issued: Issued, outcome: RegistrationOutcome) -> Response:
    client = _registered_client(outcome)
    shown = issued.secret if client.needs_secret else None
    log.info(
        "client_registered",
        client_id=client.client_id,
        policy=client.owner.policy,
        subject=client.owner.subject,
        replayed=isinstance(outcome, Replayed),
    )
    return client_information_response(
        server, client, Shown(client.credentials[-1], issued.token, shown), status=CREATED
    )


def issue(server: Server, policy: Policy) -> Issued:
    lifetime = policy.secret_lifetime
    expires_at = NEVER if lifetime is None else server.now() + lifetime
    random = server.entropy(2 * TOKEN_BYTES)
    token = token_of(REGISTRATION_ACCESS_TOKEN_PREFIX, random[:TOKEN_BYTES])
    secret = token_of(CLIENT_SECRET_PREFIX, random[TOKEN_BYTES:])
    return Issued(token, secret, Fresh(token.hash, secret.hash, expires_at))


def idempotency_key_reused() -> InvalidRequest:
    return InvalidRequest("the Idempotency-Key came with another body before", status=UNPROCESSABLE)


def _repeatable(
    request: Request, server: Server, access: InitialAccess, body: bytes
) -> Repeatable | None:
    return idempotency_key(
        request,
        scope=access.repeat_scope,
        body=body,
        now=server.now(),
        shortest=access.shortest_key,
    )


def _new_client(
    server: Server, access: InitialAccess, metadata: ClientMetadata, fresh: Fresh
) -> Client:
    at = server.clock()
    now = int(at)
    credentials = Credentials(1, fresh.token_hash, None)
    if needs_secret(metadata.token_endpoint_auth_method):
        credentials = Credentials(1, fresh.token_hash, fresh.secret_hash, fresh.secret_expires_at)
    return Client(
        client_id=new_client_id(server.entropy, at),
        owner=access.owner,
        issued_at=now,
        metadata=metadata.to_wire(),
        credentials=(credentials,),
        expires_at=_end(now, access.policy.client_lifetime),
        unused_expires_at=_end(now, access.policy.unused_client_lifetime),
        statement_issuer="" if access.statement is None else access.statement.issuer,
    )


def _end(now: int, lifetime: int | None) -> int | None:
    return None if lifetime is None else now + lifetime


def _registered_client(outcome: RegistrationOutcome) -> Client:
    match outcome:
        case Registered(client) | Replayed(client):
            return client
        case IdempotencyKeyReused():
            raise idempotency_key_reused()
        case ReplayedClientGone():
            raise InvalidRequest(
                "the client that this Idempotency-Key registered has been deleted",
                status=CONFLICT,
            )
        case InitialAccessTokenSpent():
            raise refused()
        case SoftwareStatementUsed():
            # S-075
            raise InvalidSoftwareStatement("the software statement has registered a client before")
        case ClientLimitReached():
            raise insufficient_scope("the policy does not allow more clients")
