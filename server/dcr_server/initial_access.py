"""Who may register: initial access tokens, each kind recognised by its form, never by trial."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from dcr_protocol.bearer import insufficient_scope, invalid_token
from dcr_server.policies import Policy
from dcr_server.records import Owner
from dcr_server.requests import bearer_token_hash
from dcr_server.server import Server
from dcr_server.tokens import is_opaque_token


@dataclass(frozen=True, slots=True)
class InitialAccess:
    """A right to register, and who then owns the client."""

    owner: Owner
    policy: Policy
    token_hash: bytes
    spent: bool
    """Used up: good for the replay of an earlier registration and nothing else."""


Recognise = Callable[[str], bool]
Authenticate = Callable[[bytes, Server], Awaitable[InitialAccess]]


async def authenticate_initial_access(request: Request, server: Server) -> InitialAccess:
    """RFC 7591 §3, RFC 6750 §3.1: closed unless a token opens it (S-003, S-005).

    Raises AccessTokenError.
    """
    token, token_hash = bearer_token_hash(request)
    for recognises, authenticate in _KINDS:
        if recognises(token):
            return await authenticate(token_hash, server)
    raise _refused()


async def _authenticate_minted(token_hash: bytes, server: Server) -> InitialAccess:
    token = await server.storage.initial_access_tokens.find(token_hash)
    if token is None:
        raise _refused()
    if token.expires_at is not None and token.expires_at <= server.now():
        raise _refused()
    policy = server.policies.get(token.owner.policy)
    if policy is None:
        raise insufficient_scope(f"the policy {token.owner.policy} is not configured any more")
    spent = token.max_uses is not None and token.uses >= token.max_uses
    return InitialAccess(token.owner, policy, token_hash, spent=spent)


_KINDS: Final[tuple[tuple[Recognise, Authenticate], ...]] = (
    (is_opaque_token, _authenticate_minted),
)


def _refused() -> Exception:
    # One text for all: who guesses learns nothing about a token that once existed.
    return invalid_token("the initial access token is unknown, expired or used up")
