"""The two kinds of response: those that caches must not keep, and public documents."""

from collections.abc import Mapping
from typing import Final

from pydantic_core import to_json
from starlette.responses import Response

from dcr_protocol.json_document import JsonValue

_JSON: Final = "application/json"
# RFC 6749 §5.1: Pragma too, for caches of HTTP/1.0 (S-008).
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
SECONDS_THAT_CACHES_KEEP: Final = 300
_PUBLIC: Final = {"Cache-Control": f"public, max-age={SECONDS_THAT_CACHES_KEEP}"}


def no_store(
    document: Mapping[str, JsonValue] | None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer everything that may carry a credential or an error about one."""
    return _response(document, status, _NO_STORE | dict(headers or {}))


def public(document: Mapping[str, JsonValue]) -> Response:
    """Answer a document that is the same for everybody."""
    return _response(document, 200, _PUBLIC)


def _response(
    document: Mapping[str, JsonValue] | None, status: int, headers: dict[str, str]
) -> Response:
    if document is None:
        return Response(status_code=status, headers=headers)
    return Response(to_json(document), status_code=status, headers=headers, media_type=_JSON)
