"""Key sets of others: by URL through the hardened fetcher, or in a file (RFC 7517 §5).

A URL is asked again when its answer is old, or when a signature names a key that the answer does
not hold; but a URL that fails, or lacks that key, is left alone for a while: what asks is often an
unauthenticated request.
"""

import asyncio
import contextlib
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from dcr_protocol.client_keys import is_public_key
from dcr_protocol.errors import InvalidRequest
from dcr_protocol.json_document import JsonValue, parse_json
from dcr_server.fetch_targets import FetchError
from dcr_server.fetching import FetchJson
from dcr_server.file_stamps import FileStamp, stamp_of

Key = Mapping[str, JsonValue]
Keys = Sequence[Key]

MOST_KEYS: Final = 100
# RFC 7517 §4, RFC 7518 §6, RFC 8037 §2: all that verifying needs; certificates would fill memory.
_MEMBERS: Final = frozenset({"kty", "use", "key_ops", "alg", "kid", "crv", "x", "y", "n", "e"})

log = structlog.get_logger()


class KeysUnavailable(Exception):  # noqa: N818 - says what is the matter; there is no other error here
    """There are no keys to verify with. The text is public."""


@dataclass(frozen=True, slots=True)
class CacheLimits:
    lifetime: float = 300.0
    """Seconds for which an answer counts, whatever its headers say."""
    pause: float = 30.0
    """Seconds before a URL is asked again that failed or did not hold the key in question."""
    entries: int = 256


DEFAULT_CACHE: Final = CacheLimits()


@dataclass(slots=True)
class _Entry:
    keys: Keys = ()
    valid_until: float = -math.inf
    asked_at: float = -math.inf
    failure: str = "it has not been asked for yet"
    # Those who want the same URL at the same time wait for one answer.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def serves(self, kid: str | None, now: float) -> bool:
        return now < self.valid_until and (
            kid is None or any(key.get("kid") == kid for key in self.keys)
        )


class RemoteKeys:
    """Key sets by URL, in memory."""

    def __init__(
        self,
        fetch: FetchJson,
        monotonic: Callable[[], float],
        limits: CacheLimits = DEFAULT_CACHE,
    ) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._limits = limits
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def keys(self, jwks_uri: str, *, kid: str | None) -> Keys:
        """Return all public keys of the set; `kid` is the key that the signature names, if any.

        Raises KeysUnavailable.
        """
        entry = self._entry(jwks_uri)
        async with entry.turn:
            now = self._monotonic()
            if not entry.serves(kid, now) and now >= entry.asked_at + self._limits.pause:
                await self._ask(jwks_uri, entry)
            if self._monotonic() >= entry.valid_until:
                raise KeysUnavailable(entry.failure)
            return entry.keys

    def _entry(self, jwks_uri: str) -> _Entry:
        entry = self._entries.setdefault(jwks_uri, _Entry())
        self._entries.move_to_end(jwks_uri)
        while len(self._entries) > self._limits.entries:
            self._entries.popitem(last=False)
        return entry

    async def _ask(self, jwks_uri: str, entry: _Entry) -> None:
        """Note the outcome; what was answered before counts until its end."""
        try:
            entry.keys = parse_key_set(await self._fetch(jwks_uri))
        except (FetchError, KeysUnavailable) as error:
            entry.failure = str(error)
        else:
            entry.valid_until = self._monotonic() + self._limits.lifetime
        entry.asked_at = self._monotonic()


class KeyFile:
    """A key set in a file, read again when the file has changed."""

    def __init__(self, path: Path) -> None:
        """Raises KeysUnavailable."""
        self._path = path
        self._stamp = _stamp_of(path)
        self._keys = self._read()
        self._told = ""

    def current(self) -> Keys:
        """Return what is there now, unless it cannot be used: then what was there before.

        What is the matter is told once, however many ask.
        """
        stamp = _stamp_of(self._path)
        if stamp == self._stamp:
            self._told = ""
            return self._keys
        try:
            self._keys = self._read()
        except KeysUnavailable as error:
            self._tell(str(error))
        else:
            self._stamp, self._told = stamp, ""
            log.info("key_set_loaded", file=str(self._path))
        return self._keys

    def _tell(self, failure: str) -> None:
        if failure != self._told:
            self._told = failure
            log.warning("key_set_not_loaded", detail=failure)

    def _read(self) -> Keys:
        try:
            return parse_key_set(parse_json(self._path.read_bytes()))
        except OSError as error:
            raise KeysUnavailable(f"{self._path}: {error.strerror}") from None
        except InvalidRequest as error:
            raise KeysUnavailable(f"{self._path}: {error.description}") from None
        except KeysUnavailable as error:
            raise KeysUnavailable(f"{self._path}: {error}") from None


def _stamp_of(path: Path) -> FileStamp | None:
    """Return None while there is no such file, or nobody may look."""
    with contextlib.suppress(OSError):
        return stamp_of(path)
    return None


def parse_key_set(document: JsonValue) -> Keys:
    """RFC 7517 §5: keep the public keys that are understood, and of them what verifying needs.

    Raises KeysUnavailable.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise KeysUnavailable(f"it is no JWK Set of at most {MOST_KEYS} keys")
    usable = tuple(
        {member: value for member, value in key.items() if member in _MEMBERS}
        for key in keys
        if isinstance(key, dict) and is_public_key(key)
    )
    if not usable:
        raise KeysUnavailable("it holds no public key")
    return usable
