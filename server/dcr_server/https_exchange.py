"""One GET over one TLS connection to one address, of whoever is there: nothing is believed.

Written on asyncio and h11 because of what must hold: the connection goes to the address that it is
given, TLS proves the name, the connection serves no other request and is gone when its time is up,
whatever it was doing.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Final

import h11

from dcr_server.fetch_targets import Target

MAX_HEAD_BYTES: Final = 16384
_READ_BYTES: Final = 8192
_HEADERS: Final = (
    ("Accept", "application/json, application/*+json"),
    # A small body could unpack to a large one.
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
    ("User-Agent", "dcr-server"),
)


class NoConnection(Exception):  # noqa: N818 - says what is the matter
    """Nothing listens there, or not by TLS with a certificate for the name."""


class NoAnswer(Exception):  # noqa: N818 - says what is the matter
    """What comes is not HTTP, too much or too little."""


class Exchange:
    """A request that has been sent; first the head is read, then the body."""

    def __init__(self, reader: asyncio.StreamReader, *, max_bytes: int) -> None:
        self._reader = reader
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        # Chunks and interim responses may add to the body, within reason.
        self._left = 2 * max_bytes + 2 * MAX_HEAD_BYTES

    def request(self, target: Target) -> bytes:
        headers = [("Host", target.authority), *_HEADERS]
        request = h11.Request(method="GET", target=target.path, headers=headers)
        sent = self._http.send(request) or b""
        return sent + (self._http.send(h11.EndOfMessage()) or b"")

    async def head(self) -> h11.Response:
        """Return the final response.

        Raises NoAnswer.
        """
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise NoAnswer

    async def body(self) -> AsyncIterator[bytes]:
        """Raises NoAnswer."""
        while True:
            event = await self._event()
            if isinstance(event, h11.EndOfMessage):
                return
            if not isinstance(event, h11.Data):
                raise NoAnswer
            yield bytes(event.data)

    async def _event(self) -> h11.Event:
        try:
            while True:
                event = self._http.next_event()
                if isinstance(event, h11.Event):
                    return event
                if event is h11.PAUSED:
                    raise NoAnswer
                await self._receive()
        except (h11.RemoteProtocolError, OSError):
            raise NoAnswer from None

    async def _receive(self) -> None:
        data = await self._reader.read(_READ_BYTES)
        self._left -= len(data)
        if self._left < 0:
            raise NoAnswer
        self._http.receive_data(data)


@contextlib.asynccontextmanager
async def exchange(
    target: Target, address: str, tls: ssl.SSLContext, *, seconds_to_connect: float, max_bytes: int
) -> AsyncIterator[Exchange]:
    """Connect and ask; at the end the connection is dropped.

    Raises NoConnection.
    """
    try:
        async with asyncio.timeout(seconds_to_connect):
            reader, writer = await asyncio.open_connection(
                address,
                target.port,
                limit=_READ_BYTES,
                ssl=tls,
                server_hostname=target.host,
                flags=socket.AI_NUMERICHOST,
            )
    except OSError:  # TimeoutError and everything about TLS among them
        raise NoConnection from None
    try:
        asked = Exchange(reader, max_bytes=max_bytes)
        writer.write(asked.request(target))
        yield asked
    finally:
        writer.transport.abort()
