import asyncio

import httpx

from dcr_operator.outcomes import RateLimited, Unreachable
from dcr_operator.ports import ProviderConnection
from dcr_operator.registration_client import HttpRegistrationClient
from tests.fakes.scripted_provider import (
    CLIENT,
    CONNECTION,
    ISSUER,
    MANAGEMENT,
    ScriptedProvider,
    answering,
    failing,
)


async def test_a_dead_provider_is_not_asked_over_and_over() -> None:
    provider = ScriptedProvider(failing(httpx.ConnectError))
    client = provider.client()
    outcomes = [await client.read(CONNECTION, MANAGEMENT) for _ in range(20)]
    assert len(provider.requests) == 5
    last = outcomes[-1]
    assert isinstance(last, Unreachable)
    assert not last.may_have_arrived
    # What is told does not vary with whether it was asked: a steady object is not written to.
    assert {each.detail for each in outcomes if isinstance(each, Unreachable)} == {last.detail}


async def test_requests_are_counted_by_provider_operation_and_code() -> None:
    provider = ScriptedProvider(answering(201, CLIENT))
    await provider.client().read(CONNECTION, MANAGEMENT)
    assert provider.observed == [("ClusterOAuthProvider/main", "read", 201)]


async def test_no_more_requests_at_once_than_the_provider_allows() -> None:
    busy = most = 0

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0.005)
            busy -= 1
            return answering(200, CLIENT)(request)

    client = HttpRegistrationClient(make_transport=lambda _c, _t: Slow())
    narrow = ProviderConnection("p", ISSUER, max_concurrent=3)
    await asyncio.gather(*(client.read(narrow, MANAGEMENT) for _ in range(12)))
    assert most == 3


async def test_closing_closes_the_connections() -> None:
    client = ScriptedProvider(answering(201, CLIENT)).client()
    await client.read(CONNECTION, MANAGEMENT)
    await client.close()


async def test_nobody_waits_longer_for_room_than_for_an_answer() -> None:
    class Stuck(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError(request)

    client = HttpRegistrationClient(make_transport=lambda _c, _t: Stuck())
    narrow = ProviderConnection("p", ISSUER, max_concurrent=1, timeout=0.05)
    outcomes = await asyncio.gather(*(client.read(narrow, MANAGEMENT) for _ in range(12)))
    asked = [each for each in outcomes if isinstance(each, Unreachable)]
    assert 1 <= len(asked) <= 3
    assert outcomes.count(RateLimited(retry_after=None)) == 12 - len(asked)


async def test_cookies_of_a_provider_are_not_sent_back() -> None:
    provider = ScriptedProvider(answering(201, CLIENT, Set_Cookie="tenant=one"))
    client = provider.client()
    for _ in range(2):
        await client.read(CONNECTION, MANAGEMENT)
    assert [request.headers.get("Cookie") for request in provider.requests] == [None, None]
