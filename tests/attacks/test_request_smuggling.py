"""What a proxy in front might read as one request is one request here, or none.

RFC 9112 §6.1, §6.3 and §11.2: a length that is not certain ends the connection.
"""

import pytest

from tests.attacks.answers import check_error
from tests.attacks.listening import Listening, read_answers, request
from tests.unit.server.registrant import Registrant

SMUGGLED = "GET /jwks HTTP/1.1\r\nHost: auth.test\r\n\r\n"
POST = "POST /connect/register HTTP/1.1"

UPGRADE = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA"]

# Each hides SMUGGLED from one reader of the headers and shows it to another.
AMBIGUOUS = {
    "two lengths": ["Content-Length: 0", f"Content-Length: {len(SMUGGLED)}"],
    "two lengths in one": [f"Content-Length: 0, {len(SMUGGLED)}"],
    "the same length twice in one": ["Content-Length: 0, 0"],
    "a length and chunks": ["Content-Length: 4", "Transfer-Encoding: chunked"],
    "chunks and a length": ["Transfer-Encoding: chunked", "Content-Length: 4"],
    "chunked twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    "chunked, then identity": ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    "identity alone": ["Transfer-Encoding: identity"],
    "chunked, identity": ["Transfer-Encoding: chunked, identity"],
    "xchunked": ["Transfer-Encoding: xchunked"],
    "gzip, chunked": ["Transfer-Encoding: gzip, chunked", "Content-Length: 0"],
    "a space before the colon": ["Transfer-Encoding : chunked", "Content-Length: 0"],
    "a tab before the value": ["Transfer-Encoding:\tchunked", "Content-Length: 0"],
    "a space before the name": [" Transfer-Encoding: chunked", "Content-Length: 0"],
    "a folded value": ["Transfer-Encoding:\r\n chunked", "Content-Length: 0"],
    "a vertical tab": ["Transfer-Encoding: \x0bchunked", "Content-Length: 0"],
    "a NUL in the name": ["Transfer\0-Encoding: chunked", "Content-Length: 0"],
    "a quoted value": ['Transfer-Encoding: "chunked"', "Content-Length: 0"],
    "a plus in the length": [f"Content-Length: +{len(SMUGGLED)}"],
    "a minus in the length": ["Content-Length: -1"],
    "a hexadecimal length": ["Content-Length: 0x26"],
    "a length with an underscore": ["Content-Length: 3_8"],
    "a length that overflows": ["Content-Length: 18446744073709551617"],
    "an empty length": ["Content-Length: "],
    "a length with a fraction": ["Content-Length: 0.0"],
    "a length in other digits": ["Content-Length: \xb2"],
    "a bare carriage return": ["X: a\rTransfer-Encoding: chunked", "Content-Length: 0"],
    "a bare line feed": ["X: a\nTransfer-Encoding: chunked", "Content-Length: 0"],
}


@pytest.mark.parametrize("headers", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
@pytest.mark.parametrize("chunked", [False, True], ids=["as a length", "as chunks"])
@pytest.mark.parametrize("upgrade", [[], UPGRADE], ids=["HTTP/1.1", "another protocol"])
async def test_a_request_of_uncertain_length_is_the_last_of_its_connection(
    listening: Listening, headers: list[str], upgrade: list[str], chunked: bool
) -> None:
    body = ("0\r\n\r\n" if chunked else "") + SMUGGLED
    head = request(POST, *upgrade, *headers, close=False)
    received = await listening.exchange(head + body.encode())
    answers = read_answers(received)
    # The only outcome that matters: what hides in the body is never answered.
    assert b'"keys"' not in received
    assert len(answers) <= 1
    for answer in answers:
        assert 400 <= answer.status < 500
        check_error(answer.body)


CHUNKS = {
    "a size that overflows": b"ffffffffffffffffff\r\nx\r\n0\r\n\r\n",
    "a negative size": b"-1\r\nx\r\n0\r\n\r\n",
    "a size in 0x": b"0x2\r\n{}\r\n0\r\n\r\n",
    "a size with a space": b"2 \r\n{}\r\n0\r\n\r\n",
    "no size": b"\r\n{}\r\n0\r\n\r\n",
    "a body longer than its size": b"1\r\n{}\r\n0\r\n\r\n",
    "line feeds alone": b"2\n{}\n0\n\n",
    "an extension with a line feed": b"2;a\nb\r\n{}\r\n0\r\n\r\n",
    "an extension without end": b"2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n",
    "trailers that would be headers": b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n",
    "a trailer without end": b"2\r\n{}\r\n0\r\nX: " + b"a" * 100_000,
}
WHOLE = {CHUNKS["trailers that would be headers"], CHUNKS["an extension without end"]}


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS.keys())
async def test_odd_chunks_are_refused_and_smuggle_nothing(
    listening: Listening, chunks: bytes
) -> None:
    head = request(POST, "Transfer-Encoding: chunked", close=False)
    received = await listening.exchange(head + chunks + SMUGGLED.encode())
    for number, answer in enumerate(read_answers(received)):
        assert answer.status < 500
        if b'"keys"' in answer.body:
            # A body that ended where everybody says that it ends, then another request.
            assert number == 1
            assert chunks in WHOLE
    assert (await listening.answers(request("GET /healthz HTTP/1.1")))[0].status == 200


async def test_a_trailer_is_no_header(registrant: Registrant, listening: Listening) -> None:
    token = registrant.initial_access_token
    head = request(POST, "Transfer-Encoding: chunked", "Content-Type: application/json")
    trailer = f"2\r\n{{}}\r\n0\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    (answer,) = await listening.answers(head + trailer)
    assert answer.status == 401


async def test_the_body_of_a_refused_request_is_not_read_as_the_next_one(
    listening: Listening,
) -> None:
    head = request(POST, f"Content-Length: {len(SMUGGLED)}", close=False)
    received = await listening.exchange(head + SMUGGLED.encode() + request("GET /nope HTTP/1.1"))
    statuses = [answer.status for answer in read_answers(received)]
    assert statuses == [401, 404]
    assert b'"keys"' not in received


VERSIONS = ["HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/9.9", "HTTP/1.1.1", "http/1.1", "HTTP/1,1"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_another_version_of_http_is_answered_or_refused(
    listening: Listening, version: str
) -> None:
    received = await listening.exchange(request(f"GET /healthz {version}"))
    for answer in read_answers(received):
        assert answer.status in {200, 400, 505}


UPGRADES = {
    "h2c": ["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQ"],
    "websocket": [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ],
    "TLS": ["Upgrade: TLS/1.2", "Connection: Upgrade"],
}


@pytest.mark.parametrize("headers", UPGRADES.values(), ids=UPGRADES.keys())
async def test_no_connection_becomes_another_protocol(
    listening: Listening, headers: list[str]
) -> None:
    # RFC 9110 §7.8: a server may ignore Upgrade. A tunnel would pass by a proxy's checks.
    received = await listening.exchange(
        request("GET /healthz HTTP/1.1", *headers, close=False), SMUGGLED.encode()
    )
    answers = read_answers(received)
    assert answers
    assert all(answer.status in {200, 400} for answer in answers)


async def test_http_2_without_upgrade_is_refused(listening: Listening) -> None:
    received = await listening.exchange(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 100)
    assert all(answer.status in {400, 404, 405, 505} for answer in read_answers(received))


async def test_a_tls_greeting_on_a_plain_port_is_refused(listening: Listening) -> None:
    greeting = bytes.fromhex("16030100c8010000c40303") + b"\0" * 200
    received = await listening.exchange(greeting)
    assert all(answer.status == 400 for answer in read_answers(received))
