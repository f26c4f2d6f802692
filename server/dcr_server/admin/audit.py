"""Who did what: the audit trail, oldest first."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.errors import InvalidRequest
from dcr_server.admin.paging import Listed, page_document, read_page_request
from dcr_server.descriptions import describe_audit_entry
from dcr_server.records import Action
from dcr_server.responses import no_store
from dcr_server.server import Server
from dcr_server.storage.requests import AuditFilter

_FILTERS: Final = ("action", "client_id", "policy", "subject")
_LISTED: Final = Listed(lambda entry: entry.id, describe_audit_entry)


async def listing(request: Request, server: Server) -> Response:
    page = read_page_request(request, _FILTERS)
    after = page.after_number()
    wanted = AuditFilter(
        action=_action(page.filters.get("action")),
        client_id=page.filters.get("client_id"),
        policy=page.filters.get("policy"),
        subject=page.filters.get("subject"),
    )
    return no_store(
        await page_document(
            _LISTED,
            page.limit,
            lambda limit: server.storage.audit.page(wanted, after=after, limit=limit),
        )
    )


def _action(name: str | None) -> Action | None:
    if name is None:
        return None
    try:
        return Action(name)
    except ValueError:
        raise InvalidRequest(f"action: there are {', '.join(Action)}") from None
