"""What leaves for what the application sends: one piece for an ordinary answer."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import uvicorn

from dcr_server.http_protocol import BoundedHttpProtocol

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Sent = dict[str, Any]


class Written(asyncio.Transport):
    """The client's end: what arrives there, piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, data: Any) -> None:  # noqa: ANN401 - as asyncio has it
        self.pieces.append(bytes(data))

    def is_closing(self) -> bool:
        return b"closed" in self.pieces

    def close(self) -> None:
        self.pieces.append(b"closed")


def head(*headers: tuple[bytes, bytes], status: int = 200) -> Sent:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(octets: bytes, *, more: bool = False) -> Sent:
    return {"type": "http.response.body", "body": octets, "more_body": more}


async def answer(messages: Sequence[Sent], request: bytes = GET) -> list[bytes]:
    """Have an application answer the request by these messages."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own types
        for message in messages:
            await send(message)

    config = uvicorn.Config(app, http=BoundedHttpProtocol, ws="none", log_config=None)
    config.load()
    http_server = uvicorn.Server(config)
    connection = BoundedHttpProtocol(config, http_server.server_state, {})
    written = Written()
    connection.connection_made(written)
    connection.data_received(request)
    await asyncio.gather(*http_server.server_state.tasks)
    connection.connection_lost(ConnectionResetError())
    return written.pieces


async def received(*pieces: bytes) -> list[Sent]:
    """Have an application ask for two messages; the client has gone when it asks again."""
    seen: list[Sent] = []

    async def app(_scope: Any, receive: Any, _send: Any) -> None:  # noqa: ANN401 - ASGI's own types
        seen.append(await receive())
        asking = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        connection.connection_lost(ConnectionResetError())
        seen.append(await asking)

    config = uvicorn.Config(app, http=BoundedHttpProtocol, ws="none", log_config=None)
    config.load()
    http_server = uvicorn.Server(config)
    connection = BoundedHttpProtocol(config, http_server.server_state, {})
    connection.connection_made(Written())
    for piece in pieces:
        connection.data_received(piece)
    await asyncio.gather(*http_server.server_state.tasks)
    return seen


@pytest.mark.parametrize("pieces", [(b"ok",), (b"o", b"k")])
async def test_a_body_is_given_once_then_the_end_of_the_connection(pieces: list[bytes]) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    assert await received(head, *pieces) == [
        {"type": "http.request", "body": b"ok", "more_body": False},
        {"type": "http.disconnect"},
    ]


LENGTH_2 = (b"content-length", b"2")


@pytest.mark.parametrize(
    ("messages", "pieces"),
    [
        pytest.param(
            [head(LENGTH_2, (b"x", b"y"), status=201), body(b"ok")],
            [b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nx: y\r\n\r\nok"],
            id="an ordinary answer is one piece",
        ),
        pytest.param(
            [head(status=204), body(b"")],
            [b"HTTP/1.1 204 No Content\r\n\r\n", b""],
            id="one without content has no length",
        ),
        pytest.param(
            [head(LENGTH_2), body(b"o", more=True), body(b"k")],
            [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"o", b"k"],
            id="a body in pieces leaves in pieces",
        ),
        pytest.param(
            [head(), body(b"ok")],
            [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"2\r\nok\r\n0\r\n\r\n"],
            id="without a length it is chunked",
        ),
        pytest.param(
            [head(LENGTH_2, (b"connection", b"close")), body(b"ok")],
            [
                b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n",
                b"ok",
                b"closed",
            ],
            id="the last one closes",
        ),
        pytest.param(
            [head(LENGTH_2, status=201), head(LENGTH_2, status=500), body(b"no")],
            [b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\nno"],
            id="an error takes the place of what has not left",
        ),
    ],
)
async def test_what_leaves_for_an_answer(messages: list[Sent], pieces: list[bytes]) -> None:
    assert await answer(messages) == pieces


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(GET.replace(b"GET", b"HEAD"), id="HEAD"),
        pytest.param(b"HEAD / HTTP/1.0\r\n\r\n", id="HEAD of HTTP/1.0"),
    ],
)
async def test_the_answer_to_head_has_no_body(request_: bytes) -> None:
    sent = b"".join(await answer([head(LENGTH_2), body(b"ok")], request_))
    assert sent.startswith(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n")
    assert sent.removesuffix(b"closed").endswith(b"\r\n\r\n")


async def test_whoever_does_not_keep_the_connection_is_told_that_it_closes() -> None:
    pieces = await answer([head(LENGTH_2), body(b"ok")], b"GET / HTTP/1.0\r\n\r\n")
    assert pieces == [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n",
        b"ok",
        b"closed",
    ]


@pytest.mark.parametrize(
    "value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\0b", b"\x7f"], ids=repr
)
@pytest.mark.parametrize("length", [[LENGTH_2], []], ids=["with a length", "without"])
async def test_a_header_that_would_end_its_line_never_leaves(
    value: bytes, length: list[tuple[bytes, bytes]]
) -> None:
    sent = b"".join(await answer([head(*length, (b"x", value)), body(b"ok")]))
    assert value not in sent
    assert b"ok" not in sent


@pytest.mark.parametrize("octets", [b"", b"o", b"okay"])
async def test_a_body_of_another_length_than_was_said_never_passes(octets: bytes) -> None:
    sent_head, *others, closed = await answer([head(LENGTH_2), body(octets)])
    assert sent_head.startswith(b"HTTP/1.1 200 OK")
    assert closed == b"closed"
    assert b"okay" not in others
