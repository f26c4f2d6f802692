"""Answers of the API server to kopf: what they say of objects is told on the spot.

kopf keeps lists and watches going: versions, pauses, connections. For each object and event it
would also make a task, a memory and a dozen wrappers, which cost more than all that is done about
the event, so that objects do not get that far. An event passes on as a bookmark of its version.

kopf lists anew on a 410 inside of a watch only; as an HTTP answer it would end the process.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import aiohttp
from aiohttp.connector import Connection

from dcr_operator.json_nesting import loads, shallow
from dcr_operator.kube import member, text

# plural of the resource, type of the event (None: listed), object
Tell = Callable[[str, str | None, Mapping[str, Any]], None]

_OF_OBJECTS = frozenset({"ADDED", "MODIFIED", "DELETED"})
_OK = 200
_GONE = 410
_EXPIRED = b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}\n'


class ToldResponse(aiohttp.ClientResponse):
    """An object that is too deep for kopf's parser does not end the watch for all either."""

    tell: Tell
    answered: int = 0  # the status as it came

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        await super().start(connection)
        self.answered = self.status
        if self.url.query.get("watch") == "true":
            gone = self.status == _GONE
            lines = ExpiredLines(self.content) if gone else ToldLines(self.content, self._told)
            self.content = lines  # type: ignore[assignment]  # stands in for it
            self.status = _OK if gone else self.status
        return self

    def raise_for_status(self) -> None:
        """Raise aiohttp.ClientError; a list of which later pages are gone has broken off."""
        if self.status == _GONE:
            self.release()
            raise aiohttp.ClientPayloadError("the pages of a list have expired")
        super().raise_for_status()

    async def json(self, **options: Any) -> Any:  # noqa: ANN401  # aiohttp's own types
        document = await super().json(**{"loads": loads, **options})
        items = document.get("items") if isinstance(document, dict) else None
        if isinstance(items, list):
            for each in items:
                self._told(None, each)
            document["items"] = []
        return document

    def _told(self, event: str | None, obj: Mapping[str, Any]) -> None:
        self.tell(self.url.path.rpartition("/")[2], event, obj)


def telling(tell: Tell) -> type[ToldResponse]:
    """Return the class of the responses of a session; ``tell`` must not raise."""
    return type("ToldResponse", (ToldResponse,), {"tell": staticmethod(tell)})


def status_of(response: aiohttp.ClientResponse) -> int:
    """Return the status as it came."""
    return response.answered if isinstance(response, ToldResponse) else response.status


class ToldLines:
    """A stream of lines, each passed on when it is complete."""

    def __init__(
        self,
        stream: aiohttp.StreamReader,
        told: Callable[[str | None, Mapping[str, Any]], None],
    ) -> None:
        self._stream = stream
        self._told = told

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever aiohttp asks of the stream
        return getattr(self._stream, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        rest = bytearray()
        async for chunk in self._stream.iter_chunked(size):
            rest += chunk
            end = rest.rfind(b"\n") + 1
            if end:
                lines = bytes(rest[:end])
                del rest[:end]
                yield b"".join(self._passed_on(line) for line in lines.splitlines(keepends=True))
        if rest:
            yield self._passed_on(bytes(rest))

    def _passed_on(self, line: bytes) -> bytes:
        try:
            event: Any = loads(line)
        except ValueError:
            return line  # broken off
        obj = event.get("object") if isinstance(event, dict) else None
        if not isinstance(obj, dict) or event.get("type") not in _OF_OBJECTS:
            return shallow(line)
        self._told(event["type"], obj)
        return _bookmark(text(member(obj, "metadata"), "resourceVersion"))


class ExpiredLines:
    """What a watch says whose version is too old, in place of the body of that answer."""

    def __init__(self, stream: aiohttp.StreamReader) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever aiohttp asks of the stream
        return getattr(self._stream, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        async for _ in self._stream.iter_chunked(size):
            pass  # the connection is used again
        yield _EXPIRED


def _bookmark(version: str) -> bytes:
    metadata = {"resourceVersion": version} if version else {}
    return json.dumps({"type": "BOOKMARK", "object": {"metadata": metadata}}).encode() + b"\n"
