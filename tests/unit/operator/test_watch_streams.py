import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from dcr_operator.watch_responses import telling
from dcr_operator.watch_streams import WatchStreams
from tests.fakes.api_server import running_api_server, status
from tests.fakes.virtual_time import VirtualTime


@dataclass
class Bench:
    """An API server whose watches say something when the test wants it."""

    time: VirtualTime = field(default_factory=VirtualTime)
    counted: list[tuple[str, str]] = field(default_factory=list)
    bookmark: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    forbidden: set[str] = field(default_factory=set)

    def streams(self, expected: int) -> WatchStreams:
        return WatchStreams(
            self.time.time, lambda method, code: self.counted.append((method, code)), expected
        )

    async def watch(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.forbidden:
            return web.json_response({}, status=403)
        if request.query.get("watch") != "true":
            return web.json_response({"items": []})
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"type": "ADDED"}\n')
        await self.bookmark.wait()
        await response.write(b'{"type": "BOOKMARK"}\n')
        return response


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    app = web.Application()
    app.router.add_get("/{path:.*}", made.watch)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}"
    try:
        yield made
    finally:
        made.bookmark.set()
        await runner.cleanup()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # what is waited for is a socket
            await asyncio.sleep(0.001)


async def test_ready_when_every_watch_is_open() -> None:
    async with (
        bench() as b,
        aiohttp.ClientSession(trace_configs=[(streams := b.streams(2)).trace()]) as session,
    ):
        assert streams.ready_problem() == "2 watches are not open yet"
        async with session.get(f"{b.url}/a"), session.get(f"{b.url}/a?watch=true"):
            assert streams.ready_problem() == "1 watches are not open yet"
            async with session.get(f"{b.url}/b?watch=true"):
                assert streams.ready_problem() is None
        assert b.counted == [("GET", "200")] * 3


async def test_a_silent_watch_is_a_problem_and_a_bookmark_ends_it() -> None:
    async with (
        bench() as b,
        aiohttp.ClientSession(trace_configs=[(streams := b.streams(1)).trace()]) as session,
        session.get(f"{b.url}/a?watch=true") as response,
    ):
        await until(lambda: response.content.total_bytes)
        assert streams.silence_problem() is None
        b.time.advance(181)
        assert streams.silence_problem() == "1 watches are silent"
        before = response.content.total_bytes
        b.bookmark.set()
        await until(lambda: response.content.total_bytes > before)
        assert streams.silence_problem() is None


SECRETS = "/api/v1/namespaces/team/secrets"


@pytest.mark.parametrize(("gone", "problem"), [(True, None), (False, "1 watches are silent")])
async def test_a_watch_that_went_with_its_namespace_is_not_missed(
    gone: bool, problem: str | None
) -> None:
    async with (
        bench() as b,
        aiohttp.ClientSession(trace_configs=[(streams := b.streams(1)).trace()]) as session,
        session.get(f"{b.url}{SECRETS}?watch=true") as response,
    ):
        await until(lambda: response.content.total_bytes)
        assert streams.silence_problem() is None
        streams.left = lambda name: gone and name == "team"
        b.forbidden.add(SECRETS)
        await session.get(f"{b.url}{SECRETS}")
        b.time.advance(1000)
        assert streams.silence_problem() == problem


@pytest.mark.parametrize(("gone", "problem"), [(True, None), (False, "1 watches are not open yet")])
async def test_a_watch_that_a_namespace_without_our_role_never_had_is_not_waited_for(
    gone: bool, problem: str | None
) -> None:
    async with (
        bench() as b,
        aiohttp.ClientSession(trace_configs=[(streams := b.streams(1)).trace()]) as session,
    ):
        streams.left = lambda _name: gone
        b.forbidden.add(SECRETS)
        await session.get(f"{b.url}{SECRETS}")
        assert streams.ready_problem() == problem


async def test_requests_that_fail_are_counted() -> None:
    b = Bench()
    async with aiohttp.ClientSession(trace_configs=[b.streams(0).trace()]) as session:
        try:
            await session.get("http://127.0.0.1:1/a")
        except aiohttp.ClientError:
            assert b.counted == [("GET", "<error>")]


async def test_a_watch_that_is_answered_410_is_counted_as_such_and_is_not_open() -> None:
    b = Bench()
    streams = b.streams(1)
    async with (
        running_api_server(lambda _: status(410, "Expired")) as server,
        aiohttp.ClientSession(
            trace_configs=[streams.trace()], response_class=telling(lambda *_: None)
        ) as session,
        session.get(f"{server.configuration.host}/a?watch=true") as response,
    ):
        assert response.status == 200  # kopf understands what the lines say
        lines = [line async for line in response.content.iter_chunked(1024)]
        assert json.loads(lines[0])["object"]["code"] == 410
    assert b.counted == [("GET", "410")]
    assert streams.ready_problem() == "1 watches are not open yet"
