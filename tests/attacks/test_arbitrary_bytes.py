"""Bytes of any kind at the real socket: HTTP or nothing back, never a 5xx, and it goes on."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dcr_server import http_protocol
from tests.attacks.answers import check_error
from tests.attacks.listening import Listening, read_answers, request

REQUESTS = (
    request("GET /healthz HTTP/1.1"),
    request("GET /jwks HTTP/1.1", close=False),
    request(
        "POST /token HTTP/1.1", "Content-Type: application/json", "Content-Length: 2", body=b"{}"
    ),
    request(
        "POST /connect/register HTTP/1.1",
        "Authorization: Bearer dcr_iat_x",
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        body=b"2\r\n{}\r\n0\r\n\r\n",
    ),
    request("PUT /connect/register/x HTTP/1.1", "Expect: 100-continue", "Content-Length: 2"),
)
TOKENS = [b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"\xff", b"\r\n\r\n", b"HTTP/1.1", b"chunked"]


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    """A request with bytes put in, taken out, said twice or exchanged."""
    data = bytearray(draw(st.sampled_from(REQUESTS)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        new = draw(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8)))
        kind = draw(st.sampled_from(["put in", "take out", "twice", "exchange"]))
        middle = bytes(data[start:end])
        data[start:end] = {
            "put in": new + middle,
            "take out": b"",
            "twice": middle * 2,
            "exchange": new,
        }[kind]
    return bytes(data)


payloads = st.one_of(
    st.binary(max_size=200),
    bent(),
    bent(),
    st.lists(bent(), min_size=2, max_size=4).map(b"".join),
    st.binary(max_size=60).map(lambda raw: b"GET /" + raw + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    st.binary(max_size=60).map(lambda raw: b"GET / HTTP/1.1\r\n" + raw + b"\r\n\r\n"),
)


@settings(
    max_examples=15,
    deadline=timedelta(seconds=60),
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(several=st.lists(payloads, min_size=25, max_size=25))
async def test_whatever_comes_over_the_wire_the_server_goes_on(
    listening: Listening, several: list[bytes]
) -> None:
    received = await asyncio.gather(*(listening.exchange(payload) for payload in several))
    for payload, answer in zip(several, received, strict=True):
        _check(payload, answer)
    (healthy,) = await listening.answers(request("GET /healthz HTTP/1.1"))
    assert healthy.status == 200


@pytest.fixture(autouse=True)
def _little_patience(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - set after its own
    monkeypatch.setattr(http_protocol, "SECONDS_FOR_A_REQUEST", 0.3)


def _check(payload: bytes, received: bytes) -> None:
    if b"HEAD" in payload:
        return
    for answer in read_answers(received.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")):
        assert answer.status < 500 or answer.status == 503, payload
        assert answer.header("cache-control") is not None, payload
        assert answer.header("server") is None
        if answer.status >= 400:
            check_error(answer.body)
