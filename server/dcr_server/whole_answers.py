"""Answers leave in one piece: one system call, one packet.

Nearly every answer is ordinary: its head names the length of its one body, and the connection
stays open. Whatever else there is, uvicorn sends.
"""

from collections.abc import MutableMapping, Sequence
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

Message = MutableMapping[str, Any]
Header = tuple[bytes, bytes]

_START: Final = "http.response.start"
_LENGTH: Final = b"content-length"
# What says more about the message or the connection than an ordinary head does.
_FRAMING: Final = frozenset({b"connection", b"transfer-encoding"})
_CONTROL_OCTETS: Final = bytes((*range(0x20), 0x7F))


class WholeAnswer(RequestResponseCycle):
    """A request and its answer; the head waits for the body, as ASGI has it."""

    _head: Message | None = None

    async def receive(self) -> Message:  # type: ignore[override]  # uvicorn's types are its own
        """Give a body that has arrived as a whole, which nearly every one has, without waiting."""
        if self.more_body or not self.body or self.waiting_for_100_continue:
            return await super().receive()  # type: ignore[return-value]  # as above
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        self.message_event.clear()
        self.flow.resume_reading()
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:  # type: ignore[override]  # uvicorn's types are its own
        if message["type"] == _START and not self.response_started:
            # Nothing has left yet: a second head takes the place of the first.
            self._head = message
            return
        head, self._head = self._head, None
        answer = None if head is None else self._ordinary(head, message)
        if answer is not None:
            self._send_whole(answer)
            return
        if head is not None:
            await super().send(head)  # type: ignore[arg-type]  # as above
        await super().send(message)  # type: ignore[arg-type]  # as above

    def _ordinary(self, head: Message, message: Message) -> bytes | None:
        """Put an ordinary answer together; None for any other."""
        if not self.keep_alive or self.waiting_for_100_continue:
            return None
        if self.disconnected or self.flow.write_paused:
            return None
        body = message.get("body", b"")
        if message.get("more_body") or self.scope["method"] == "HEAD":
            return None
        headers = (*self.default_headers, *head["headers"])
        lines = _header_lines(headers, length=b"%d" % len(body))
        return None if lines is None else b"%b%b\r\n%b" % (STATUS_LINE[head["status"]], lines, body)

    def _send_whole(self, answer: bytes) -> None:
        self.response_started = True
        self.transport.write(answer)
        self.response_complete = True
        self.message_event.set()
        self.on_response()


def _header_lines(headers: Sequence[Header], *, length: bytes) -> bytes | None:
    pieces: list[bytes] = []
    named_length = None
    for name, value in headers:
        if name == _LENGTH:
            named_length = value
        elif name in _FRAMING:
            return None
        pieces += (name, b": ", value, b"\r\n")
    lines = b"".join(pieces)
    # RFC 9110 §5.5: one in a value would end a line, and begin what somebody else wrote.
    controls = len(lines) - len(lines.translate(None, _CONTROL_OCTETS))
    return lines if named_length == length and controls == 2 * len(headers) else None
