"""uvicorn's HTTP, bounded before the application sees a request: in size and in time.

Nobody who connects has shown a token yet, so none may hold memory or a connection for long.
"""

import asyncio
import uuid
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

import structlog
from httptools import HttpParserError, HttpParserUpgrade, parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from dcr_server.whole_answers import WholeAnswer

log = structlog.get_logger()

LARGEST_HEAD: Final = 65_536
"""Bytes of request line and headers, and of trailers."""
SECONDS_FOR_A_REQUEST: Final = 10.0
"""From its first byte to its last; also from connecting to the first byte."""
MOST_PIPELINED: Final = 16
"""Requests of one connection that wait for the answer to the one before them."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """431 for a head without end, 408 for a request without end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._receiving = False
        # Also between requests: what arrives next has no cycle yet.
        self._in_head = True
        # Of the request before the one whose body is arriving.
        self._earlier_cycle: RequestResponseCycle | None = None
        # That of a request for another protocol, without what asks for it.
        self._head_again = b""
        self._refused = False
        # What the parser has kept to itself: bytes since it last told us of any progress.
        self._unparsed = 0
        self._in_this_piece = 0
        self._progress = False
        self._refusal = HTTPStatus.BAD_REQUEST
        self._deadline: asyncio.TimerHandle | None = None
        # Of the loop's clock; None while a request is on its way or being answered.
        self._idle_since: float | None = None
        self._limit_time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            # An earlier answer is still owed, and reading is resumed for it.
            return
        self._progress = False
        self._in_this_piece = len(data)
        self._unset_keepalive_if_required()
        self._parse(data)
        if self._progress:
            self._unparsed = 0
        else:
            self._unparsed += len(data)
            if self._unparsed > LARGEST_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        # uvicorn ends its keep-alive timer for any byte, also for those that begin no request.
        if self._deadline is None and (self._receiving or self._owed_earlier() is None):
            self._limit_time()

    def _parse(self, data: bytes) -> None:
        """RFC 9110 §7.8: who asks for another protocol is answered in this one.

        The parser takes such a request for one without a body, which it would then read as the next
        request, behind the back of a proxy. So it gets the head again, without the asking.
        """
        while data:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                head, self._head_again = self._head_again, b""
                data = head + data[upgrade.args[0] :]
            except HttpParserError:
                self._refuse(self._refusal)
                return
            else:
                return

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._receiving = True
        # The time that ran was for beginning.
        self._forget_deadline()

    def on_header(self, name: bytes, value: bytes) -> None:
        # RFC 9110 §6.5.1: what comes after the body is no header. A proxy that checks or takes away
        # Authorization does not look there.
        if not self._in_head:
            return
        name = name.lower()
        self.headers.append((name, value))
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True

    def on_headers_complete(self) -> None:
        self._progress = True
        # Nearly every head arrives in one small piece: then there is nothing to count.
        if self._unparsed + self._in_this_piece > LARGEST_HEAD < self._size_of_head():
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            # The parser makes of it what it makes of a malformed request.
            raise ValueError
        if len(self.pipeline) == MOST_PIPELINED:
            # Reading is resumed with each answer, and each time thousands more could come. What is
            # kept is answered, then the connection ends: RFC 9112 §9.3.2 has the client repeat.
            raise ValueError
        if self.parser.should_upgrade():
            self._head_again = self._head_without_upgrade()
            if self._head_again:
                return
        owed = self._owed_earlier()
        self._describe_request()
        self._earlier_cycle = self.cycle
        self.cycle = self._begin_cycle()
        self._in_head = False
        if owed is None:
            self._start_asgi_task(self.cycle, self.app)
        else:
            # Pipelined: it has to wait for the answer before.
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._head_again:
            return
        self._receiving = False
        self._in_head = True
        self._progress = True
        self._forget_deadline()
        super().on_message_complete()

    def shutdown(self) -> None:
        """Wait for answers, not for requests that are still on their way."""
        if self._receiving:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            super().shutdown()

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        # A timer for the connection costs less than one for each answer.
        if self.timeout_keep_alive_task is None:
            self._look_for_idleness(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_for_idleness(left)
        else:
            super().timeout_keep_alive_handler()

    def _look_for_idleness(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _describe_request(self) -> None:
        """Complete the scope. Raises ValueError for a URL without a path, or of other octets."""
        version = self.parser.get_http_version()
        self.scope["method"] = self.parser.get_method().decode("ascii")
        if version != "1.1":
            self.scope["http_version"] = version
        url = parse_url(self.url)
        if url.path is None:
            raise ValueError
        path = url.path.decode("ascii")
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = url.path
        self.scope["query_string"] = url.query or b""

    def _begin_cycle(self) -> WholeAnswer:
        return WholeAnswer(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=self.scope["http_version"] != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def _head_without_upgrade(self) -> bytes:
        """Return nothing if it asks for no other protocol by that header, as CONNECT does not."""
        fields = [field for field in self.headers if field[0] != b"upgrade"]
        if len(fields) == len(self.headers):
            return b""
        version = self.parser.get_http_version().encode("ascii")
        start = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, version)
        return b"%b%b\r\n" % (start, b"".join(b"%b: %b\r\n" % field for field in fields))

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
