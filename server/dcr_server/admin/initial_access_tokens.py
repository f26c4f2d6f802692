"""Initial access tokens, for administrators: made, listed, revoked; shown once, when made."""

from typing import Annotated, Final

import structlog
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.errors import InvalidRequest
from dcr_protocol.json_document import parse_json_object
from dcr_server.admin.clients import NO_CONTENT, NOT_FOUND
from dcr_server.admin.paging import (
    Listed,
    not_a_cursor,
    page_document,
    read_page_request,
    refuse_parameters,
)
from dcr_server.descriptions import describe_token
from dcr_server.durations import Seconds
from dcr_server.minting import MOST_USES, TokenRequest, new_subject, prepare_initial_access_token
from dcr_server.records import Actor, Owner, is_token_id
from dcr_server.requests import JSON, origin_of, read_body
from dcr_server.responses import no_store
from dcr_server.server import Server

CREATED: Final = 201
_FILTERS: Final = ("policy",)
_LISTED: Final = Listed(lambda token: token.token_id, describe_token)

log = structlog.get_logger()

_Text = Annotated[
    str, StringConstraints(strict=True, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class WantedToken(BaseModel):
    """The body of a POST."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: Annotated[str, Field(strict=True)]
    max_uses: Annotated[int, Field(strict=True, ge=1, le=MOST_USES)] | None = None
    expires_in: Seconds | None = None
    subject: Annotated[_Text, Field(min_length=1)] | None = None
    note: _Text = ""


async def listing(request: Request, server: Server) -> Response:
    page = read_page_request(request, _FILTERS)
    policy = page.filters.get("policy")
    if page.after and not is_token_id(page.after):
        raise not_a_cursor()
    return no_store(
        await page_document(
            _LISTED,
            page.limit,
            lambda limit: server.storage.initial_access_tokens.page(
                policy, after=page.after, limit=limit
            ),
        )
    )


async def create(request: Request, server: Server) -> Response:
    refuse_parameters(request)
    wanted = _read(await read_body(request, JSON))
    if wanted.policy not in server.policies:
        configured = ", ".join(server.policies) or "none"
        raise InvalidRequest(f"policy: no such policy; configured: {configured}")
    value, token = prepare_initial_access_token(
        TokenRequest(
            owner=Owner(wanted.policy, wanted.subject or new_subject(server.entropy)),
            lifetime=wanted.expires_in,
            max_uses=wanted.max_uses,
            note=wanted.note,
        ),
        server.entropy,
        now=server.now(),
    )
    await server.storage.initial_access_tokens.add(token, origin_of(request, server, Actor.ADMIN))
    log.info("initial_access_token_created", token_id=token.token_id, policy=wanted.policy)
    shown = {**describe_token(token), "initial_access_token": value.get_secret_value()}
    return no_store(shown, CREATED)


async def revoke(request: Request, server: Server) -> Response:
    refuse_parameters(request)
    token_id = str(request.path_params["token_id"])
    origin = origin_of(request, server, Actor.ADMIN)
    tokens = server.storage.initial_access_tokens
    if not await tokens.revoke(token_id, now=server.now(), origin=origin):
        raise HTTPException(NOT_FOUND)
    log.info("initial_access_token_revoked", token_id=token_id, actor=Actor.ADMIN.value)
    return no_store(None, NO_CONTENT)


def _read(body: bytes) -> WantedToken:
    try:
        return WantedToken.model_validate(parse_json_object(body))
    except ValidationError as error:
        first = error.errors()[0]
        member = ".".join(map(str, first["loc"]))
        raise InvalidRequest(f"{member}: {first['msg'].removeprefix('Value error, ')}") from None
