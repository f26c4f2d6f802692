"""Browsers of listed origins may use the endpoints (S-011): the CORS protocol of Fetch §3.2.

No cookie means anything here: what a page may do depends on the tokens that it holds. So this
only tells a browser which pages may read the answers; who may do what is decided elsewhere.
"""

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode
from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.uris import Uri, split_uri
from dcr_server.exchange import Respond

ANY_ORIGIN: Final = "*"

_NO_CONTENT: Final = 204
_ALLOW_ORIGIN: Final = "Access-Control-Allow-Origin"
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": "600",
}
# Beyond those that scripts may read anyway.
_EXPOSED: Final = "WWW-Authenticate, Retry-After, X-Request-Id"


class CrossOrigin:
    """Answer the question before a request, and mark the answers that a page may read."""

    def __init__(self, respond: Respond, origins: Iterable[str]) -> None:
        self._respond = respond
        self._origins = frozenset(origins)

    async def __call__(self, request: Request) -> Response | None:
        headers = request.headers
        marks = self._marks(headers.get("origin"))
        asks = request.method == "OPTIONS" and "access-control-request-method" in headers
        if asks and _ALLOW_ORIGIN in marks:
            return Response(status_code=_NO_CONTENT, headers=_PREFLIGHT | marks)
        response = await self._respond(request)
        if response is not None:
            response.headers.update(marks)
        return response

    def _marks(self, origin: str | None) -> dict[str, str]:
        # Fetch §3.2: also without an origin, or a cache would give that answer to every page.
        if origin is None or self._origins.isdisjoint({origin, ANY_ORIGIN}):
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            _ALLOW_ORIGIN: origin,
            "Access-Control-Expose-Headers": _EXPOSED,
        }


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _check_origin(text: str) -> str:
    """Refuse what no browser sends, so that it would never match (RFC 6454 §6.2)."""
    uri = split_uri(text)
    if text != ANY_ORIGIN and (uri is None or "*" in text or text != _written(uri)):
        raise ValueError(f"{text!r} is no origin: give such as https://app.example.com, or *")
    return text


def _written(uri: Uri) -> str:
    default = {"http": 80, "https": 443}.get(uri.scheme)
    port = "" if uri.port in {None, default} else f":{uri.port}"
    return f"{uri.scheme}://{uri.host}{port}" if uri.host else ""


Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_check_origin)], ...], NoDecode, BeforeValidator(_split)
]
"""A setting: origins as a list, or as text with commas between them."""
