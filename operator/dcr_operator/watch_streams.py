"""What the watches of kopf are doing, seen from their HTTP traffic.

Events tell of objects only; here every byte counts, bookmarks too. So we know
when all watches are open, and when one has died without anybody noticing.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from urllib.parse import parse_qsl

import aiohttp

from dcr_operator.watch_responses import status_of
from dcr_operator.watchdog import WATCH_SILENCE

_OK = 200
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NAMESPACE = re.compile("/namespaces/([^/]+)/")


@dataclass(slots=True)
class _Stream:
    response: aiohttp.ClientResponse
    received: int
    at: float


@dataclass(slots=True)
class WatchStreams:
    """Follows each watch by its path; a new connection replaces the one before."""

    clock: Callable[[], float]
    count: Callable[[str, str], None] = lambda _method, _code: None
    expected: int = 0  # watches to be open before the operator is ready
    refused: asyncio.Event = field(default_factory=asyncio.Event)  # our credentials, by a 401
    # Whether a namespace is gone, or going: our Role there goes with it, and nothing is to be seen.
    left: Callable[[str], bool] = lambda _namespace: False
    _streams: dict[str, _Stream] = field(default_factory=dict)
    _forbidden: set[str] = field(default_factory=set)

    def trace(self) -> aiohttp.TraceConfig:
        config = aiohttp.TraceConfig()
        config.on_request_end.append(self._answered)
        config.on_request_exception.append(self._failed)
        return config

    def ready_problem(self) -> str | None:
        over = {path for path in self._forbidden if self._is_over(path)}
        missing = self.expected - len(self._streams.keys() | over)
        return f"{missing} watches are not open yet" if missing > 0 else None

    def silence_problem(self) -> str | None:
        now = self.clock()
        silent = 0
        for path, stream in self._streams.items():
            received = stream.response.content.total_bytes
            if received != stream.received:
                stream.received, stream.at = received, now
            silent += now - stream.at > WATCH_SILENCE and not self._is_over(path)
        return f"{silent} watches are silent" if silent else None

    def _is_over(self, path: str) -> bool:
        """Whether there is nothing to watch any more, nor a right to."""
        found = _NAMESPACE.search(path) if path in self._forbidden else None
        return found is not None and self.left(found[1])

    async def _answered(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams,
    ) -> None:
        status = status_of(params.response)
        self.count(params.method, str(status))
        if status == _UNAUTHORIZED:
            self.refused.set()
        self._forbidden.discard(params.url.path)
        if status == _FORBIDDEN:
            self._forbidden.add(params.url.path)
        query = dict(parse_qsl(params.url.query_string))
        if status == _OK and query.get("watch") == "true":
            self._streams[params.url.path] = _Stream(params.response, 0, self.clock())

    async def _failed(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        params: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        self.count(params.method, "<error>")
