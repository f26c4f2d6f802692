"""The two kinds of response: those that caches must not keep, and public documents."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from pydantic_core import to_json
from starlette.responses import Response

from dcr_protocol.json_document import JsonValue

_NO_CONTENT: Final = int(HTTPStatus.NO_CONTENT)
_JSON: Final = (b"content-type", b"application/json")
# RFC 6749 §5.1: Pragma too, for caches of HTTP/1.0 (S-008).
_NO_STORE: Final = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
SECONDS_THAT_CACHES_KEEP: Final = 300
_PUBLIC: Final = ((b"cache-control", b"public, max-age=%d" % SECONDS_THAT_CACHES_KEEP),)


def no_store(
    document: Mapping[str, JsonValue] | None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer everything that may carry a credential or an error about one."""
    return _Answer(document, status, _NO_STORE, headers)


def public(document: Mapping[str, JsonValue]) -> Response:
    """Answer a document that is the same for everybody."""
    return _Answer(document, HTTPStatus.OK, _PUBLIC)


class _Answer(Response):
    """Headers that are the same each time are not put together each time."""

    def __init__(
        self,
        document: Mapping[str, JsonValue] | None,
        status: int,
        ready: Sequence[tuple[bytes, bytes]],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status_code = status
        self.background = None
        self.raw_headers = [*ready]
        if headers:
            self.raw_headers += [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in headers.items()
            ]
        self.body = b"" if document is None else to_json(document)
        if document is not None:
            self.raw_headers.append(_JSON)
        # RFC 9110 §8.6: never with 204.
        if status != _NO_CONTENT:
            self.raw_headers.append((b"content-length", b"%d" % len(self.body)))
