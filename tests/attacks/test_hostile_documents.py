"""What answers under a URL of somebody else must not cost the server memory, time or sense."""

import asyncio
import gzip
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest

from dcr_server.fetch_targets import FetchError
from dcr_server.fetching import FetchLimits
from tests.fakes.https_publisher import (
    Answer,
    Publisher,
    endless_answer,
    json_answer,
    publishing,
    raw_answer,
    silence,
)

OK = "HTTP/1.1 200 OK"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
HEAD = f"{OK}\r\n{JSON}\r\n".encode()
CHUNKED_HEAD = HEAD + f"{CHUNKED}\r\n\r\n".encode()
IMPATIENT = FetchLimits(seconds=0.4, seconds_to_connect=0.4)
LONGEST = 3.0
"""Seconds; far below what any of these would go on for, far above the limit."""
MOST_MEMORY = 8 * 2**20


async def refused(publisher: Publisher, limits: FetchLimits = IMPATIENT) -> str:
    """Fetch once, within bounds of time and memory."""
    tracemalloc.start()
    began = time.monotonic()
    try:
        with pytest.raises(FetchError) as error:
            await publisher.fetcher(limits=limits).fetch_json(publisher.url())
        assert time.monotonic() - began < LONGEST
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    return str(error.value)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(silence, id="no answer at all"),
        pytest.param(endless_answer(b"HTTP/1.1 200 OK\r\n", b"", 0.01), id="half a head"),
        pytest.param(endless_answer(HEAD + b"X: ", b"a", 0.02), id="a header now and then"),
        pytest.param(endless_answer(HEAD + b"\r\n", b"", 0.01), id="no body"),
        pytest.param(endless_answer(HEAD + b"\r\n", b" ", 0.02), id="a byte now and then"),
        pytest.param(endless_answer(CHUNKED_HEAD, b"1\r\n \r\n", 0.02), id="a chunk now and then"),
        pytest.param(
            endless_answer(HEAD + b"Content-Length: 9\r\n\r\n", b"", 0.01),
            id="a body that is announced and does not come",
        ),
    ],
)
async def test_s170_slow_and_endless_answers(tmp_path: Path, answer: Answer) -> None:
    async with publishing(tmp_path, answer) as publisher:
        assert await refused(publisher) == "it takes longer than 0.4 seconds"
        assert publisher.connections == 1


async def test_s170_a_port_that_accepts_and_says_nothing(tmp_path: Path) -> None:
    async with publishing(tmp_path, silence, tls=False) as publisher:
        assert "no connection by TLS" in await refused(
            publisher, FetchLimits(seconds=2, seconds_to_connect=0.2)
        )


async def test_s170_no_connection_outlives_its_time(tmp_path: Path) -> None:
    """Also when the time is up in the middle of the greeting of TLS."""
    async with publishing(tmp_path, silence, tls=False) as publisher:
        limits = FetchLimits(seconds=0.2, seconds_to_connect=5)
        assert "longer than 0.2 seconds" in await refused(publisher, limits)
        await asyncio.wait_for(publisher.left.wait(), LONGEST)
        assert publisher.open_now == 0


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(endless_answer(HEAD + b"\r\n", b" " * 4096), id="until the connection ends"),
        pytest.param(
            endless_answer(CHUNKED_HEAD, b"1000\r\n" + b" " * 4096 + b"\r\n"), id="in chunks"
        ),
        pytest.param(endless_answer(CHUNKED_HEAD + b"fffffff\r\n", b" " * 4096), id="in one chunk"),
        pytest.param(
            endless_answer(HEAD + b"Content-Length: 65537\r\n\r\n", b" " * 4096), id="announced"
        ),
        pytest.param(json_answer(b" " * 65536 + b"[]"), id="two bytes too many"),
        pytest.param(json_answer(b"[" * 70000 + b"]" * 70000), id="brackets"),
    ],
)
async def test_s170_bodies_beyond_the_limit(tmp_path: Path, answer: Answer) -> None:
    async with publishing(tmp_path, answer) as publisher:
        assert "larger than 65536 bytes" in await refused(publisher, FetchLimits())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(endless_answer(HEAD, b"X-Filler: aaaaaaaa\r\n" * 100), id="many"),
        pytest.param(endless_answer(HEAD + b"X-Long: ", b"a" * 4096), id="one long"),
        pytest.param(endless_answer(b"HTTP/1.1 200 O", b"K" * 4096), id="a long reason"),
        pytest.param(endless_answer(CHUNKED_HEAD + b"2;x=", b"a" * 4096), id="a long chunk head"),
        pytest.param(
            endless_answer(CHUNKED_HEAD + b"0\r\n", b"X: aaaaaaaa\r\n" * 100), id="trailers"
        ),
    ],
)
async def test_s170_endless_headers(tmp_path: Path, answer: Answer) -> None:
    async with publishing(tmp_path, answer) as publisher:
        assert "HTTP" in await refused(publisher, FetchLimits())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            endless_answer(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50), id="interim responses"
        ),
        pytest.param(
            endless_answer(CHUNKED_HEAD, b"1;" + b"a" * 4000 + b"\r\n \r\n"),
            id="large heads of small chunks",
        ),
    ],
)
async def test_s170_much_that_is_no_body(tmp_path: Path, answer: Answer) -> None:
    """Ended by its amount, long before its time is up."""
    async with publishing(tmp_path, answer) as publisher:
        assert "HTTP" in await refused(publisher, FetchLimits(seconds=60))


BOMB = b"[" + b" " * (50 * 2**20) + b"]"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(BOMB)),
        ("x-gzip", gzip.compress(BOMB)),
        ("deflate", zlib.compress(BOMB)),
        ("br", b"\x8b\x00\x80[]\x03"),
        ("zstd", b"\x28\xb5\x2f\xfd"),
        ("gzip, identity", gzip.compress(BOMB)),
        ("identity, gzip", gzip.compress(BOMB)),
        ("unheard-of", b"[]"),
    ],
)
async def test_s170_compressed_bombs(tmp_path: Path, encoding: str, body: bytes) -> None:
    answer = json_answer(body, f"Content-Encoding: {encoding}")
    async with publishing(tmp_path, answer) as publisher:
        assert await refused(publisher, FetchLimits()) == "the answer is compressed"


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ((OK, JSON, "Transfer-Encoding: gzip, chunked"), gzip.compress(BOMB)),
        ((OK, JSON, "Transfer-Encoding: chunked, gzip"), gzip.compress(BOMB)),
        ((OK, JSON, CHUNKED), b"zz\r\n[]\r\n0\r\n\r\n"),
        ((OK, JSON, CHUNKED), b"-2\r\n[]\r\n0\r\n\r\n"),
        ((OK, JSON, CHUNKED), b"2\r\n[]\r\n"),
        ((OK, JSON, "Content-Length: 2", "Content-Length: 3"), b"[]"),
        ((OK, JSON, "Content-Length: -2"), b"[]"),
        ((OK, JSON, "Content-Length: ²"), b"[]"),
        ((OK, JSON, "Content-Length: 0x2"), b"[]"),
        (("HTTP/1.1 OK", JSON), b"[]"),
        (("HTTP/2 200", JSON), b"[]"),
        (("ICY 200 OK", JSON), b"[]"),
        (("SSH-2.0-OpenSSH_9.9",), b""),
        (("+OK", JSON), b"[]"),
        ((OK, "Content-Type application/json"), b"[]"),
        ((OK, "Content Type: application/json"), b"[]"),
        (("",), b""),
        ((OK, JSON, "X-Null: \x00"), b"[]"),
    ],
)
async def test_s170_what_is_not_http(tmp_path: Path, lines: tuple[str, ...], body: bytes) -> None:
    async with publishing(tmp_path, raw_answer(*lines, body=body)) as publisher:
        await refused(publisher)


@pytest.mark.parametrize(
    "status",
    [
        *("100 Continue", "101 Switching Protocols", "201 Created", "202 Accepted", "203 Changed"),
        *("204 No Content", "206 Partial Content", "304 Not Modified", "400 Bad", "401 Who"),
        *("403 No", "404 Not Found", "410 Gone", "429 Later", "500 Oops", "503 Later", "999 Odd"),
    ],
)
async def test_s170_only_200_is_an_answer(tmp_path: Path, status: str) -> None:
    async with publishing(tmp_path, json_answer(b"[]", status=status)) as publisher:
        await refused(publisher)


@pytest.mark.parametrize(
    "media_type",
    [
        *("text/html", "text/plain", "text/json", "application/javascript", "application/jsonp"),
        *("application/json, text/html", "application/json+xml", "json", "", "*/*", "+json"),
        *("application/x+y+json!", "image/svg+json", "application/json\tx", "multipart/json"),
    ],
)
async def test_s170_only_json_is_a_document(tmp_path: Path, media_type: str) -> None:
    answer = raw_answer(OK, f"Content-Type: {media_type}", body=b"[]")
    async with publishing(tmp_path, answer) as publisher:
        assert await refused(publisher) == "the answer is not application/json"


async def test_s170_json_without_a_media_type_or_with_two(tmp_path: Path) -> None:
    async with publishing(tmp_path, raw_answer(OK, body=b"[]")) as publisher:
        assert "not application/json" in await refused(publisher)
        publisher.answer = raw_answer(OK, JSON, "Content-Type: text/html", body=b"[]")
        assert "not application/json" in await refused(publisher)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[1,]", b"[1] 2", b"'a'", b"<html>", b"// x\n[]", b"[undefined]"),
        *(b"\xef\xbb\xbf[]", b"\xff\xfe[\x00]\x00", b'["\xff"]', b'["\xc0\x80"]'),
        *(b'{"keys": [], "keys": [1]}', b'[{"a": 1, "\\u0061": 2}]'),
        *(
            b"[NaN]",
            b"[Infinity]",
            b"[1e999]",
            b'["\\ud800"]',
            b'["\x00"]',
            b"[" + b"9" * 5000 + b"]",
        ),
        *(b"[" * 17 + b"]" * 17, b"[" * 20000 + b"]" * 20000, b'{"a":' * 30 + b"1" + b"}" * 30),
    ],
)
async def test_s170_what_parsers_disagree_about_is_no_document(tmp_path: Path, body: bytes) -> None:
    async with publishing(tmp_path, json_answer(body)) as publisher:
        await refused(publisher, FetchLimits())
