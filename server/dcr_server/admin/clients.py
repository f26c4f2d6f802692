"""The clients of everybody, for administrators: seen and removed without a token of theirs."""

from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dcr_server.admin.paging import (
    Listed,
    page_document,
    read_page_request,
    refuse_parameters,
)
from dcr_server.descriptions import describe_client, describe_client_fully
from dcr_server.records import Actor
from dcr_server.requests import origin_of
from dcr_server.responses import no_store
from dcr_server.server import Server
from dcr_server.storage.requests import ClientFilter

NO_CONTENT: Final = 204
NOT_FOUND: Final = 404

_FILTERS: Final = ("policy", "subject")
_LISTED: Final = Listed(lambda client: client.client_id, describe_client)

log = structlog.get_logger()


async def listing(request: Request, server: Server) -> Response:
    page = read_page_request(request, _FILTERS)
    wanted = ClientFilter(policy=page.filters.get("policy"), subject=page.filters.get("subject"))
    return no_store(
        await page_document(
            _LISTED,
            page.limit,
            lambda limit: server.storage.clients.page(wanted, after=page.after, limit=limit),
        )
    )


async def show(request: Request, server: Server) -> Response:
    refuse_parameters(request)
    client = await server.storage.clients.find(_client_id(request))
    if client is None:
        raise HTTPException(NOT_FOUND)
    return no_store(describe_client_fully(client))


async def delete(request: Request, server: Server) -> Response:
    refuse_parameters(request)
    client_id = _client_id(request)
    origin = origin_of(request, server, Actor.ADMIN)
    if not await server.storage.clients.remove(client_id, now=server.now(), origin=origin):
        raise HTTPException(NOT_FOUND)
    log.info("client_removed", client_id=client_id, actor=Actor.ADMIN.value)
    return no_store(None, NO_CONTENT)


def _client_id(request: Request) -> str:
    client_id = str(request.path_params["client_id"])
    if "\0" in client_id:
        # No database keeps it, and PostgreSQL cannot even be asked.
        raise HTTPException(NOT_FOUND)
    return client_id
