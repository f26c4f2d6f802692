"""The key pairs that the operator makes for a client, and which of them are published when. Pure.

         made             answered, switched          the overlap is over, and its end answered
    {} ───────► next ───────────────────► current ──► retired ─────────────────────────────► {}

A key is on record before the request that publishes it (RFC 7591 §2, `jwks`). It goes into the
Secret when that is answered; the one before stays in the key set for the overlap.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import JsonValue, SecretStr

JWKS: Final = "jwks"
# Of keys that nobody should use any more; a person who asks again and again gets no longer set.
_MOST_RETIRED: Final = 8


@dataclass(frozen=True, slots=True)
class KeyPair:
    kid: str
    algorithm: str
    made_at: datetime
    public_jwk: Mapping[str, JsonValue]
    private_jwk: SecretStr  # a JSON text
    private_pem: SecretStr  # PKCS #8
    overlap: int = 0  # seconds for which the key before this one stays valid


@dataclass(frozen=True, slots=True)
class RetiredKey:
    public_jwk: Mapping[str, JsonValue]
    until: datetime


@dataclass(frozen=True, slots=True)
class ClientKeys:
    current: KeyPair | None = None  # in the Secret
    next: KeyPair | None = None  # on the way into the registration
    retired: tuple[RetiredKey, ...] = ()


@dataclass(frozen=True, slots=True)
class KeysWish:
    """What spec.clientKeys says."""

    algorithm: str
    rotate_every: timedelta | None = None
    overlap: timedelta = field(default=timedelta(days=1))


def with_next(keys: ClientKeys | None, made: KeyPair | None) -> ClientKeys | None:
    if made is None:
        return keys
    return replace(keys or ClientKeys(), next=made)


def key_set(keys: ClientKeys, now: datetime) -> dict[str, JsonValue]:
    """Return the public keys that the client may sign with now (RFC 7517 §5).

    The newest first: switching to the next key changes nothing here, so that no request follows.
    """
    pairs = [pair.public_jwk for pair in (keys.next, keys.current) if pair is not None]
    retired = [each.public_jwk for each in reversed(keys.retired) if now < each.until]
    return {"keys": [dict(jwk) for jwk in (*pairs, *retired)]}


def in_force(keys: ClientKeys | None, body: bytes, now: datetime) -> ClientKeys | None:
    """Return the keys after a request with this body was answered.

    A body without any of them is that of a client that has no keys of ours any more.
    """
    published = _kids(body)
    if keys is None or not published & {
        pair.kid for pair in (keys.current, keys.next) if pair is not None
    }:
        return None
    left = tuple(each for each in keys.retired if now < each.until)
    if keys.next is None or keys.next.kid not in published:
        return replace(keys, retired=left)
    return ClientKeys(current=keys.next, retired=(*left, *_retired(keys, now))[-_MOST_RETIRED:])


def _retired(keys: ClientKeys, now: datetime) -> tuple[RetiredKey, ...]:
    if keys.current is None or keys.next is None:
        return ()
    return (RetiredKey(keys.current.public_jwk, now + timedelta(seconds=keys.next.overlap)),)


def _kids(body: bytes) -> set[str]:
    document = json.loads(body)
    jwks = document.get(JWKS) if isinstance(document, dict) else None
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    return {str(key.get("kid")) for key in keys or () if isinstance(key, dict)}


def next_key_due(wish: KeysWish, keys: ClientKeys) -> datetime | None:
    """Return when the key is to be followed by another one by the calendar."""
    if wish.rotate_every is None or keys.current is None:
        return None
    return keys.current.made_at + wish.rotate_every


def last_retirement(keys: ClientKeys | None) -> datetime | None:
    """Return until when the last of the keys before is valid."""
    return max((each.until for each in keys.retired), default=None) if keys else None
