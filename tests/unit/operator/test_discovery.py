import asyncio
import contextlib

import httpx
import pytest

from dcr_operator.outcomes import Discovered, DiscoveryRefused, Unreachable
from dcr_operator.ports import ProviderConnection
from dcr_operator.registration_client import HttpRegistrationClient
from tests.fakes.scripted_provider import (
    CONNECTION,
    ENDPOINT,
    ISSUER,
    Answer,
    ScriptedProvider,
    answering,
    failing,
)

METADATA = {"issuer": ISSUER, "registration_endpoint": ENDPOINT}


def document_at(path: str, document: object) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        found = request.url.path == path
        return answering(200 if found else 404, document if found else None)(request)

    return answer


@pytest.mark.parametrize(
    "path", ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
)
async def test_either_form_of_discovery_will_do(path: str) -> None:
    outcome = await ScriptedProvider(document_at(path, METADATA)).client().discover(CONNECTION)
    assert isinstance(outcome, Discovered)
    assert outcome.metadata.registration_endpoint == ENDPOINT


async def test_discovery_is_remembered_for_ten_minutes() -> None:
    provider = ScriptedProvider(answering(200, METADATA))
    client = provider.client()
    for seconds in (0, 599, 1):
        provider.time.advance(seconds)
        await client.discover(CONNECTION)
    assert len(provider.requests) == 2


async def test_many_clients_of_a_dead_provider_ask_once() -> None:
    provider = ScriptedProvider(failing(httpx.ConnectError))
    client = provider.client()
    outcomes = await asyncio.gather(*(client.discover(CONNECTION) for _ in range(50)))
    assert all(isinstance(outcome, Unreachable) for outcome in outcomes)
    assert len(provider.requests) == 1


async def test_discovery_heals_as_soon_as_the_provider_does() -> None:
    provider = ScriptedProvider(failing(httpx.ConnectError))
    client = provider.client()
    await client.discover(CONNECTION)
    provider.answer = answering(200, METADATA)
    provider.time.advance(1)
    assert isinstance(await client.discover(CONNECTION), Discovered)


async def test_a_changed_provider_is_discovered_anew() -> None:
    provider = ScriptedProvider(answering(200, METADATA))
    client = provider.client()
    await client.discover(CONNECTION)
    other = ProviderConnection(CONNECTION.provider, ISSUER, timeout=0.3)
    await client.discover(other)
    assert len(provider.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        answering(200, {**METADATA, "issuer": "https://evil.example.com"}),
        answering(200, body=b"<html>"),
        answering(404, body=b""),
        answering(200, body=b"x" * 300_000),
    ],
    ids=["another issuer", "HTML", "none", "huge"],
)
async def test_what_is_no_discovery_document_is_refused(answer: Answer) -> None:
    assert isinstance(
        await ScriptedProvider(answer).client().discover(CONNECTION), DiscoveryRefused
    )


async def test_a_broken_ca_bundle_is_told() -> None:
    broken = ProviderConnection("p", ISSUER, ca_bundle="no certificate")
    outcome = await ScriptedProvider(answering(200, METADATA)).client().discover(broken)
    assert outcome == DiscoveryRefused("the CA certificates in tls are not PEM", ours=True)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://id.example.com:99999",
        "https://\u00fc.localhost:1",
        "https://a..b.example",
        f"https://{'a' * 64}.example",
        "https://xn--a.example",
        "https://id.example.com:port",
        "https://[::1",
    ],
)
@pytest.mark.parametrize("hardened", [True, False])
async def test_an_issuer_that_cannot_be_asked_is_an_outcome(issuer: str, hardened: bool) -> None:
    async with contextlib.AsyncExitStack() as stack:
        client = HttpRegistrationClient()
        stack.push_async_callback(client.close)
        outcome = await client.discover(ProviderConnection("p", issuer, hardened=hardened))
    assert isinstance(outcome, DiscoveryRefused | Unreachable)
    assert outcome.ours
    if isinstance(outcome, Unreachable):
        assert not outcome.may_have_arrived


async def test_a_provider_that_asks_for_patience_is_given_it() -> None:
    provider = ScriptedProvider(answering(429, {}, Retry_After="77"))
    outcome = await provider.client().discover(CONNECTION)
    assert isinstance(outcome, Unreachable)
    assert outcome.retry_after == 77
