"""Transports towards providers; the hardened one is for providers that tenants name.

A tenant could name a host that resolves to the cloud's metadata service or into the
cluster. So the address is checked after the name was resolved, and the connection goes
to the address that was checked: the name is not resolved again.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable

import httpx

from dcr_protocol.addresses import Address, is_loopback, is_public

Resolve = Callable[[str, int], Awaitable[list[str]]]

# Below the five seconds after which uvicorn and Node close an idle connection: a request
# on a connection that is being closed would be a request with an unknown outcome.
_KEEP_ALIVE = 4.0


class AddressRefusedError(httpx.ConnectError):
    """Raised when a tenant's provider resolves to an address that is not public."""


def plain_transport(tls: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(verify=tls, trust_env=False, retries=0, limits=_limits())


class HardenedTransport(httpx.AsyncBaseTransport):
    """Resolves, checks, connects to what was checked; TLS still proves the name."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        allow_loopback: bool = False,
        resolve: Resolve | None = None,
    ) -> None:
        self._inner = inner
        self._allow_loopback = allow_loopback
        self._resolve = resolve or resolve_host

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        address = await self._checked(host, request.url.port or 443)
        extensions = {**request.extensions, "sni_hostname": host}
        checked = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,  # Host keeps the name
            stream=request.stream,
            extensions=extensions,
        )
        return await self._inner.handle_async_request(checked)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _checked(self, host: str, port: int) -> str:
        addresses = await self._resolve(host, port)
        if not addresses:
            raise httpx.ConnectError("the host name does not resolve")
        # All of them: else an attacker adds a public address beside the private one.
        if not all(self._is_allowed(ipaddress.ip_address(each)) for each in addresses):
            raise AddressRefusedError("the host name resolves to an address that is not public")
        return addresses[0]

    def _is_allowed(self, address: Address) -> bool:
        return is_public(address) or (self._allow_loopback and is_loopback(address))


async def resolve_host(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a label that is empty or too long
        return []
    return [str(entry[4][0]) for entry in found]


def _limits() -> httpx.Limits:
    return httpx.Limits(
        max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEP_ALIVE
    )
