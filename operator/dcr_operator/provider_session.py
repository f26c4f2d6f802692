"""One provider's HTTP: where requests go, how many at once, how long, how much is read.

A session belongs to one `ProviderConnection`; a changed provider gets a new one. A
transport of httpx that several workers share costs three times as much as one for each,
so idle transports, each with one connection, are handed out in turn. They are used without
a client of httpx: of what that adds (redirects, cookies, authentication) nothing is wanted.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import httpx

from dcr_operator.backoff import Backoff
from dcr_operator.outcomes import RateLimited, Unreachable
from dcr_operator.ports import ProviderConnection
from dcr_operator.provider_dialer import HardenedTransport, plain_transport
from dcr_operator.provider_limits import CircuitBreaker, TokenBucket
from dcr_operator.provider_origins import origin_of, url_to_send_to
from dcr_operator.version import VERSION

MAX_RESPONSE_BYTES = 262_144
_HEADERS = {
    "User-Agent": f"dcr-operator/{VERSION}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a small answer may unpack to a huge one
}

# The provider cannot have seen the request: nothing was sent.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    UnicodeError,  # of a host name or a header that cannot be written as ASCII
)

MakeTransport = Callable[[ProviderConnection, ssl.SSLContext], httpx.AsyncBaseTransport]
Observe = Callable[[str, str, int, float], None]  # provider, operation, code, seconds


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    operation: str  # metric label
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResponseTooLarge:
    status: int


Answer = ProviderResponse | ResponseTooLarge | RateLimited | Unreachable


@lru_cache(maxsize=64)
def tls_for(ca_bundle: str | None) -> ssl.SSLContext:
    """Making one costs as much as a hundred requests, so providers share them.

    Raises ValueError or ssl.SSLError when the bundle holds no certificates.
    """
    return ssl.create_default_context(cadata=ca_bundle)


def transport_for(connection: ProviderConnection, tls: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    transport = plain_transport(tls)
    if connection.hardened:
        return HardenedTransport(transport, allow_loopback=connection.allow_loopback)
    return transport


class ProviderSession:
    def __init__(
        self,
        connection: ProviderConnection,
        *,
        make_transport: MakeTransport,
        observe: Observe,
        random: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connection = connection
        self._make_transport = make_transport
        self._observe = observe
        self._tls = tls_for(connection.ca_bundle)
        self._idle: dict[object, list[httpx.AsyncBaseTransport]] = {}
        self._room = asyncio.Semaphore(connection.max_concurrent)
        backoff = Backoff(random, first=2.0, ceiling=60.0)
        self._circuit = CircuitBreaker(clock, backoff)
        self._bucket = TokenBucket(connection.requests_per_second, connection.burst, clock)
        self._last_failure = ""
        self._closed = False

    async def send(self, request: ProviderRequest) -> Answer:
        """Send one request; raises OriginRefusedError instead of sending it elsewhere."""
        url = url_to_send_to(self.connection, request.url)
        if not self._circuit.admits():
            # The words of the failure itself, or each try would change the status of its client.
            pause = self._circuit.retry_after()
            return Unreachable(
                self._last_failure, may_have_arrived=False, retry_after=pause, ours=True
            )
        wait = self._bucket.reserve(patience=self.connection.timeout)
        if wait is None:
            self._circuit.abandoned()
            return RateLimited(retry_after=None)
        try:
            answer = await self._exchange(request, url, wait)
        except BaseException:
            self._circuit.abandoned()
            raise
        if isinstance(answer, Unreachable):
            self._last_failure = answer.detail
            self._circuit.failed()
        elif isinstance(answer, RateLimited):
            self._circuit.abandoned()
        else:
            self._circuit.succeeded()
        return answer

    async def close(self) -> None:
        self._closed = True
        transports = [each for line in self._idle.values() for each in line]
        self._idle.clear()
        for each in transports:
            await each.aclose()

    async def _exchange(self, request: ProviderRequest, url: str, wait: float) -> Answer:
        if wait:
            await asyncio.sleep(wait)
        try:
            # A slow provider must not hold the workers that wait for their turn.
            patience = max(self.connection.timeout - wait, 0.01)
            await asyncio.wait_for(self._room.acquire(), patience)
        except TimeoutError:
            return RateLimited(retry_after=None)
        try:
            return await self._measured(request, url)
        finally:
            self._room.release()

    async def _measured(self, request: ProviderRequest, url: str) -> Answer:
        start = time.monotonic()
        answer = await self._attempt(request, url)
        code = 0 if isinstance(answer, Unreachable) else answer.status
        seconds = time.monotonic() - start
        self._observe(self.connection.provider, request.operation, code, seconds)
        return answer

    async def _attempt(
        self, request: ProviderRequest, url: str
    ) -> ProviderResponse | ResponseTooLarge | Unreachable:
        timeout = self.connection.timeout
        try:
            # httpx counts its time-outs anew for each read; this one is for all of it.
            async with asyncio.timeout(timeout), self._transport(url) as transport:
                return await _read(transport, self._outgoing(request, url))
        except _NOT_SENT as error:
            return Unreachable(_describe(error), may_have_arrived=False, ours=True)
        except TimeoutError:
            return Unreachable(f"no answer within {timeout:g} s", may_have_arrived=True, ours=True)
        except (httpx.HTTPError, ssl.SSLError, OSError, ValueError) as error:
            return Unreachable(_describe(error), may_have_arrived=True, ours=True)

    @asynccontextmanager
    async def _transport(self, url: str) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """Lend a transport that nobody else uses; one whose request failed is not kept."""
        idle = self._idle.setdefault(origin_of(url), [])
        transport = idle.pop() if idle else self._make_transport(self.connection, self._tls)
        try:
            yield transport
        except BaseException:
            await transport.aclose()
            raise
        if self._closed:
            await transport.aclose()
        else:
            idle.append(transport)

    def _outgoing(self, request: ProviderRequest, url: str) -> httpx.Request:
        timeout = self.connection.timeout
        # A connection that cannot be made must show as such before the whole time is up.
        times = httpx.Timeout(timeout, connect=timeout * 0.4)
        return httpx.Request(
            request.method,
            url,
            headers={**_HEADERS, **request.headers},
            content=request.body or None,
            extensions={"timeout": times.as_dict()},
        )


async def _read(
    transport: httpx.AsyncBaseTransport, request: httpx.Request
) -> ProviderResponse | ResponseTooLarge:
    response = await transport.handle_async_request(request)
    body = bytearray()
    # As it comes: nothing is decoded.
    async with aclosing(cast("httpx.AsyncByteStream", response.stream)) as stream:
        async for chunk in stream:
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                return ResponseTooLarge(response.status_code)
    return ProviderResponse(response.status_code, dict(response.headers), bytes(body))


def _describe(error: Exception) -> str:
    """What went wrong, without the URL: its path may hold what is not for everyone.

    Words of ours alone: those of a provider may be a tenant's.
    """
    kind = type(error).__name__.removesuffix("Error")
    words = {"Connect": "no connection", "ConnectTimeout": "no connection in time"}
    if isinstance(error, httpx.InvalidURL | UnicodeError):
        return "its URL cannot be used: look at the host name"
    detail = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in detail:
        return "its TLS certificate is not trusted: set tls.caBundle or tls.caRef"
    if kind == "AddressRefused":
        return detail
    return words.get(kind, f"connection failed ({kind})")
