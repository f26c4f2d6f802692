"""The one way in which the server fetches what somebody else's URL names (S-154, S-170).

https only; the name is resolved once, its addresses are checked, and the connection goes to an
address that was checked, while TLS proves the name. No redirects, cookies, credentials or proxies;
caps on time, size and how many at once. What comes back is JSON or an error.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import h11
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
from dcr_server.https_exchange import Exchange, NoAnswer, NoConnection, exchange
from dcr_server.name_resolution import Resolve, SystemResolver

_OK: Final = 200
_REDIRECTS: Final = range(300, 400)
# More would only be a way to spend our time.
_MOST_ADDRESSES: Final = 3
_JSON_TYPE: Final = re.compile(r"application/(?:[a-z0-9.-]+\+)?json")

log = structlog.get_logger()


class FetchJson(Protocol):
    async def __call__(self, url: str, /) -> JsonValue:
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
        self._tls = tls
        self._allowed_hosts = tuple(allowed_hosts)
        self._limits = limits
        self._resolve = resolve or SystemResolver()
        self._free = asyncio.Semaphore(limits.at_once)

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
        addresses = await self._checked_addresses(target)
        for address in addresses[:_MOST_ADDRESSES]:
            # The next is for a host that does not answer by IPv6, say; none sees a request twice.
            with contextlib.suppress(NoConnection):
                return await self._get(target, address)
        # One text for a closed port and a certificate of somebody else.
        raise FetchError("no connection by TLS with a certificate for the host name")

    async def _get(self, target: Target, address: str) -> bytes:
        limits = self._limits
        try:
            async with exchange(
                target,
                address,
                self._tls,
                seconds_to_connect=limits.seconds_to_connect,
                max_bytes=limits.max_bytes,
            ) as asked:
                _check_head(await asked.head(), limits.max_bytes)
                return await _read(asked, limits.max_bytes)
        except NoAnswer:
            raise FetchError("the host does not answer by HTTP, or its answer breaks off") from None

    async def _checked_addresses(self, target: Target) -> Sequence[str]:
        found = await self._addresses(target)
        try:
            return checked_addresses(target.host, found, self._allowed_hosts)
        except FetchError:
            # For those who run the server, who may want to allow the host.
            log.warning("addresses_refused", host=target.host, addresses=list(found))
            raise

    async def _addresses(self, target: Target) -> Sequence[str]:
        if is_address(target.host):
            return (target.host,)
        return await self._resolve(target.host, target.port)


def fetch_tls(ca_file: Path | None) -> ssl.SSLContext:
    """Trust the system's authorities and those of the file.

    Raises OSError or ValueError for a file without certificates.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _check_head(head: h11.Response, max_bytes: int) -> None:
    if head.status_code in _REDIRECTS:
        raise FetchError("the answer is a redirect, and none is followed")
    if head.status_code != _OK:
        raise FetchError(f"the answer has the status {head.status_code}, not 200")
    if not _JSON_TYPE.fullmatch(_header(head, b"content-type").partition(";")[0].strip()):
        raise FetchError("the answer is not application/json")
    if _header(head, b"content-encoding") not in {"", "identity"}:
        raise FetchError("the answer is compressed")
    if int(_header(head, b"content-length") or "0") > max_bytes:
        raise _too_large(max_bytes)


def _header(head: h11.Response, name: bytes) -> str:
    """Return the value in lower case; where several lines give one, they are a list."""
    values = [value for given, value in head.headers if given == name]
    return b", ".join(values).decode("latin-1").lower()


async def _read(asked: Exchange, max_bytes: int) -> bytes:
    body = bytearray()
    async for part in asked.body():
        body += part
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


def _too_large(max_bytes: int) -> FetchError:
    return FetchError(f"the answer is larger than {max_bytes} bytes")
