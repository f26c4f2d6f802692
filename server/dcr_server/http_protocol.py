"""uvicorn's HTTP, bounded before the application sees a request: in size and in time.

Nobody who connects has shown a token yet, so none may hold memory or a connection for long.
"""

import asyncio
import uuid
from http import HTTPStatus
from typing import Any, Final

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

log = structlog.get_logger()

LARGEST_HEAD: Final = 65_536
"""Bytes of request line and headers, and of trailers."""
SECONDS_FOR_A_REQUEST: Final = 10.0
"""From its first byte to its last; also from connecting to the first byte."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """431 for a head without end, 408 for a request without end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(WholeAnswers(transport, self.loop))
        self._receiving = False
        # Also between requests: what arrives next has no cycle yet.
        self._in_head = True
        # Of the request before the one whose body is arriving.
        self._earlier_cycle: RequestResponseCycle | None = None
        self._refused = False
        # What the parser has kept to itself: bytes since it last told us of any progress.
        self._unparsed = 0
        self._in_this_piece = 0
        self._progress = False
        self._refusal = HTTPStatus.BAD_REQUEST
        self._deadline: asyncio.TimerHandle | None = None
        self._limit_time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            # An earlier answer is still owed, and reading is resumed for it.
            return
        self._progress = False
        self._in_this_piece = len(data)
        super().data_received(data)
        if self._progress:
            self._unparsed = 0
        else:
            self._unparsed += len(data)
            if self._unparsed > LARGEST_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        # uvicorn ends its keep-alive timer for any byte, also for those that begin no request.
        if self._deadline is None and (self._receiving or self._owed_earlier() is None):
            self._limit_time()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._receiving = True
        # The time that ran was for beginning.
        self._forget_deadline()

    def on_header(self, name: bytes, value: bytes) -> None:
        # RFC 9110 §6.5.1: what comes after the body is no header. A proxy that checks or takes away
        # Authorization does not look there.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._progress = True
        # Nearly every head arrives in one small piece: then there is nothing to count.
        if self._unparsed + self._in_this_piece > LARGEST_HEAD < self._size_of_head():
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            # The parser makes of it what it makes of a malformed request.
            raise ValueError
        earlier = self.cycle
        # Raises for a URL that cannot be parsed: then there is no cycle for this head.
        super().on_headers_complete()
        self._earlier_cycle = earlier
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._receiving = False
        self._in_head = True
        self._progress = True
        self._forget_deadline()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the signature is uvicorn's
        self._refuse(self._refusal)

    def shutdown(self) -> None:
        """Wait for answers, not for requests that are still on their way."""
        if self._receiving:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            super().shutdown()

    def _size_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _limit_time(self) -> None:
        self._deadline = self.loop.call_later(SECONDS_FOR_A_REQUEST, self._time_is_up)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _time_is_up(self) -> None:
        if self._owed_earlier() is not None:
            # Reading was paused for it: the delay is our own.
            self._limit_time()
        elif self._receiving:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _owed_earlier(self) -> RequestResponseCycle | None:
        """Give the last cycle before what is arriving, unless its answer is complete."""
        cycle = self.cycle if self._in_head else self._earlier_cycle
        return None if cycle is None or cycle.response_complete else cycle

    def _refuse(self, status: HTTPStatus) -> None:
        if self.transport.is_closing():
            return
        owed = self._owed_earlier()
        if owed is not None:
            # Written now, the refusal would be read as that request's answer (RFC 9112 §9.3.2).
            owed.keep_alive = False
            self._refused = True
            self.flow.pause_reading()
            return
        if self._in_head or not self.cycle.response_started:
            request_id = uuid.uuid4().hex
            log.info("refused", status=status.value, error=status.phrase, request_id=request_id)
            self.transport.write(_refusal(status, request_id))
        self.transport.close()


class WholeAnswers(asyncio.Transport):
    """Holds the head of an answer back for its body: one system call, one packet."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held = b""

    def write(self, data: Any) -> None:  # noqa: ANN401 - any buffer, as asyncio has it
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held + data)
        else:
            self._held = data
            # An answer without body, or one whose body takes its time.
            self._loop.call_soon(self._send_held)

    def close(self) -> None:
        self._send_held()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - asyncio's types
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def _send_held(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)


def _refusal(status: HTTPStatus, request_id: str) -> bytes:
    body = f'{{"error":"invalid_request","error_description":"{status.phrase.lower()}"}}'
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        body = body.replace("invalid_request", "temporarily_unavailable")
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "content-type: application/json\r\ncache-control: no-store\r\npragma: no-cache\r\n"
        f"x-request-id: {request_id}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return (head + body).encode("ascii")
