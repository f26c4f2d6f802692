"""The client registration endpoint: RFC 7591 §3."""

from collections.abc import Mapping

import structlog
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.bearer import insufficient_scope, invalid_token
from dcr_protocol.client_metadata import ClientMetadata, parse_client_metadata
from dcr_protocol.errors import InvalidClientMetadata, InvalidRequest
from dcr_protocol.json_document import JsonValue, parse_json_object
from dcr_protocol.rules import check_client_metadata
from dcr_protocol.vocabulary import AUTH_METHODS_WITH_SECRET
from dcr_server.client_information import client_information_response
from dcr_server.credentials import Credentials
from dcr_server.initial_access import InitialAccess, authenticate_initial_access
from dcr_server.policies import Policy
from dcr_server.records import Client, Repeatable
from dcr_server.requests import JSON, idempotency_key, read_body
from dcr_server.server import Server
from dcr_server.storage.protocol import (
    ClientLimitReached,
    IdempotencyKeyReused,
    InitialAccessTokenSpent,
    Registered,
    Registration,
    RegistrationOutcome,
    Replayed,
    ReplayedClientGone,
)
from dcr_server.tokens import (
    CLIENT_SECRET_PREFIX,
    REGISTRATION_ACCESS_TOKEN_PREFIX,
    Minted,
    mint,
    new_client_id,
)

CREATED = 201
CONFLICT = 409
UNPROCESSABLE = 422

log = structlog.get_logger()


async def register(request: Request, server: Server) -> Response:
    access = await authenticate_initial_access(request, server)
    body = await read_body(request, JSON)
    repeatable = _repeatable(request, access, body)
    metadata = admitted_metadata(parse_json_object(body), access.policy)
    token = mint(REGISTRATION_ACCESS_TOKEN_PREFIX, server.entropy)
    secret = mint(CLIENT_SECRET_PREFIX, server.entropy) if needs_secret(metadata) else None
    outcome = await server.storage.clients.register(
        Registration(
            client=_new_client(server, access, metadata, _credentials(token, secret)),
            initial_access_token_hash=access.token_hash,
            now=server.now(),
            max_clients=access.policy.max_clients,
            repeatable=repeatable,
        )
    )
    client = _registered_client(outcome)
    log.info(
        "client_registered",
        client_id=client.client_id,
        policy=client.owner.policy,
        subject=client.owner.subject,
        replayed=isinstance(outcome, Replayed),
    )
    return client_information_response(server, client, token, secret, status=CREATED)


def admitted_metadata(document: Mapping[str, JsonValue], policy: Policy) -> ClientMetadata:
    """Parse, complete and check what a client asks for; the same for POST and PUT."""
    metadata = check_client_metadata(parse_client_metadata(document))
    _refuse_what_needs_fetching(metadata)
    return policy.admit(metadata)


def needs_secret(metadata: ClientMetadata) -> bool:
    return metadata.token_endpoint_auth_method in AUTH_METHODS_WITH_SECRET


def idempotency_key_reused() -> InvalidRequest:
    return InvalidRequest("the Idempotency-Key came with another body before", status=UNPROCESSABLE)


def _repeatable(request: Request, access: InitialAccess, body: bytes) -> Repeatable | None:
    owner = access.owner
    repeatable = idempotency_key(
        request, scope=f"register\n{owner.policy}\n{owner.subject}", body=body
    )
    if access.spent and repeatable is None:
        raise _spent()
    return repeatable


def _refuse_what_needs_fetching(metadata: ClientMetadata) -> None:
    # OIDCR §5: a sector identifier must be fetched and checked, or refused (S-150).
    if metadata.sector_identifier_uri is not None or metadata.subject_type == "pairwise":
        raise InvalidClientMetadata(
            "pairwise subjects and sector_identifier_uri are not supported, use public"
        )


def _credentials(token: Minted, secret: Minted | None) -> Credentials:
    return Credentials(
        pair=1, token_hash=token.hash, secret_hash=None if secret is None else secret.hash
    )


def _new_client(
    server: Server, access: InitialAccess, metadata: ClientMetadata, credentials: Credentials
) -> Client:
    return Client(
        client_id=new_client_id(server.entropy, server.clock()),
        owner=access.owner,
        issued_at=server.now(),
        metadata=metadata.to_wire(),
        credentials=(credentials,),
    )


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
            raise _spent()
        case ClientLimitReached():
            raise insufficient_scope("the policy does not allow more clients")


def _spent() -> Exception:
    return invalid_token("the initial access token is unknown, expired or used up")
