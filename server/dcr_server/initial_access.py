"""Who may register: the kinds of initial access, each told by its form, never by trial.

A request with an Authorization header stands or falls with it: a token that is not good for
anything is never made up for by what a request without one may do.

    Authorization header   minted       a token of `dcr-server token create`
    none                   statement    a software statement in the body, of an issuer with a policy
                           open         the switch open_registration, limited by address
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request

from dcr_protocol.bearer import (
    insufficient_scope,
    invalid_token,
    missing_token,
    refuse_token_in_query,
)
from dcr_protocol.errors import InvalidRequest, ProtocolError
from dcr_protocol.frozen import dataclass
from dcr_protocol.json_document import JsonValue, parse_json_object
from dcr_server.exchange import governed_by
from dcr_server.policies import Policy
from dcr_server.rate_limits import limit_open_registration, limit_subject
from dcr_server.records import Owner, token_id_of
from dcr_server.requests import JSON, bearer_token_hash, has_header, query_of, read_body
from dcr_server.server import Server
from dcr_server.software_statements import SoftwareStatement, statement_in
from dcr_server.tokens import is_opaque_token, looks_like_jwt

Document = Mapping[str, JsonValue]

SHORTEST_OPEN_KEY: Final = 32
"""Characters of an Idempotency-Key by which strangers are told apart; a UUID has 36."""
_SUBJECT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class InitialAccess:
    """A right to register, and who then owns the client."""

    owner: Owner
    policy: Policy
    repeat_scope: str
    """What an Idempotency-Key is unique within: who repeats it gets credentials of the client."""
    shortest_key: int = 1
    token_hash: bytes | None = None
    """Of the minted token whose uses are counted."""
    statement: SoftwareStatement | None = None
    """That admits alone, verified."""
    only_repeats: ProtocolError | None = None
    """Why it is good for the replay of an earlier registration and nothing else: used up, or
    beyond the rate."""

    @property
    def token_id(self) -> str:
        return "" if self.token_hash is None else token_id_of(self.token_hash)


@dataclass(frozen=True, slots=True)
class _WithToken:
    recognises: Callable[[str], bool]
    authenticate: Callable[[Request, bytes, Server], Awaitable[InitialAccess]]


@dataclass(frozen=True, slots=True)
class _WithoutToken:
    """The first kind that is on and recognises the body decides alone."""

    is_on: Callable[[Server], bool]
    recognises: Callable[[Document, Server], bool]
    admit: Callable[[Request, Document, Server], Awaitable[InitialAccess]]


async def authenticate_registration(
    request: Request, server: Server
) -> tuple[InitialAccess, bytes]:
    """RFC 7591 §3, RFC 6750 §3.1: closed unless something opens it (S-003 to S-005).

    Returns the body too, which may be what opens it.

    Raises AccessTokenError, TooManyRequests, and what read_body raises.
    """
    if has_header(request, b"authorization"):
        access = await _by_token(request, server)
        governed_by(request, access.owner.policy)
        return access, await read_body(request, JSON)
    refuse_token_in_query(query_of(request))
    kinds = [kind for kind in _WITHOUT_TOKEN if kind.is_on(server)]
    if not kinds:
        raise missing_token()
    body = await read_body(request, JSON)
    document = _document(body)
    for kind in kinds:
        if kind.recognises(document, server):
            access = await kind.admit(request, document, server)
            governed_by(request, access.owner.policy)
            return access, body
    raise missing_token()


async def _by_token(request: Request, server: Server) -> InitialAccess:
    token, token_hash = bearer_token_hash(request)
    for kind in _WITH_TOKEN:
        if kind.recognises(token):
            return await kind.authenticate(request, token_hash, server)
    raise refused()


async def _authenticate_minted(
    request: Request, token_hash: bytes, server: Server
) -> InitialAccess:
    token = await server.storage.initial_access_tokens.find(token_hash)
    if token is None:
        raise refused()
    if token.expires_at is not None and token.expires_at <= server.now():
        raise refused()
    owner = token.owner
    policy = _configured(owner.policy, server)
    too_many = limit_subject(request, owner, policy, server)
    spent = token.max_uses is not None and token.uses >= token.max_uses
    return InitialAccess(
        owner,
        policy,
        repeat_scope=f"register\n{owner.policy}\n{owner.subject}",
        token_hash=token_hash,
        only_repeats=refused() if spent else too_many,
    )


async def _refuse_jwt(_request: Request, _token_hash: bytes, _server: Server) -> InitialAccess:
    raise invalid_token("the token is a JWT, which is not accepted here as initial access token")


async def _admit_by_statement(
    request: Request, document: Document, server: Server
) -> InitialAccess:
    """RFC 7591 §2.3: the owner is the software, whoever runs it."""
    statement = await server.statements.verified(statement_in(document), now=server.now())
    owner = Owner(statement.policy or "", statement.subject)
    policy = _configured(owner.policy, server)
    too_many = limit_subject(request, owner, policy, server)
    return InitialAccess(
        owner,
        policy,
        repeat_scope=f"register-statement\n{owner.policy}\n{owner.subject}",
        # A statement is known to many.
        shortest_key=SHORTEST_OPEN_KEY,
        statement=statement,
        only_repeats=too_many,
    )


async def _admit_anybody(request: Request, _document: Document, server: Server) -> InitialAccess:
    """Give each registration an owner of its own: nothing tells who made another one."""
    opened = server.open_registration
    if opened is None:
        raise missing_token()
    too_many = limit_open_registration(request, opened, server)
    return InitialAccess(
        Owner(opened.policy, f"open-{server.entropy(_SUBJECT_BYTES).hex()}"),
        _configured(opened.policy, server),
        repeat_scope="register-open",
        shortest_key=SHORTEST_OPEN_KEY,
        only_repeats=too_many,
    )


_WITH_TOKEN: Final = (
    _WithToken(is_opaque_token, _authenticate_minted),
    _WithToken(looks_like_jwt, _refuse_jwt),
)
_WITHOUT_TOKEN: Final = (
    _WithoutToken(
        is_on=lambda server: server.statements.admit_alone,
        recognises=lambda document, server: server.statements.admits_alone(statement_in(document)),
        admit=_admit_by_statement,
    ),
    _WithoutToken(
        is_on=lambda server: server.open_registration is not None,
        recognises=lambda _document, _server: True,
        admit=_admit_anybody,
    ),
)


def _document(body: bytes) -> Document:
    """Read the body for what opens it; what is no JSON object opens nothing, and is told later."""
    try:
        return parse_json_object(body)
    except InvalidRequest:
        return {}


def always_needs_token(server: Server) -> bool:
    """Say whether nobody may register without an Authorization header."""
    return not any(kind.is_on(server) for kind in _WITHOUT_TOKEN)


def _configured(name: str, server: Server) -> Policy:
    policy = server.policies.get(name)
    if policy is None:
        raise insufficient_scope(f"the policy {name} is not configured any more")
    return policy


def refused() -> ProtocolError:
    # One text for all: who guesses learns nothing about a token that once existed.
    return invalid_token("the initial access token is unknown, expired or used up")
