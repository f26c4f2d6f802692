"""The one way in which the server fetches what somebody else's URL names (S-154, S-170).

https only; the name is resolved once, its addresses are checked, and the connection goes to an
address that was checked, while TLS proves the name. No redirects, cookies, credentials or proxies;
caps on time, size and how many at once. What comes back is JSON or an error.
"""

import asyncio
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

import httpx
import structlog

from dcr_protocol.errors import InvalidRequest
from dcr_protocol.json_document import DEFAULT_MAX_BYTES, JsonValue, parse_json
from dcr_server.fetch_targets import (
    FetchError,
    Target,
    checked_addresses,
    is_address,
    parse_target,
)
from dcr_server.name_resolution import Resolve, SystemResolver

_OK: Final = 200
_REDIRECTS: Final = range(300, 400)
# More would only be a way to spend our time.
_MOST_ADDRESSES: Final = 3
_JSON_TYPE: Final = re.compile(r"application/(?:[a-z0-9.-]+\+)?json")
_REQUEST_HEADERS: Final = (
    ("Accept", "application/json, application/*+json"),
    # A small body could unpack to a large one.
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
    ("User-Agent", "dcr-server"),
)

log = structlog.get_logger()


class FetchJson(Protocol):
    async def __call__(self, url: str) -> JsonValue:
        """Raises FetchError."""
        ...


@dataclass(frozen=True, slots=True)
class FetchLimits:
    seconds: float = 5.0
    """For everything: waiting for others, resolving, connecting, reading."""
    seconds_to_connect: float = 2.0
    max_bytes: int = DEFAULT_MAX_BYTES
    at_once: int = 16


DEFAULT_LIMITS: Final = FetchLimits()


class Fetcher:
    """Fetches JSON documents; one for the life of the server."""

    def __init__(
        self,
        tls: ssl.SSLContext,
        *,
        allowed_hosts: Sequence[str] = (),
        limits: FetchLimits = DEFAULT_LIMITS,
        resolve: Resolve | None = None,
    ) -> None:
        self._allowed_hosts = tuple(allowed_hosts)
        self._limits = limits
        self._resolve = resolve or SystemResolver()
        self._free = asyncio.Semaphore(limits.at_once)
        # A kept connection would be used for another name with the same address, unproven.
        self._transport = httpx.AsyncHTTPTransport(
            verify=tls,
            trust_env=False,
            retries=0,
            limits=httpx.Limits(max_connections=limits.at_once, max_keepalive_connections=0),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()

    async def fetch_json(self, url: str) -> JsonValue:
        """Return the document.

        Raises FetchError, whose text may be shown to whoever supplied the URL.
        """
        target = parse_target(url)
        try:
            async with asyncio.timeout(self._limits.seconds), self._free:
                body = await self._fetch(target)
            return parse_json(body, max_bytes=self._limits.max_bytes)
        except TimeoutError:
            error = FetchError(f"it takes longer than {self._limits.seconds:g} seconds")
        except InvalidRequest as invalid:
            error = FetchError(invalid.description)
        except FetchError as failed:
            error = failed
        log.warning("fetch_failed", host=target.host, port=target.port, detail=str(error))
        raise error from None

    async def _fetch(self, target: Target) -> bytes:
        found = await self._addresses(target)
        addresses = checked_addresses(target.host, found, self._allowed_hosts)
        response = await self._answer(target, addresses[:_MOST_ADDRESSES])
        try:
            _check_head(response, self._limits.max_bytes)
            return await _read(response, self._limits.max_bytes)
        except httpx.TransportError:
            raise FetchError("the answer breaks off or is not HTTP") from None
        finally:
            await response.aclose()

    async def _addresses(self, target: Target) -> Sequence[str]:
        if is_address(target.host):
            return (target.host,)
        return await self._resolve(target.host, target.port)

    async def _answer(self, target: Target, addresses: Sequence[str]) -> httpx.Response:
        for address in addresses:
            try:
                return await self._transport.handle_async_request(
                    _request(target, address, self._limits)
                )
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except httpx.TransportError:
                raise FetchError("the host does not answer by HTTP") from None
        # One text for a closed port and a certificate of somebody else.
        raise FetchError("no connection by TLS with a certificate for the host name")


def fetch_tls(ca_file: Path | None) -> ssl.SSLContext:
    """Trust the system's authorities and those of the file.

    Raises OSError or ValueError for a file without certificates.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _request(target: Target, address: str, limits: FetchLimits) -> httpx.Request:
    host = f"[{address}]" if ":" in address else address
    timeout = httpx.Timeout(limits.seconds, connect=limits.seconds_to_connect).as_dict()
    return httpx.Request(
        "GET",
        httpx.URL(f"https://{host}:{target.port}", raw_path=target.path.encode("ascii")),
        headers=[("Host", target.authority), *_REQUEST_HEADERS],
        extensions={"sni_hostname": target.host, "timeout": timeout},
    )


def _check_head(response: httpx.Response, max_bytes: int) -> None:
    if response.status_code in _REDIRECTS:
        raise FetchError("the answer is a redirect, and none is followed")
    if response.status_code != _OK:
        raise FetchError(f"the answer has the status {response.status_code}, not 200")
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not _JSON_TYPE.fullmatch(media_type):
        raise FetchError("the answer is not application/json")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchError("the answer is compressed")
    length = response.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > max_bytes:
        raise _too_large(max_bytes)


async def _read(response: httpx.Response, max_bytes: int) -> bytes:
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


def _too_large(max_bytes: int) -> FetchError:
    return FetchError(f"the answer is larger than {max_bytes} bytes")
