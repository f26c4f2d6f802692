import asyncio
import json
from pathlib import Path

import pytest
import uvloop
from structlog.testing import capture_logs

from dcr_server.fetch_targets import FetchError
from dcr_server.fetching import Fetcher, FetchLimits, fetch_tls
from tests.fakes.https_publisher import (
    Publisher,
    endless_answer,
    json_answer,
    publishing,
    raw_answer,
    silence,
)

DOCUMENT = b'{"keys": []}'


async def fetch(publisher: Publisher, path: str = "/document") -> object:
    return await publisher.fetcher().fetch_json(publisher.url(path))


async def test_a_document_is_fetched_over_tls_by_its_name(tmp_path: Path) -> None:
    async with publishing(tmp_path, json_answer(DOCUMENT)) as publisher:
        assert await fetch(publisher, "/a%20b/c?d=e&f") == {"keys": []}
    [request] = publisher.requests
    line, *headers = request.strip().split("\r\n")
    assert line == "GET /a%20b/c?d=e&f HTTP/1.1"
    assert sorted(headers) == [
        "Accept-Encoding: identity",
        "Accept: application/json, application/*+json",
        "Connection: close",
        f"Host: keys.test:{publisher.port}",
        "User-Agent: dcr-server",
    ]


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/jwk-set+json",
        "application/json ;charset=UTF-8",
    ],
)
async def test_json_has_several_names(tmp_path: Path, media_type: str) -> None:
    answer = raw_answer("HTTP/1.1 200 OK", f"Content-Type: {media_type}", body=DOCUMENT)
    async with publishing(tmp_path, answer) as publisher:
        assert await fetch(publisher) == {"keys": []}


async def test_a_body_in_parts_is_put_together(tmp_path: Path) -> None:
    parts = b"4\r\n[1, \r\n3\r\n2]\n\r\n0\r\n\r\n"
    head = ("HTTP/1.1 200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked")
    async with publishing(tmp_path, raw_answer(*head, body=parts)) as publisher:
        assert await fetch(publisher) == [1, 2]


async def test_a_document_of_exactly_the_limit_is_taken(tmp_path: Path) -> None:
    body = json.dumps("x" * (65536 - 2)).encode()
    async with publishing(tmp_path, json_answer(body)) as publisher:
        assert await fetch(publisher) == "x" * 65534
        publisher.answer = json_answer(body + b" ")
        with pytest.raises(FetchError, match="larger than 65536 bytes"):
            await fetch(publisher)


async def test_the_next_address_is_tried_when_one_does_not_connect(tmp_path: Path) -> None:
    async with publishing(tmp_path, json_answer(DOCUMENT)) as publisher:
        fetcher = publisher.fetcher(addresses=["127.0.0.2", publisher.address])
        assert await fetcher.fetch_json(publisher.url()) == {"keys": []}


async def test_no_more_are_fetched_at_once_than_allowed(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def wait_then_answer(writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await json_answer(DOCUMENT)(writer)

    async with publishing(tmp_path, wait_then_answer) as publisher:
        fetcher = publisher.fetcher(limits=FetchLimits(seconds=20, at_once=2))
        fetches = [asyncio.create_task(fetcher.fetch_json(publisher.url())) for _ in range(6)]
        await publisher.arrived.wait()
        gate.set()
        assert await asyncio.gather(*fetches) == [{"keys": []}] * 6
    assert publisher.connections == 6
    assert publisher.most_open <= 2


async def test_waiting_for_others_counts_as_time(tmp_path: Path) -> None:
    async with publishing(tmp_path, silence) as publisher:
        limits = FetchLimits(seconds=0.2, at_once=1)
        fetcher = publisher.fetcher(limits=limits)
        fetches = [fetcher.fetch_json(publisher.url()) for _ in range(3)]
        outcomes = await asyncio.gather(*fetches, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["it takes longer than 0.2 seconds"] * 3
    assert publisher.connections <= 2


async def test_a_fetch_that_is_given_up_frees_its_place(tmp_path: Path) -> None:
    async with publishing(tmp_path, silence) as publisher:
        fetcher = publisher.fetcher(limits=FetchLimits(at_once=1))
        given_up = asyncio.create_task(fetcher.fetch_json(publisher.url()))
        await publisher.arrived.wait()
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        publisher.answer = json_answer(DOCUMENT)
        assert await fetcher.fetch_json(publisher.url()) == {"keys": []}


async def test_the_log_tells_which_addresses_were_refused_and_the_error_does_not(
    tmp_path: Path,
) -> None:
    async with publishing(tmp_path, json_answer(DOCUMENT)) as publisher:
        fetcher = publisher.fetcher(allowed_hosts=[], addresses=["10.0.0.7"])
        with capture_logs() as logs, pytest.raises(FetchError) as refused:
            await fetcher.fetch_json(publisher.url())
    assert logs[0]["event"] == "addresses_refused"
    assert logs[0]["addresses"] == ["10.0.0.7"]
    assert "10.0.0.7" not in str(refused.value)


def test_the_event_loop_of_the_server_fetches_and_lets_go_alike(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with publishing(tmp_path / "good", json_answer(DOCUMENT)) as publisher:
            assert await fetch(publisher) == {"keys": []}
        async with publishing(tmp_path / "slow", silence, tls=False) as publisher:
            limits = FetchLimits(seconds=0.2, seconds_to_connect=5)
            with pytest.raises(FetchError, match=r"longer than 0\.2 seconds"):
                await publisher.fetcher(limits=limits).fetch_json(publisher.url())
            await asyncio.wait_for(publisher.left.wait(), 10)

    uvloop.run(scenario())


async def test_an_answer_that_breaks_off_is_no_document(tmp_path: Path) -> None:
    head = ("HTTP/1.1 200 OK", "Content-Type: application/json", "Content-Length: 12")
    async with publishing(tmp_path, raw_answer(*head, body=b"[1]")) as publisher:
        with pytest.raises(FetchError, match="breaks off"):
            await fetch(publisher)


async def test_large_documents_are_refused_by_their_announced_length(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n"
    async with publishing(tmp_path, endless_answer(head + b"\r\n", b" ")) as publisher:
        with pytest.raises(FetchError, match="larger than 65536 bytes"):
            await fetch(publisher)


async def test_authorities_of_ones_own_are_trusted_beside_those_of_the_system(
    tmp_path: Path,
) -> None:
    async with publishing(tmp_path, json_answer(DOCUMENT)) as publisher:
        tls = fetch_tls(publisher.ca_file)
        assert len(tls.get_ca_certs()) > 1

        async def resolve(_host: str, _port: int) -> list[str]:
            return [publisher.address]

        fetcher = Fetcher(tls, allowed_hosts=["keys.test"], resolve=resolve)
        assert await fetcher.fetch_json(publisher.url()) == {"keys": []}


@pytest.mark.parametrize("content", ["", "no certificate"])
def test_a_file_of_authorities_without_any_is_an_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ca.crt"
    path.write_text(content, encoding="ascii")
    with pytest.raises((OSError, ValueError)):
        fetch_tls(path)
