"""Who did what: the audit trail, oldest first."""

from collections.abc import Mapping
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.errors import InvalidRequest
from dcr_server.admin.paging import Listed, page_document, read_page_request
from dcr_server.descriptions import describe_audit_entry
from dcr_server.records import Action, Actor
from dcr_server.responses import no_store
from dcr_server.server import Server
from dcr_server.storage.requests import AuditFilter

_FILTERS: Final = ("action", "actor", "client_id", "policy", "subject", "token_id", "kid")
_LISTED: Final = Listed(lambda entry: entry.id, describe_audit_entry)

Name = TypeVar("Name", Action, Actor)


async def listing(request: Request, server: Server) -> Response:
    page = read_page_request(request, _FILTERS)
    after = page.after_number()
    wanted = AuditFilter(
        action=_one_of(Action, "action", page.filters),
        actor=_one_of(Actor, "actor", page.filters),
        client_id=page.filters.get("client_id"),
        policy=page.filters.get("policy"),
        subject=page.filters.get("subject"),
        token_id=page.filters.get("token_id"),
        kid=page.filters.get("kid"),
    )
    return no_store(
        await page_document(
            _LISTED,
            page.limit,
            lambda limit: server.storage.audit.page(wanted, after=after, limit=limit),
        )
    )


def _one_of(names: type[Name], parameter: str, filters: Mapping[str, str]) -> Name | None:
    if parameter not in filters:
        return None
    try:
        return names(filters[parameter])
    except ValueError:
        raise InvalidRequest(f"{parameter}: there are {', '.join(names)}") from None
