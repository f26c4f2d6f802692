"""Every error becomes its response here: JSON, no-store, nothing about our inside (S-090 ff.)."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, cast

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.errors import ProtocolError, RegistrationErrorCode
from dcr_server.exchange import exchange_of
from dcr_server.responses import no_store
from dcr_server.storage.protocol import StorageUnavailable
from dcr_server.tokens import without_credentials

SECONDS_UNTIL_RETRY: Final = 5
SERVER_ERROR: Final = "server_error"
"""RFC 6749 §4.1.2.1: the code for what is our own fault."""

log = structlog.get_logger()

Handler = Callable[[Request, Exception], Response]


def protocol_error(request: Request, error: Exception) -> Response:
    refusal = cast("ProtocolError", error)
    exchange_of(request).error = refusal.code.value
    description = without_credentials(refusal.description)
    log.info(
        "refused",
        method=request.method,
        path=without_credentials(request.scope["path"]),
        status=refusal.status,
        error=refusal.code.value,
        description=description,
    )
    document = refusal.to_document() | {"error_description": description}
    return no_store({**document}, refusal.status, refusal.headers)


def http_error(request: Request, error: Exception) -> Response:
    """Unknown paths and methods; Allow is among the headers of a 405 (S-010)."""
    refusal = cast("HTTPException", error)
    exchange_of(request).error = RegistrationErrorCode.INVALID_REQUEST.value
    description = HTTPStatus(refusal.status_code).phrase.lower()
    return _error_response(
        RegistrationErrorCode.INVALID_REQUEST, description, refusal.status_code, refusal.headers
    )


def storage_unavailable(request: Request, error: Exception) -> Response:
    exchange = exchange_of(request)
    exchange.error = RegistrationErrorCode.TEMPORARILY_UNAVAILABLE.value
    exchange.storage_failed = True
    path = without_credentials(request.scope["path"])
    log.error("storage_unavailable", path=path, detail=str(error))
    return _error_response(
        RegistrationErrorCode.TEMPORARILY_UNAVAILABLE,
        "the storage is not available, try again later",
        HTTPStatus.SERVICE_UNAVAILABLE,
        {"Retry-After": str(SECONDS_UNTIL_RETRY)},
    )


_HANDLERS: Final[tuple[tuple[type[Exception], Handler], ...]] = (
    (ProtocolError, protocol_error),
    (HTTPException, http_error),
    (StorageUnavailable, storage_unavailable),
)
ANSWERED: Final = tuple(kind for kind, _ in _HANDLERS)
"""What an endpoint raises to be answered for."""


def answer_to(request: Request, error: Exception) -> Response:
    handler = next(handler for kind, handler in _HANDLERS if isinstance(error, kind))
    return handler(request, error)


def internal_error(request: Request, error: Exception) -> Response:
    """Answer for a bug: a log entry and a plain 500."""
    exchange, path = exchange_of(request), without_credentials(request.scope["path"])
    log.error("internal_error", request_id=exchange.request_id, path=path, exc_info=error)
    exchange.error = SERVER_ERROR
    return no_store(
        {"error": SERVER_ERROR, "error_description": "an internal error, see the log"},
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def _error_response(
    code: RegistrationErrorCode,
    description: str,
    status: int,
    headers: Mapping[str, str] | None,
) -> Response:
    document = {"error": code.value, "error_description": description}
    return no_store({**document}, status, headers)
